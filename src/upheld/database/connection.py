"""Which PostgreSQL the engine uses, and connections to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from upheld.database.conninfo import Conninfo, split_secret
from upheld.database.embedded import ENGINE_DATABASE, open_server
from upheld.errors import StoreError


@contextmanager
def engine_conninfo(url: str | None, home: Path) -> Iterator[Conninfo]:
    """Give the engine's database for the length of a block.

    `url` is the value of UPHELD_DATABASE_URL, and is used as it is. Without one,
    the embedded server of `home` (the project's `.upheld`) is held open and its
    database made if missing. Raises `StoreError` when neither can be had.
    """
    if url:
        split_secret(url)  # refuses what libpq cannot read, before anything quotes it
        yield Conninfo(url)
        return
    with open_server(home) as server:
        server.ensure_database(ENGINE_DATABASE)
        yield server.conninfo(ENGINE_DATABASE)


def connect(conninfo: str, *, autocommit: bool = False) -> Connection[TupleRow]:
    """Connect; raises `StoreError`, without the password, when the server is down or refuses."""
    parameters, secret = split_secret(conninfo)
    named: dict[str, Any] = {"application_name": "upheld"}
    if "application_name" in parameters:
        named.clear()
    try:
        return psycopg.connect(conninfo, autocommit=autocommit, **named)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        if secret:
            reason = reason.replace(secret, "…")
    # Raised outside the handler: the driver's error would show its own text in a traceback.
    raise StoreError(
        f"cannot connect to the database: {reason}",
        help="check that the server runs and that the URL, the user and the password are right",
    )
