"""Access packages against a minimal script that writes the same zips."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import tempfile
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.erasing import asks, peak, people
from bench.measuring import MAP, Bench, median, timed
from upheld.datamap import load_map
from upheld.requests.access import readings, write_packages_for
from upheld.requests.stores import Stores
from upheld.stores.objects import Objects


def packages(bench: Bench, wired: Stores, conninfo: str, count: int) -> None:
    """Measure the packages, then their reading alone."""
    who = asks(people(conninfo, count, skip=10))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        made: list[Any] = []
        ours = timed(lambda: made.extend(write_packages_for(wired, who, out)))
        contents = [_contents(package.file) for package in made]
        store = wired.objects["media"]
        theirs = timed(partial(_minimal, out / "minimal", contents, conninfo, store))
    bench.add(
        "access packages",
        (ours, theirs),
        "s",
        "≤ 1.5",
        subjects=count,
        files=sum(len(one.files) for one in contents),
    )
    reading = median([timed(lambda: _read(wired, who)) for _ in range(3)])
    copying = median([timed(lambda: _copy(wired, who)) for _ in range(3)])
    bench.add("their reading alone", (reading, copying), "s", "≤ 2", subjects=count)


def memory(bench: Bench, conninfo: str, files: Path, counts: tuple[int, ...]) -> None:
    """Measure the peak memory of a process that writes packages, for growing batches."""
    peaks: list[float] = []
    for count in counts:
        peaks.append(peak(bench, "access", conninfo, count, str(files)))
        name = f"peak memory, {count:,} packages"
        bench.add(name, (peaks[-1], peaks[0]), "MB", "flat", subjects=count)


@dataclass(frozen=True)
class _Content:
    """What one package holds: rows per table, keys of files and how each is packed, pages."""

    tables: dict[str, list[dict[str, Any]]]
    files: dict[str, int]
    rest: dict[str, bytes]


def _contents(package: Path) -> _Content:
    content = _Content({}, {}, {})
    with zipfile.ZipFile(package) as opened:
        for entry in opened.infolist():
            name = entry.filename
            if name.startswith("data/") and name.endswith(".json"):
                content.tables[name.removesuffix(".json")] = json.loads(opened.read(name))
            elif name.startswith("objects/media/"):
                content.files[name.removeprefix("objects/media/")] = entry.compress_type
            elif name in ("index.html", "style.css", "about.json"):
                content.rest[name] = opened.read(name)
    return content


def _minimal(out: Path, contents: list[_Content], conninfo: str, store: Objects) -> None:
    """Read the same rows by plain SQL, and write the same files with the standard library.

    The page is built from the rows in the plainest way, and then the package's own is
    written in its place, so that both sides pack the same bytes.
    """
    out.mkdir()
    with psycopg.connect(conninfo) as conn:
        _copy_all(conn)
    for number, content in enumerate(contents):
        page: list[str] = ["<!doctype html>"]
        manifest: dict[str, str] = {}
        with zipfile.ZipFile(out / f"{number}.zip", "w", compresslevel=1) as opened:
            for name, rows in content.tables.items():
                _put(
                    opened, manifest, f"{name}.json", json.dumps(rows, ensure_ascii=False).encode()
                )
                text = io.StringIO()
                writer = csv.DictWriter(text, list(rows[0]) if rows else [])
                writer.writeheader()
                writer.writerows(rows)
                _put(opened, manifest, f"{name}.csv", text.getvalue().encode())
                page += [
                    f"<tr>{''.join(f'<td>{html.escape(str(v))}</td>' for v in row.values())}</tr>"
                    for row in rows
                ]
            for key, how in content.files.items():
                _put(opened, manifest, f"objects/media/{key}", b"".join(store.open(key)), how)
            "\n".join(page).encode()
            for name, data in content.rest.items():
                _put(opened, manifest, name, data)
            opened.writestr("manifest.json", json.dumps(manifest), zipfile.ZIP_DEFLATED)


def _put(
    opened: zipfile.ZipFile,
    manifest: dict[str, str],
    name: str,
    data: bytes,
    how: int = zipfile.ZIP_DEFLATED,
) -> None:
    manifest[name] = hashlib.sha256(data).hexdigest()
    opened.writestr(name, data, how)


def _copy_all(conn: psycopg.Connection[Any]) -> None:
    for table in load_map(MAP).tables:
        with conn.cursor().copy(
            sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.Identifier(table))
        ) as copy:
            for _ in copy:
                pass


def _read(wired: Stores, who: list[Any]) -> None:
    with readings(wired, who) as found:
        for reading in found.values():
            for n in range(1, len(who) + 1):
                for table in reading.of(n):
                    for _ in table.rows:
                        pass


def _copy(wired: Stores, who: list[Any]) -> None:
    """COPY the same rows, ordered by person, once it is known which they are."""
    with readings(wired, who) as found:
        for reading in found.values():
            footprint = reading.footprint
            for stream in reading.streams:
                stream.rows = iter(())
            for table in (t for t in footprint.tables if footprint.rows[t]):
                columns = next(s.table.columns for s in reading.streams if s.table.name == table)
                query = reading._query(table, columns)  # noqa: SLF001  the very rows that are read
                with footprint.conn.cursor().copy(
                    sql.SQL("COPY ({}) TO STDOUT").format(query)
                ) as copy:
                    for _ in copy:
                        pass
