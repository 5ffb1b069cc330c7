"""A zip written front to back, with digests of what went in.

Source: PKWARE APPNOTE.TXT 6.3.10 (local header 4.3.7, central header 4.3.12,
ZIP64 4.3.14 to 4.3.16 and 4.5.3). The standard library's writer goes back to
every header after its data, which flushes the buffer each time; whole small
files are known beforehand, so theirs are written once. Names are ASCII.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple

_STORED: Final = 0
_DEFLATED: Final = 8
_MOST_32: Final = 0xFFFFFFFF
_MOST_16: Final = 0xFFFF
# What stands in a field whose number is in the ZIP64 record instead.
_SEE_64: Final = 0xFFFFFFFF
_SEE_64_SHORT: Final = 0xFFFF
_UNIX: Final = 3 << 8
_PLAIN_FILE: Final = 0o100600 << 16
_VERSION: Final = 20
_VERSION_ZIP64: Final = 45
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_STREAMED_EXTRA: Final = struct.Struct("<2H2Q")
# Years that a DOS timestamp can say, and where its fields begin.
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
_LEVEL: Final = 1
# (largest size, window bits, memory level). Setting up the usual 32 KiB window costs more than
# deflating a small file: measured on JSON of 600 bytes 58 microseconds, with 8 KiB 7, same size.
_WINDOWS: Final = ((8192, -13, 6), (32768, -14, 7))
_FULL_WINDOW: Final = (-zlib.MAX_WBITS, 8)
# Deflating what cannot be deflated costs most of all: a sample tells, if it saves an eighth.
_SAMPLE: Final = 4096


class Packed(NamedTuple):
    """A whole file, ready to be written: its body as stored, and the facts of its content."""

    body: bytes
    method: int
    size: int
    crc: int
    sha256: str


class Listed(NamedTuple):
    """A file in the archive: its name, the size of its content in bytes, SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


def pays(data: bytes) -> bool:
    """Tell from the beginning of a content whether deflating it is worth the time."""
    if len(data) < 2 * _SAMPLE:
        return True
    sample = zlib.compressobj(_LEVEL, zlib.DEFLATED, *_WINDOWS[0][1:])
    return len(sample.compress(data[:_SAMPLE]) + sample.flush()) < _SAMPLE * 7 // 8


def pack(data: bytes, *, deflate: bool) -> Packed:
    """Deflate where asked and where it pays, else keep as it is."""
    body, method = data, _STORED
    if deflate:
        window = next((w[1:] for w in _WINDOWS if len(data) <= w[0]), _FULL_WINDOW)
        squeeze = zlib.compressobj(_LEVEL, zlib.DEFLATED, *window)
        squeezed = squeeze.compress(data) + squeeze.flush()
        if len(squeezed) < len(data):
            body, method = squeezed, _DEFLATED
    return Packed(body, method, len(data), zlib.crc32(data), hashlib.sha256(data).hexdigest())


def dos_stamp(moment: datetime) -> tuple[int, int]:
    """Give (time, date) as DOS counts them: even seconds, in UTC, years 1980 to 2107."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    year = min(max(moment.year, _FIRST_YEAR), _LAST_YEAR) - _FIRST_YEAR
    return (
        moment.hour << 11 | moment.minute << 5 | moment.second // 2,
        year << 9 | moment.month << 5 | moment.day,
    )


class Archive:
    """The zip being written to `file`, which must be empty and can seek.

    Memory: about 250 bytes for each file that was added. OSError from `file` passes through.
    """

    def __init__(self, file: BinaryIO, made_at: datetime) -> None:
        """Begin at the start of `file`; every entry carries the time `made_at`."""
        self._file = file
        self._stamp = dos_stamp(made_at)
        self._offset = 0
        self._central = bytearray()
        self.files: list[Listed] = []

    def add(self, name: str, packed: Packed) -> None:
        """Write one whole file."""
        body, method, size, crc, sha256 = packed
        raw, length = name.encode("ascii"), len(body)
        head = _LOCAL.pack(
            b"PK\3\4", _VERSION, 0, method, *self._stamp, crc, length, size, len(raw), 0
        )
        self._file.write(head + raw)
        self._file.write(body)
        self._list(raw, method, size, length, crc)
        self.files.append(Listed(name, size, sha256))
        self._offset += _LOCAL.size + len(raw) + length

    def add_stream(self, name: str, chunks: Iterable[bytes], *, deflate: bool) -> None:
        """Write one file of unknown size, a chunk at a time; its header is completed after it."""
        raw, method = name.encode("ascii"), _DEFLATED if deflate else _STORED
        head = (b"PK\3\4", _VERSION_ZIP64, 0, method, *self._stamp)
        tail = (_SEE_64, _SEE_64, len(raw), _STREAMED_EXTRA.size)
        self._file.write(_LOCAL.pack(*head, 0, *tail) + raw + _STREAMED_EXTRA.pack(1, 16, 0, 0))
        digest, crc, size, packed = hashlib.sha256(), 0, 0, 0
        squeeze = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS) if deflate else None
        for chunk in chunks:
            digest.update(chunk)
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            packed += self._file.write(squeeze.compress(chunk) if squeeze else chunk)
        if squeeze:
            packed += self._file.write(squeeze.flush())
        end = self._offset + _LOCAL.size + len(raw) + _STREAMED_EXTRA.size + packed
        self._file.seek(self._offset)
        self._file.write(
            _LOCAL.pack(*head, crc, *tail) + raw + _STREAMED_EXTRA.pack(1, 16, size, packed)
        )
        self._file.seek(end)
        self._list(raw, method, size, packed, crc)
        self.files.append(Listed(name, size, digest.hexdigest()))
        self._offset = end

    def finish(self) -> int:
        """Write the central directory and give the archive's size; nothing can be added after."""
        start, length, count = self._offset, len(self._central), len(self.files)
        self._file.write(self._central)
        end = start + length
        if start >= _MOST_32 or length >= _MOST_32 or count >= _MOST_16:
            version = (_VERSION_ZIP64, _VERSION_ZIP64)
            record = (_END_64.size - 12, *version, 0, 0, count, count, length, start)
            self._file.write(_END_64.pack(b"PK\6\6", *record))
            self._file.write(_LOCATOR_64.pack(b"PK\6\7", 0, end, 1))
            end += _END_64.size + _LOCATOR_64.size
        few = _SEE_64_SHORT if count >= _MOST_16 else count
        bounds = (_SEE_64 if n >= _MOST_32 else n for n in (length, start))
        self._file.write(_END.pack(b"PK\5\6", 0, 0, few, few, *bounds, 0))
        return end + _END.size

    def _list(self, raw: bytes, method: int, size: int, packed: int, crc: int) -> None:
        """Add the central header of the file that begins at the present offset."""
        offset, extra, version = self._offset, b"", _VERSION
        if size >= _MOST_32 or packed >= _MOST_32 or offset >= _MOST_32:
            # In this order, and only those that do not fit (APPNOTE 4.5.3).
            wide = [n for n in (size, packed, offset) if n >= _MOST_32]
            extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide)
            size, packed, offset = (_SEE_64 if n >= _MOST_32 else n for n in (size, packed, offset))
            version = _VERSION_ZIP64
        head = (b"PK\1\2", _UNIX | _VERSION_ZIP64, version, 0, method, *self._stamp)
        tail = (len(raw), len(extra), 0, 0, 0, _PLAIN_FILE, offset)
        self._central += _CENTRAL.pack(*head, crc, packed, size, *tail) + raw + extra


def in_pieces(file: BinaryIO, length: int = 1 << 18) -> Iterator[bytes]:
    """Read `file` from where it is to its end, `length` bytes at a time."""
    while piece := file.read(length):
        yield piece
