"""Dumps, the shell and connections: they carry the data, and show no password."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from upheld.database.connection import connect, engine_conninfo
from upheld.database.conninfo import Conninfo
from upheld.database.dump import dump, postgres_tool
from upheld.errors import StoreError


def test_a_dump_is_plain_text_with_the_rows(database: Conninfo) -> None:
    with psycopg.connect(database) as conn:
        conn.execute("create table person as select 'ada@people.example'::text as email")
    out = io.BytesIO()
    dump(database, out)
    assert b"CREATE TABLE public.person" in out.getvalue()
    assert b"\nada@people.example\n" in out.getvalue()


def test_a_dump_that_fails_says_why_without_the_password(database: Conninfo) -> None:
    missing = make_conninfo(database, dbname="nowhere")
    with pytest.raises(StoreError, match=r"cannot dump the database: .*nowhere") as caught:
        dump(missing, io.BytesIO())
    assert str(conninfo_to_dict(database)["password"]) not in str(caught.value)


def test_a_dump_whose_disk_is_full_stops(database: Conninfo) -> None:
    with psycopg.connect(database) as conn:
        conn.execute("create table long as select repeat('x', 1000) from generate_series(1, 5000)")
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):  # noqa: PTH123  a device
        dump(database, full)


def test_the_shell_answers_and_keeps_the_password_out_of_its_arguments(
    database: Conninfo,
) -> None:
    program = (
        "import sys; from upheld.database.dump import shell; sys.exit(shell(sys.stdin.readline()))"
    )
    # `\\!` runs a command of psql's own child: it sees psql's arguments as others would.
    script = f"{database}\n\\! tr '\\0' '\\n' < /proc/$PPID/cmdline\nselect 6 * 7 as answer;\n"
    done = subprocess.run(
        [
            sys.executable,
            "-u",
            "-c",
            program.replace("sys.stdin.readline()", "sys.argv[1]"),
            database,
        ],
        input=script.partition("\n")[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "42" in done.stdout
    assert "--dbname=" in done.stdout
    assert str(conninfo_to_dict(database)["password"]) not in done.stdout


def test_only_programs_that_exist() -> None:
    assert os.access(postgres_tool("psql"), os.X_OK)
    with pytest.raises(StoreError, match="`pg_nothing` is missing"):
        postgres_tool("pg_nothing")


def test_without_url_the_embedded_database_is_used(tmp_path: Path) -> None:
    with engine_conninfo(None, tmp_path / "home") as conninfo, connect(conninfo) as conn:
        assert conn.execute("select current_database()").fetchone() == ("upheld",)


def test_a_url_is_used_as_it_is(database: Conninfo, tmp_path: Path) -> None:
    with engine_conninfo(database, tmp_path / "home") as conninfo, connect(conninfo) as conn:
        conn.execute("select 1")
        assert conninfo == database
    assert not (tmp_path / "home").exists()


def test_a_url_that_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match="cannot be read") as caught,
        engine_conninfo("postgresql://me:top%secret@host:port:port/x", tmp_path),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_a_server_that_is_down(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else can start there
        port = taken.getsockname()[1]
        url = f"postgresql://me:topsecret@127.0.0.1:{port}/x"
        with (
            engine_conninfo(url, tmp_path) as conninfo,
            pytest.raises(StoreError, match=r"cannot connect to the database: .*refused") as caught,
        ):
            connect(conninfo)
    assert "topsecret" not in str(caught.value)
    assert "topsecret" not in repr(conninfo)
    assert caught.value.__context__ is None
