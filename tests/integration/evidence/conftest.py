"""A log in a fresh database, with keys of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.postgres import database, engine_database, postgres_server
from upheld.evidence import (
    Checkpoint,
    Identifier,
    Keys,
    Leaf,
    LogReport,
    append_all,
    ensure_keys,
    issue_receipts,
    sequence,
    verify_log,
)

__all__ = ["database", "engine_database", "postgres_server"]

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def body(number: int, keys: Keys) -> bytes:
    """Write the leaf of the person of that number."""
    leaf = Leaf("erasure", UUID(int=number), AT, {"studio": {"rows": number}})
    return leaf.about([Identifier("email", f"p{number}@example.org")], keys.receipt).encode()


@dataclass
class Log:
    """A log under test. `tamper` does what a database owner can."""

    conn: psycopg.Connection[Any]
    keys: Keys
    connect: Callable[[], psycopg.Connection[Any]]

    def append(self, *numbers: int) -> list[int]:
        leaves = [(body(number, self.keys), f"erasure:{number:09}") for number in numbers]
        with self.conn.transaction():
            return list(append_all(self.conn, leaves))

    def sign(self) -> Checkpoint | None:
        return sequence(self.conn, self.keys.signer, lambda: AT)

    def grow(self, *sizes: int) -> list[int]:
        """Append up to each size in turn, signing each time; give all ids."""
        ids: list[int] = []
        for size in sizes:
            ids += self.append(*range(len(ids), size))
            self.sign()
        return ids

    def receipts(self, ids: list[int]) -> list[bytes]:
        with self.conn.transaction():
            return [data for _, data in issue_receipts(self.conn, ids, self.keys)]

    def tamper(self, *statements: str) -> None:
        with self.conn.transaction():
            self.conn.execute("ALTER TABLE upheld.leaf DROP CONSTRAINT IF EXISTS leaf_hash_honest")
            for table in ("leaf", "tree_node", "checkpoint"):
                self.conn.execute(f"ALTER TABLE upheld.{table} DISABLE TRIGGER USER".encode())
            for statement in statements:
                self.conn.execute(statement.encode())

    def verify(self) -> LogReport:
        return verify_log(self.conn, self.keys.verifier)


@pytest.fixture
def log(engine_database: str, tmp_path: Path) -> Iterator[Log]:
    keys = ensure_keys(tmp_path / "keys", "log.example.org")
    with psycopg.connect(engine_database) as conn:
        yield Log(conn, keys, lambda: psycopg.connect(engine_database))
