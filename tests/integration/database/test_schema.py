"""Migrations: applied once, never edited, equal to schema.sql."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest

from upheld.database import migrations
from upheld.database.connection import connect
from upheld.database.conninfo import Conninfo
from upheld.database.embedded import EmbeddedServer
from upheld.database.migrations import Migration, all_migrations, migrate, schema_text
from upheld.errors import StoreError

EXTRA = Migration(999, "extra", b"create table upheld.extra (id int); select '100%'", b"x" * 32)


SCHEMA_FILE = files("upheld.database") / "schema.sql"


def test_schema_file_equals_the_migrations(engine_database: Conninfo) -> None:
    written = SCHEMA_FILE.read_text(encoding="utf-8")
    hint = "run `python -m upheld.database.migrations` and read what it changed"
    assert written == schema_text(engine_database), hint


def test_schema_file_makes_the_same_tables(
    postgres_server: EmbeddedServer, engine_database: Conninfo
) -> None:
    name = f"from_schema_file_{uuid.uuid4().hex}"
    postgres_server.ensure_database(name)
    from_file = postgres_server.conninfo(name)
    with connect(from_file) as conn:
        conn.execute(SCHEMA_FILE.read_bytes())
    columns = """
        select table_name, ordinal_position, column_name, data_type, is_nullable, column_default
        from information_schema.columns where table_schema = 'upheld' order by 1, 2
    """
    with connect(from_file) as one, connect(engine_database) as other:
        made = one.execute(columns).fetchall()
        assert made == other.execute(columns).fetchall()
        assert made


def test_applies_what_is_missing_and_notes_it(database: Conninfo) -> None:
    names = [f"{one.version:03}_{one.name}" for one in all_migrations()]
    with connect(database) as conn:
        assert migrate(conn) == names
        assert migrate(conn) == []
        assert not conn.autocommit
        rows = conn.execute("select version, digest from upheld.migration order by 1").fetchall()
    assert rows == [(one.version, one.digest) for one in all_migrations()]


def test_an_edited_migration_is_refused(engine_database: Conninfo) -> None:
    first, *rest = all_migrations()
    edited = replace(first, digest=b"y" * 32)
    with (
        connect(engine_database) as conn,
        pytest.raises(StoreError, match="was edited"),
    ):
        migrate(conn, [edited, *rest])


def test_a_database_of_a_newer_version_is_refused(engine_database: Conninfo) -> None:
    with connect(engine_database) as conn:
        assert migrate(conn, [*all_migrations(), EXTRA]) == ["999_extra"]
        with pytest.raises(StoreError, match="has migration 999"):
            migrate(conn)


def test_a_failing_migration_leaves_nothing_behind(engine_database: Conninfo) -> None:
    broken = replace(EXTRA, text=b"create table upheld.extra (id int); select 1/0")
    with connect(engine_database) as conn:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(conn, [*all_migrations(), broken])
        found = conn.execute("select to_regclass('upheld.extra')").fetchone()
        assert found == (None,)
        conn.rollback()
        assert migrate(conn, [*all_migrations(), EXTRA]) == ["999_extra"]


def test_two_at_once_take_turns(database: Conninfo) -> None:
    done: list[list[str]] = []

    def run() -> None:
        with connect(database) as conn:
            done.append(migrate(conn))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, done)) == [0, 0, 0, len(all_migrations())]


def test_gives_way_to_a_long_transaction(
    engine_database: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "50ms")
    alter = replace(EXTRA, text=b"alter table upheld.migration add column extra int")
    with connect(engine_database) as other, connect(engine_database) as conn:
        other.execute("select from upheld.migration")
        with pytest.raises(StoreError, match="999_extra gave way"):
            migrate(conn, [*all_migrations(), alter])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["1_short.sql"], "not named"),
        (["001_Upper.sql"], "not named"),
        (["001_a.sql", "001_b.sql"], "two migrations have the number 001"),
    ],
)
def test_wrong_file_names(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(StoreError, match=message):
        all_migrations(tmp_path)
