"""Access packages: what is in the zip, that it cannot be turned against its reader, and failure."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import random
import re
import resource
import shutil
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from upheld.errors import RequestError, StoreError
from upheld.requests.package import (
    About,
    ExportColumn,
    ExportObject,
    ExportTable,
    PackageJob,
    TableRows,
    write_package,
    write_packages,
)

MADE_AT = datetime(2026, 11, 24, 8, 19, 13, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
Row = tuple[str, tuple[Any, ...]]


def about(**changes: object) -> About:
    given: dict[str, Any] = {
        "request": "R-17",
        "made_at": MADE_AT,
        "controller": "Shop GmbH",
        "systems": ("The shop's database",),
        "subject_label": "ada@example.org",
        "notes": ("Invoices are kept for ten years.",),
    }
    given.update(changes)
    return About(**given)


def table(
    *columns: str,
    name: str = "customer",
    title: str = "Customers",
    category: str = "account",
    store: str | None = None,
) -> ExportTable:
    shown = tuple(ExportColumn(c, category, store) for c in columns)
    return ExportTable("shop", name, title, shown)


def rows(of: ExportTable, *given: Row) -> TableRows:
    return TableRows(of, iter(given))


def an_object(
    key: str,
    *chunks: bytes,
    table: str = "photo",
    category: str = "inputs",
    role: str = "owner",
) -> ExportObject:
    return ExportObject("media", key, table, category, role, lambda: iter(chunks))


def package(
    folder: Path,
    tables: list[TableRows],
    objects: list[ExportObject] | None = None,
    *,
    of: About | None = None,
    lang: str = "en",
) -> dict[str, bytes]:
    """Write a package and give its files by name, having checked what holds for all."""
    target = folder / "p.zip"
    summary = write_package(target, of or about(), tables, objects or [], lang=lang)
    assert [p.name for p in folder.iterdir()] == ["p.zip"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with zipfile.ZipFile(target) as opened:
        assert opened.testzip() is None
        infos = opened.infolist()
        files = {info.filename: opened.read(info) for info in infos}
    assert len(files) == len(infos) == summary.files
    assert target.stat().st_size == summary.bytes
    assert {info.date_time for info in infos} == {(2026, 11, 24, 8, 19, 12)}
    check_manifest(files, summary.manifest_sha256)
    return files


def check_manifest(files: dict[str, bytes], digest: str) -> None:
    assert hashlib.sha256(files["manifest.json"]).hexdigest() == digest
    listed = json.loads(files["manifest.json"])["files"]
    assert {f["path"]: (f["size"], f["sha256"]) for f in listed} == {
        name: (len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
        if name != "manifest.json"
    }


def read_csv(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


class Seen(HTMLParser):
    """What a browser would see: elements with attributes, and the text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.cells: list[str] = []
        self.in_cell = False
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "td":
            self.cells.append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_cell:
            self.cells[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


EVERY: list[tuple[Any, Any, str]] = [
    # value, as JSON, as CSV
    (None, None, ""),
    (True, True, "true"),
    (False, False, "false"),
    (-5, -5, "-5"),
    (2**70, 2**70, str(2**70)),
    (1.5, 1.5, "1.5"),
    (float("nan"), "nan", "nan"),
    (float("-inf"), "-inf", "-inf"),
    ("Zoë", "Zoë", "Zoë"),
    ("", "", ""),
    ('say "hi", then go', 'say "hi", then go', 'say "hi", then go'),
    (Decimal("0.10"), "0.10", "0.10"),
    (Decimal("-1E+5"), "-1E+5", "-1E+5"),
    (date(2026, 1, 2), "2026-01-02", "2026-01-02"),
    (time(3, 4), "03:04:00", "03:04:00"),
    (MADE_AT, "2026-11-24T08:19:13+00:00", "2026-11-24T08:19:13+00:00"),
    (timedelta(days=1, seconds=2), "1 day, 0:00:02", "1 day, 0:00:02"),
    (UUID(int=7), str(UUID(int=7)), str(UUID(int=7))),
    (b"\x00\xff", "\\x00ff", "\\x00ff"),
    ([1, "a", None], [1, "a", None], '[1, "a", null]'),
    ({"a": {"b": [Decimal("1.0")]}}, {"a": {"b": ["1.0"]}}, '{"a": {"b": ["1.0"]}}'),
    ([float("inf")], ["inf"], '["inf"]'),
    ("lone \ud800", "lone \ud800", "lone \\ud800"),
]


def test_every_type_of_value(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(len(EVERY))]
    values = tuple(value for value, _, _ in EVERY)
    files = package(tmp_path, [rows(table(*names), ("owner", values))])
    (found,) = json.loads(files["data/shop/customer.json"])
    assert found == {"_role": "owner"} | dict(zip(names, (j for _, j, _ in EVERY), strict=True))
    head, line = read_csv(files["data/shop/customer.csv"])
    assert head == ["_role", *names]
    assert line == ["owner", *(c for _, _, c in EVERY)]
    assert b',"",' in files["data/shop/customer.csv"], "empty text and nothing must differ"
    seen = Seen(files["index.html"])
    for text in ("Zoë", "2026-11-24 08:19:13 UTC", "\\x00ff", "yes", "1.5", "b"):
        assert text in seen.text


def test_the_page_says_what_is_in_here(tmp_path: Path) -> None:
    photos = table("id", "storage_key", name="photo", title="Photos", category="inputs")
    files = package(
        tmp_path,
        [
            rows(photos, ("owner", (1, "a.png")), ("mentioned", (2, "b.png"))),
            rows(table("email"), ("owner", ("ada@example.org",))),
            rows(table("x", name="device", title="Devices seen", category="device")),
        ],
        [an_object("a.png", PNG), an_object("s.mp3", b"ID3x"), an_object("v.mp4", b"v")],
    )
    seen = Seen(files["index.html"])
    assert seen.all("html") == [{"lang": "en"}]
    assert "This package holds 3 entries and 3 files about you." in seen.text
    assert "nothing about you: Devices seen." in seen.text
    assert "Invoices are kept for ten years." in seen.text
    assert "otherwise run as a formula" in seen.text
    assert "24 November 2026, 08:19 UTC" in seen.text
    assert "mentions you" in seen.text
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", files["index.html"].decode()) == [
        "What is in here",
        "Account",
        "What you put in",
    ]
    assert seen.all("img")[0]["alt"] == "Picture a.png, from “Photos”"
    assert "controls" in seen.all("audio")[0]
    assert "controls" in seen.all("video")[0]
    assert all(cell.get("scope") in {"col", "row", "rowgroup"} for cell in seen.all("th"))
    assert len(seen.all("caption")) == len(seen.all("table")) == 3
    assert not seen.all("script")
    assert not seen.all("style")
    check_links(seen, files)


def check_links(seen: Seen, files: dict[str, bytes]) -> None:
    """Every address on the page is a file in the zip or an anchor on the page."""
    ids = [str(a["id"]) for _, a in seen.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in seen.elements:
        assert not {"style", "onclick", "onerror", "onload"} & set(attributes)
        for name in ("href", "src"):
            target = attributes.get(name)
            if target:
                assert target[1:] in ids if target.startswith("#") else target in files
        for name in ("aria-labelledby",):
            assert attributes.get(name, ids[0]) in ids


def test_a_long_table_is_cut_on_the_page_only(tmp_path: Path) -> None:
    given = [("owner", (f"row {n}",)) for n in range(1234)]
    files = package(tmp_path, [rows(table("body"), *given)])
    seen = Seen(files["index.html"])
    assert "row 49" in seen.text
    assert "row 50" not in seen.text
    assert "Shown: the first 50 of 1,234 entries." in seen.text
    assert len(json.loads(files["data/shop/customer.json"])) == 1234
    assert len(read_csv(files["data/shop/customer.csv"])) == 1235


def test_rows_beyond_memory_are_spooled_whole(tmp_path: Path) -> None:
    given = [("owner", (n, f"{n} " + "x" * 5000)) for n in range(700)]
    files = package(tmp_path, [rows(table("id", "body"), *given)])
    found = json.loads(files["data/shop/customer.json"])
    assert [(row["id"], row["body"]) for row in found] == [values for _, values in given]
    assert [line[2] for line in read_csv(files["data/shop/customer.csv"])[1:]] == [
        values[1] for _, values in given
    ]


def test_long_texts_and_many_columns_stand_upright(tmp_path: Path) -> None:
    two = [("owner", ("a",)), ("owner", ("b",))]
    flat = package(tmp_path, [rows(table("body"), *two)])
    assert "rowgroup" not in flat["index.html"].decode()
    long = package(tmp_path, [rows(table("body"), *two, ("owner", ("long " * 30,)))])
    assert long["index.html"].decode().count('scope="rowgroup"') == 3
    names = [f"c{n}" for n in range(7)]
    wide = package(tmp_path, [rows(table(*names), *[("owner", tuple(names))] * 2)])
    assert wide["index.html"].decode().count('scope="rowgroup"') == 2


def test_very_long_text_is_cut_on_the_page_only(tmp_path: Path) -> None:
    text = "word " * 100_000
    files = package(tmp_path, [rows(table("body"), ("owner", (text,)))])
    assert len(files["index.html"]) < 10_000
    assert "499,000 more characters" in Seen(files["index.html"]).text
    assert json.loads(files["data/shop/customer.json"])[0]["body"] == text


def test_what_cannot_be_deflated_is_stored(tmp_path: Path) -> None:
    noise = random.Random(7).randbytes(20_000)
    package(tmp_path, [], [an_object("a.bin", noise), an_object("b.bin", noise[:9] * 3000)])
    with zipfile.ZipFile(tmp_path / "p.zip") as opened:
        assert opened.getinfo("objects/media/a.bin").compress_type == zipfile.ZIP_STORED
        assert opened.getinfo("objects/media/b.bin").compress_type == zipfile.ZIP_DEFLATED


def test_a_column_called_role_stays_apart(tmp_path: Path) -> None:
    files = package(tmp_path, [rows(table("_role", "role"), ("co-owner", ("a", "b")))])
    assert json.loads(files["data/shop/customer.json"]) == [
        {"__role": "co-owner", "_role": "a", "role": "b"}
    ]


def test_nothing_found(tmp_path: Path) -> None:
    files = package(tmp_path, [rows(table("id"))])
    assert sorted(files) == ["about.json", "index.html", "manifest.json", "style.css"]
    assert "Nothing about you was found." in Seen(files["index.html"]).text


def test_german(tmp_path: Path) -> None:
    files = package(tmp_path, [rows(table("ok"), ("owner", (True,)))], lang="de")
    seen = Seen(files["index.html"])
    assert seen.all("html") == [{"lang": "de"}]
    assert "Ihre Daten bei Shop GmbH" in seen.text
    assert "24. November 2026" in seen.text
    assert "ja" in seen.text


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="`xx`"):
        write_package(tmp_path / "p.zip", about(), [], [], lang="xx")
    assert not list(tmp_path.iterdir())


def test_about_names_tables_and_categories(tmp_path: Path) -> None:
    files = package(tmp_path, [rows(table("id"), ("owner", (1,))), rows(table("x", name="e"))])
    found = json.loads(files["about.json"])
    assert found["request"] == "R-17"
    assert found["made_at"] == "2026-11-24T08:19:13+00:00"
    assert found["tables"][0] == {
        "system": "shop",
        "table": "customer",
        "title": "Customers",
        "rows": 1,
        "files": ["data/shop/customer.json", "data/shop/customer.csv"],
        "columns": {"id": "account"},
    }
    assert found["tables"][1]["files"] == []


HOSTILE = [
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "{{ 7 * 191 }}{% raw %}",
    "nul\0nul",
    "\0" + "0\0",
    "&lt;b&gt;",
]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    everywhere = "".join(HOSTILE)
    hostile_table = ExportTable(
        "shop",
        everywhere,
        everywhere,
        (ExportColumn(everywhere, everywhere, None), ExportColumn("key", "account", "media")),
    )
    files = package(
        tmp_path,
        [rows(hostile_table, *((everywhere, (text, text)) for text in HOSTILE))],
        [an_object(HOSTILE[0], b"x", table=everywhere, role=everywhere, category=everywhere)],
        of=about(
            controller=everywhere,
            request=everywhere,
            systems=(everywhere,),
            subject_label=everywhere,
            notes=(everywhere,),
        ),
    )
    page = files["index.html"]
    seen = Seen(page)
    assert b"\0" not in page
    assert not seen.all("script")
    assert not seen.all("img")
    assert "1337" not in seen.text
    check_links(seen, files)
    for text in (text.replace("\0", "\ufffd") for text in HOSTILE):
        assert sum(cell == text for cell in seen.cells) == 2
    (name,) = [n for n in files if n.startswith("data/") and n.endswith(".json")]
    assert [row[everywhere] for row in json.loads(files[name])] == HOSTILE


FORMULAS = [
    ("=cmd()", "'=cmd()"),
    ("+1", "'+1"),
    ("-1", "'-1"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t'=1"),
    ("\r=1", "'\r'=1"),
    (" =1", "' =1"),
    ("\uff1d1", "'\uff1d1"),
    ('"=1', "'\"=1"),
    ("a;=1", "a;'=1"),
    ("a\n=1", "a\n'=1"),
    ("a\n\n- b", "a\n\n'- b"),
    ("a=1; b", "a=1; b"),
    ("2026-01-01", "2026-01-01"),
    ("a\0b", "a\ufffdb"),
]


@pytest.mark.parametrize(("text", "safe"), FORMULAS)
def test_no_cell_begins_a_formula(tmp_path: Path, text: str, safe: str) -> None:
    files = package(tmp_path, [rows(table(text), ("owner", (text,)))])
    head, line = read_csv(files["data/shop/customer.csv"])
    assert (head[1], line[1]) == (safe, safe)
    assert json.loads(files["data/shop/customer.json"])[0][text] == text


KEYS = [
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/../b.png",
    "a//b.png",
    "C:\\Windows\\x.dll",
    "nul",
    "aux.txt",
    "a/CON/b.png",
    "trailing.",
    "trailing ",
    ".bashrc",
    "-rf",
    "new\nline.png",
    "nul\0.png",
    "фото.png",
    "x" * 300 + ".png",
    "d/" * 60 + "deep.png",
    "photo.png",
    "Photo.PNG",
    "PHOTO.png",
    "a",
    "a/b",
    "q?x=<script>.png",
    "lone \ud800.png",
]
SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]{0,119}(?<!\.)")


def test_keys_become_safe_names_that_never_collide(tmp_path: Path) -> None:
    files = package(tmp_path, [], [an_object(key, key.encode("utf-8", "replace")) for key in KEYS])
    names = [name for name in files if name.startswith("objects/")]
    assert sorted(files[name] for name in names) == sorted(
        k.encode("utf-8", "replace") for k in KEYS
    )
    assert len({name.lower() for name in names}) == len(KEYS)
    folders = {
        "/".join(n.split("/")[:end]).lower() for n in names for end in range(1, n.count("/") + 1)
    }
    assert not folders & {name.lower() for name in names}
    for name in names:
        assert len(name) < 200
        for part in name.split("/"):
            assert SAFE_PART.fullmatch(part)
            assert part.split(".")[0].lower() not in {"con", "nul", "aux"}
    assert files["objects/media/photo.png"] == b"photo.png"
    with zipfile.ZipFile(tmp_path / "p.zip") as opened:
        opened.extractall(tmp_path / "out")
    found = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert len(found) == len(files)


def test_an_object_that_two_rows_share_is_written_once(tmp_path: Path) -> None:
    files = package(tmp_path, [], [an_object("a.png", PNG), an_object("a.png", PNG)])
    assert len([n for n in files if n.startswith("objects/")]) == 1


def test_only_files_that_cannot_run_are_linked(tmp_path: Path) -> None:
    photos = table("storage_key", name="photo", store="media")
    keys = ["a.png", "page.html", "missing.png", "noend", "run.js"]
    files = package(
        tmp_path,
        [rows(photos, *(("owner", (key,)) for key in keys))],
        [an_object(key, PNG) for key in keys if key != "missing.png"],
    )
    targets = {a["href"] for a in Seen(files["index.html"]).all("a")}
    assert {t for t in targets if str(t).startswith("objects/")} == {
        "objects/media/a.png",
        "objects/media/noend",
    }


@pytest.mark.parametrize("name", ["a.png", "b.webp", "c.mp3", "d.mp4", "e.zip", "noend"])
def test_what_is_compressed_already_is_stored(tmp_path: Path, name: str) -> None:
    package(tmp_path, [], [an_object(name, PNG), an_object("t.txt", b"a" * 5000)])
    with zipfile.ZipFile(tmp_path / "p.zip") as opened:
        assert opened.getinfo(f"objects/media/{name}").compress_type == zipfile.ZIP_STORED
        assert opened.getinfo("objects/media/t.txt").compress_type == zipfile.ZIP_DEFLATED


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    def once(folder: Path, made_at: datetime) -> bytes:
        folder.mkdir()
        big = [b"%d" % n * 1000 for n in range(900)]
        given = [rows(table("id", "body"), *(("owner", (n, "x" * n)) for n in range(2000)))]
        objects = [an_object("a.png", PNG), an_object("b.txt", *big)]
        package(folder, given, objects, of=about(made_at=made_at))
        return (folder / "p.zip").read_bytes()

    first, again = once(tmp_path / "1", MADE_AT), once(tmp_path / "2", MADE_AT)
    assert first == again
    elsewhere = MADE_AT.astimezone(timezone(timedelta(hours=9)))
    with zipfile.ZipFile(io.BytesIO(first)) as opened:
        stamps = {i.date_time for i in opened.infolist()}
    once(tmp_path / "3", elsewhere)
    with zipfile.ZipFile(tmp_path / "3" / "p.zip") as opened:
        assert {i.date_time for i in opened.infolist()} == stamps


def test_an_older_package_is_replaced_and_a_stale_part_taken_over(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"old")
    (tmp_path / "p.zip.part").write_bytes(b"x" * 100_000)
    (tmp_path / "p.zip.part").chmod(0o644)
    package(tmp_path, [])


def test_two_runs_do_not_write_the_same_package(tmp_path: Path) -> None:
    def meddling() -> Iterator[bytes]:
        with pytest.raises(StoreError, match="another run"):
            write_package(tmp_path / "p.zip", about(), [], [])
        yield b"x"

    item = ExportObject("media", "a", "photo", "inputs", "owner", meddling)
    files = package(tmp_path, [], [item])
    assert files["objects/media/a"] == b"x"


def test_a_link_in_place_of_the_part_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "p.zip.part").symlink_to(tmp_path / "victim")
    with pytest.raises(StoreError):
        write_package(tmp_path / "p.zip", about(), [], [])
    assert (tmp_path / "victim").read_bytes() == b"mine"
    (tmp_path / "victim").unlink()
    with pytest.raises(StoreError):
        write_package(tmp_path / "p.zip", about(), [], [])
    assert not (tmp_path / "victim").exists()


def failing_object(error: BaseException) -> ExportObject:
    def chunks() -> Iterator[bytes]:
        yield b"x" * 3_000_000
        raise error

    return ExportObject("media", "private/key", "photo", "inputs", "owner", chunks)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_source_that_fails_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "p.zip").write_bytes(b"old")
    expected = StoreError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as raised:
        write_package(tmp_path / "p.zip", about(), [], [failing_object(error)])
    assert [p.name for p in tmp_path.iterdir()] == ["p.zip"]
    assert (tmp_path / "p.zip").read_bytes() == b"old"
    if isinstance(raised.value, StoreError):
        assert "an object from the store `media`" in str(raised.value)
        assert "private" not in str(raised.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file") as raised:
        write_package(tmp_path / "no" / "p.zip", about(), [], [])
    assert "make the folder" in str(raised.value.help)


FILLS_THE_DISK = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from upheld.errors import StoreError
from upheld.requests.package import *
kind, target = sys.argv[1], Path(sys.argv[2])
about = About("R", datetime(2026, 1, 1, tzinfo=UTC), "C", (), "S", ())
table = ExportTable("shop", "t", "T", (ExportColumn("x", "account", None),))
rows = (("owner", (f"{n} " + "abcdefgh" * 500,)) for n in range(2000 * (kind == "rows")))
blob = [bytes([n % 251] * 65536) for n in range(64 * (kind == "object"))]
item = ExportObject("m", "a.png", "t", "inputs", "owner", lambda: iter(blob))
try:
    write_package(target, about, [TableRows(table, rows)], [item])
except StoreError as error:
    print(error)
print(sorted(p.name for p in target.parent.iterdir()))
"""


@pytest.mark.parametrize("kind", ["rows", "object"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, kind: str) -> None:
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        pytest.skip("a small file system can be mounted by root only")
    mount = 'mount -t tmpfs -o size=1m,mode=700 none "$1" && exec "$2" -c "$3" "$4" "$1/p.zip"'
    call = [unshare, "--mount", "sh", "-c", mount, "sh"]
    done = subprocess.run(
        [*call, str(tmp_path), sys.executable, FILLS_THE_DISK, kind],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
    message, help_line, left = done.stdout.splitlines()
    assert message.startswith("cannot write the package `"), done.stderr
    assert message.endswith(": no space left on device")
    assert "free some space" in help_line
    assert left == "[]"


def test_a_limit_on_file_size_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, "object", str(tmp_path / "p.zip")],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)),
    )
    message, _, left = done.stdout.splitlines()
    assert message.endswith(": file too large"), done.stderr
    assert left == "[]"


def peak(folder: Path, megabytes: int) -> int:
    """Give the peak of memory (bytes) while rows and an object of that size go through."""
    chunk, text = b"z" * 65536, "y" * 1000
    item = ExportObject(
        "m", "a.png", "t", "inputs", "owner", lambda: (chunk for _ in range(megabytes * 16))
    )
    of = table("body")
    given = TableRows(of, (("owner", (text,)) for _ in range(megabytes * 100)))
    tracemalloc.start()
    try:
        write_package(folder / f"{megabytes}.zip", about(), [given], [item])
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_what_passes(tmp_path: Path) -> None:
    peak(tmp_path, 5)
    small, large = peak(tmp_path, 10), peak(tmp_path, 100)
    assert large < small * 1.2
    assert large < 12_000_000


def test_many_packages(tmp_path: Path) -> None:
    jobs = [
        PackageJob(tmp_path / f"{n}.zip", about(request=f"R-{n}"), [], [an_object("a", b"%d" % n)])
        for n in range(40)
    ]
    done = list(write_packages(jobs))
    assert [s.target for s in done] == [j.target for j in jobs]
    for n, summary in enumerate(done):
        with zipfile.ZipFile(summary.target) as opened:
            assert opened.read("objects/media/a") == b"%d" % n
    assert len(list(tmp_path.iterdir())) == 40


def test_many_packages_given_up_leave_no_parts(tmp_path: Path) -> None:
    def jobs() -> Iterator[PackageJob]:
        for n in range(3):
            yield PackageJob(tmp_path / f"{n}.zip", about(), [], [])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(write_packages(jobs()))
    assert not list(tmp_path.glob("*.part"))


def test_many_packages_stop_at_the_first_that_fails(tmp_path: Path) -> None:
    items = [an_object("a", b"x")] * 3 + [failing_object(OSError(5, "Input/output error"))] * 2
    jobs = [PackageJob(tmp_path / f"{n}.zip", about(), [], [item]) for n, item in enumerate(items)]
    summaries = write_packages(jobs)
    done = [next(summaries).target.name for _ in range(3)]
    with pytest.raises(StoreError):
        next(summaries)
    assert done == ["0.zip", "1.zip", "2.zip"]
    assert sorted(p.name for p in tmp_path.iterdir()) == done
