"""The zip writer, read back by the standard library's reader."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import UTC, datetime

import pytest

from upheld.requests.package import archive
from upheld.requests.package.archive import Archive, dos_stamp, pack

MADE_AT = datetime(2026, 11, 24, 8, 19, 13, tzinfo=UTC)


def written(given: list[tuple[str, bytes]], *, streamed: bool) -> bytes:
    file = io.BytesIO()
    made = Archive(file, MADE_AT)
    for name, data in given:
        if streamed:
            made.add_stream(name, iter((data[:3], data[3:])), deflate=len(data) > 100)
        else:
            made.add(name, pack(data, deflate=True))
    assert made.finish() == len(file.getvalue())
    return file.getvalue()


GIVEN = [("a.txt", b""), ("b/c.txt", b"short"), ("d.txt", b"long " * 50_000)]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("most", [0xFFFFFFFF, 100, 2])
def test_read_back(monkeypatch: pytest.MonkeyPatch, most: int, *, streamed: bool) -> None:
    # A lower bound than 4 GiB makes every header take its ZIP64 form.
    monkeypatch.setattr(archive, "_MOST_32", most)
    data = written(GIVEN, streamed=streamed)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        assert [(i.filename, opened.read(i)) for i in opened.infolist()] == GIVEN


@pytest.mark.parametrize("streamed", [True, False])
def test_headers_before_the_files_agree_with_those_at_the_end(*, streamed: bool) -> None:
    data = written(GIVEN, streamed=streamed)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        for info in opened.infolist():
            at = info.header_offset
            crc, packed, size, name, extra = struct.unpack_from("<3L2H", data, at + 14)
            assert data[at + 30 : at + 30 + name].decode() == info.filename
            assert crc == info.CRC
            if streamed:
                assert (packed, size, extra) == (0xFFFFFFFF, 0xFFFFFFFF, 20)
                size, packed = struct.unpack_from("<2Q", data, at + 30 + name + 4)
            assert (packed, size) == (info.compress_size, info.file_size)


def test_more_files_than_a_plain_zip_can_count() -> None:
    data = written([(f"{n}", b"") for n in range(65_540)], streamed=False)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert len(opened.infolist()) == 65_540


@pytest.mark.parametrize(
    ("year", "expected"), [(1970, 1980), (1980, 1980), (2107, 2107), (9999, 2107)]
)
def test_years_beyond_a_dos_stamp_are_moved_in(year: int, expected: int) -> None:
    assert dos_stamp(datetime(year, 3, 4, tzinfo=UTC))[1] >> 9 == expected - 1980
