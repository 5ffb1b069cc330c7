"""Which PostgreSQL the engine uses, and connections to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upheld.database.conninfo import Conninfo, connect, split_secret
from upheld.database.embedded import ENGINE_DATABASE, open_server

__all__ = ["Conninfo", "connect", "engine_conninfo"]


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
