"""Versioned migrations of the engine's schema `upheld`.

To add one: write `migrations/NNN_name.sql` (plain SQL, no BEGIN or COMMIT; it
runs in one transaction), then `python -m upheld.database.migrations`, which
writes `schema.sql` anew. A migration that has been released never changes.

Numbers are handed out by domain: 001 to 009 this module, 010 to 019 evidence,
020 to 029 requests, and so on. They are applied in order of number; one that
arrives with a lower number than those applied already is applied too, so it may
build only on its own domain and on 001 to 009.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from psycopg import Connection, errors

from upheld.database.connection import connect
from upheld.database.dump import dump_schema
from upheld.database.embedded import temporary_server
from upheld.errors import StoreError

LOCK_TIMEOUT: Final = "5s"

_FILE_NAME: Final = re.compile(r"(\d{3})_([a-z0-9_]+)\.sql")
# "upheld" and "migrat" in ASCII, so that it clashes with nobody else's lock by accident.
_ADVISORY_LOCK: Final = 0x7570_6865_6C64_6D67
_HEADER: Final = """\
-- The engine's schema as the migrations leave it: read this, never run it in production.
--
-- Written by `python -m upheld.database.migrations`; a test holds it equal to the
-- migrations. To change the schema, add `migrations/NNN_name.sql` and run that again.

set check_function_bodies = false;

"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file; `digest` is the SHA-256 of its bytes."""

    version: int
    name: str
    text: bytes
    digest: bytes


def all_migrations(folder: Traversable | None = None) -> list[Migration]:
    """Read the migrations in order; raises `StoreError` for a wrong name or a number used twice."""
    folder = folder or files("upheld.database") / "migrations"
    found: dict[int, Migration] = {}
    for entry in folder.iterdir():
        if not entry.name.endswith(".sql"):
            continue
        match = _FILE_NAME.fullmatch(entry.name)
        if match is None:
            raise StoreError(f"migration `{entry.name}` is not named `NNN_name.sql`")
        text = entry.read_bytes()
        version = int(match[1])
        if version in found:
            raise StoreError(f"two migrations have the number {match[1]}: `{entry.name}` is one")
        found[version] = Migration(version, match[2], text, hashlib.sha256(text).digest())
    return [found[version] for version in sorted(found)]


def migrate(conn: Connection[Any], migrations: list[Migration] | None = None) -> list[str]:
    """Apply what is missing, each in a transaction of its own; give the names of those.

    `conn` must not be inside a transaction. Concurrent callers take turns. Raises
    `StoreError` when an applied migration has been edited, when the database has
    one that this version does not know, or when a table stays locked by others
    for longer than `LOCK_TIMEOUT`; what was applied before that stays applied.
    """
    wanted = all_migrations() if migrations is None else migrations
    names = []
    with _turn(conn):
        applied = _applied(conn)
        _check(wanted, applied)
        for migration in wanted:
            if migration.version not in applied:
                _apply(conn, migration)
                names.append(f"{migration.version:03}_{migration.name}")
    return names


@contextmanager
def _turn(conn: Connection[Any]) -> Iterator[None]:
    """Hold the advisory lock, in autocommit mode, so that each transaction below is real."""
    before = conn.autocommit
    conn.autocommit = True
    try:
        conn.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        try:
            yield
        finally:
            if not conn.closed:
                conn.execute("select pg_advisory_unlock(%s)", [_ADVISORY_LOCK])
    finally:
        if not conn.closed:
            conn.autocommit = before


def _applied(conn: Connection[Any]) -> dict[int, bytes]:
    """Give version and digest of what has been applied."""
    present = conn.execute("select to_regclass('upheld.migration') is not null").fetchone()
    if present is None or not present[0]:
        return {}
    rows = conn.execute("select version, digest from upheld.migration")
    return {version: bytes(digest) for version, digest in rows}


def _check(wanted: list[Migration], applied: dict[int, bytes]) -> None:
    """Refuse a database that these migrations did not make."""
    known = {migration.version: migration for migration in wanted}
    for version, digest in applied.items():
        if version not in known:
            raise StoreError(
                f"the engine's database has migration {version:03}, which this version lacks",
                help="use the newer version of upheld that made it",
            )
        if known[version].digest != digest:
            raise StoreError(
                f"migration {version:03}_{known[version].name} was edited after it was applied",
                help="restore the file and add a new migration instead",
            )


def _apply(conn: Connection[Any], migration: Migration) -> None:
    """Apply one migration and note it, both or neither."""
    label = f"{migration.version:03}_{migration.name}"
    try:
        with conn.transaction():
            conn.execute("select set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
            conn.execute(migration.text)
            conn.execute(
                "insert into upheld.migration (version, name, digest) values (%s, %s, %s)",
                [migration.version, migration.name, migration.digest],
            )
    except errors.LockNotAvailable as error:
        raise StoreError(
            f"migration {label} gave way: others held a lock that it needs for {LOCK_TIMEOUT}",
            help="try again when long transactions have ended",
        ) from error


def schema_text(conninfo: str) -> str:
    """Give what `schema.sql` holds: the schema of a database that has been migrated."""
    return _HEADER + dump_schema(conninfo)


def main() -> None:
    """Write `schema.sql` from the migrations, by way of a throw-away server."""
    target = Path(__file__).with_name("schema.sql")
    with temporary_server() as server:
        server.ensure_database()
        with connect(server.conninfo()) as conn:
            migrate(conn)
        target.write_text(schema_text(server.conninfo()), encoding="utf-8")
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
