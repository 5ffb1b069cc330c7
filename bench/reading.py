"""Access packages against a minimal script that writes the same zips."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.erasing import asks, people
from bench.measuring import MAP, Bench, median, timed
from upheld.datamap import load_map
from upheld.requests.access import readings, write_packages_for
from upheld.requests.stores import Stores


def packages(bench: Bench, wired: Stores, conninfo: str, count: int) -> None:
    """Measure the packages, then their reading alone."""
    who = asks(people(conninfo, count, skip=10))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        made: list[Any] = []
        ours = timed(lambda: made.extend(write_packages_for(wired, who, out)))
        contents = [_contents(package.file) for package in made]
        theirs = timed(lambda: _minimal(out / "minimal", contents, conninfo))
    bench.add(
        "access packages",
        (ours, theirs),
        "s",
        "≤ 1.5",
        subjects=count,
        files=sum(len(one) for one in contents),
    )
    reading = median([timed(lambda: _read(wired, who)) for _ in range(3)])
    copying = median([timed(lambda: _copy(wired, who)) for _ in range(3)])
    bench.add("their reading alone", (reading, copying), "s", "≤ 2", subjects=count)


def _contents(package: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(package) as opened:
        return [(name, opened.read(name)) for name in opened.namelist()]


def _minimal(out: Path, contents: list[list[tuple[str, bytes]]], conninfo: str) -> None:
    """Read the same rows by plain SQL, and write the same files with the standard library."""
    out.mkdir()
    with psycopg.connect(conninfo) as conn:
        _copy_all(conn)
    for number, files in enumerate(contents):
        with zipfile.ZipFile(
            out / f"{number}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1
        ) as opened:
            for name, data in files:
                stored = name.endswith((".png", ".jpg", ".webp"))
                opened.writestr(name, data, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)


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
