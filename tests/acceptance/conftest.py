"""Studio filled once per test run, and copied for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from studio.fill import fill

from tests.acceptance.service import Service
from upheld.database.embedded import EmbeddedServer, open_server
from upheld.database.migrations import migrate

PEOPLE = 200


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedServer, Path]]:
    """Give a server with a database `master`, and a folder with its files."""
    base = tmp_path_factory.mktemp("acceptance")
    with open_server(base / "home", durable=False) as server:
        server.ensure_database("upheld")
        with psycopg.connect(server.conninfo("upheld")) as conn:
            migrate(conn)
        server.ensure_database("master")
        fill(server.conninfo("master"), base / "objects", people=PEOPLE)
        yield server, base / "objects"


@pytest.fixture
def copy_of_studio(
    filled: tuple[EmbeddedServer, Path], tmp_path: Path
) -> Iterator[Callable[[str], Service]]:
    """Give a function that makes a copy under a name of its own, with an engine of its own."""
    server, objects = filled
    made: list[str] = []

    def copy(template: str, name: str) -> str:
        database = f"{name}_{uuid.uuid4().hex}"
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(database), sql.Identifier(template)
                )
            )
        made.append(database)
        return database

    def make(name: str) -> Service:
        folder = tmp_path / name
        folder.mkdir()
        # Nothing writes into an object in place: a new one takes its name.
        shutil.copytree(objects, folder / "objects", copy_function=os.link)
        service = Service(
            folder, objects.parent / "home", server, copy("master", name), copy("upheld", "engine")
        )
        service.write_project()
        return service

    yield make
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as conn:
        for database in made:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))


@pytest.fixture
def studio(copy_of_studio: Callable[[str], Service]) -> Service:
    """Give one copy of Studio."""
    return copy_of_studio("studio")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mount.returncode:
        pytest.skip("this user may not mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
