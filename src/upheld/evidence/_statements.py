"""The named SQL of this package: one file, one statement."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from upheld.errors import EvidenceError


@cache
def statement(name: str) -> bytes:
    """Read `sql/NAME.sql`."""
    return (files(__package__) / "sql" / f"{name}.sql").read_bytes()


def require_idle(conn: Connection[TupleRow], task: str) -> None:
    """Raise EvidenceError if the connection is inside a transaction."""
    if conn.info.transaction_status != TransactionStatus.IDLE:
        raise EvidenceError(
            f"{task} needs a transaction of its own", help="commit or roll back first"
        )
