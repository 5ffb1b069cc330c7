"""Fixtures for tests that need PostgreSQL: one server per test run, a fresh database per test.

A conftest takes what its tests use: `from tests.postgres import database, postgres_server`.
Under pytest-xdist all workers share the one server, as any processes of a user would.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from upheld.database.conninfo import Conninfo
from upheld.database.embedded import EmbeddedServer, open_server
from upheld.database.migrations import migrate


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Hold the run's server open; it forgets its last writes if the machine crashes."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # the controller's, which every worker sees
    with open_server(base / "upheld", durable=False) as server:
        yield server


@pytest.fixture
def database(postgres_server: EmbeddedServer) -> Iterator[Conninfo]:
    """Give a new empty database, dropped after the test even if sessions are left in it."""
    name = f"test_{uuid.uuid4().hex}"
    postgres_server.ensure_database(name)
    yield postgres_server.conninfo(name)
    with psycopg.connect(postgres_server.conninfo("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def engine_database(database: Conninfo) -> Conninfo:
    """Give a new database that holds the engine's schema."""
    with psycopg.connect(database) as conn:
        migrate(conn)
    return database
