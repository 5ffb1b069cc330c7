"""One database for each test module here; each case replaces its schema `public`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.postgres import postgres_server  # noqa: F401  a fixture is taken by its name
from upheld.database.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def playground(postgres_server: EmbeddedServer) -> Iterator[str]:  # noqa: F811  the fixture above
    """Give the address of a database to fill and empty again and again."""
    name = f"erasure_{uuid.uuid4().hex}"
    postgres_server.ensure_database(name)
    yield str(postgres_server.conninfo(name))
    with psycopg.connect(postgres_server.conninfo("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
