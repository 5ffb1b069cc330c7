"""The engine's record of batches and requests: named SQL, no decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg

Right = Literal["access", "erase"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that are carried out together; `state` is received, planned, proved or done."""

    id: UUID
    right: Right
    state: str
    sealed: bytes | None
    received_at: datetime

    @property
    def run(self) -> str:
        """Give the name of its worklists in governed databases."""
        return self.id.hex


def open_batch(
    conn: psycopg.Connection[Any],
    batch: UUID,
    right: Right,
    sealed: bytes,
    requests: Sequence[UUID],
    at: datetime,
) -> None:
    """Record a batch and its requests, numbered from 1, in one transaction."""
    with conn.transaction():
        conn.execute(
            'INSERT INTO upheld.batch (id, "right", state, sealed, received_at) '
            "VALUES (%s, %s, 'received', %s, %s)",
            (batch, right, sealed, at),
        )
        with conn.cursor().copy("COPY upheld.request (id, batch, n) FROM STDIN") as copy:
            for n, request in enumerate(requests, 1):
                copy.write_row((request, batch, n))


def forget_batch(conn: psycopg.Connection[Any], batch: UUID) -> None:
    """Remove a batch that was received and could not be planned: nothing came of it."""
    with conn.transaction():
        conn.execute("DELETE FROM upheld.request WHERE batch = %s", (batch,))
        conn.execute("DELETE FROM upheld.batch WHERE id = %s AND state = 'received'", (batch,))


def set_state(conn: psycopg.Connection[Any], batch: UUID, state: str) -> None:
    """Move a batch on."""
    conn.execute("UPDATE upheld.batch SET state = %s WHERE id = %s", (state, batch))


def close_batch(conn: psycopg.Connection[Any], batch: UUID, at: datetime) -> None:
    """Mark a batch done and destroy what it sealed and noted."""
    conn.execute("DELETE FROM upheld.masked_object WHERE batch = %s", (batch,))
    conn.execute(
        "UPDATE upheld.batch SET state = 'done', sealed = NULL, done_at = %s WHERE id = %s",
        (at, batch),
    )


def note_masked(conn: psycopg.Connection[Any], batch: UUID, store: str, key: str) -> None:
    """Note an object that is about to be rewritten."""
    conn.execute(
        "INSERT INTO upheld.masked_object VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (batch, store, key),
    )


def masked_objects(conn: psycopg.Connection[Any], batch: UUID) -> list[tuple[str, str]]:
    """Give (store, key) of the objects that a batch rewrote."""
    return conn.execute(
        "SELECT store, key FROM upheld.masked_object WHERE batch = %s ORDER BY 1, 2", (batch,)
    ).fetchall()


def save_outcome(conn: psycopg.Connection[Any], batch: UUID, outcome: dict[str, Any]) -> None:
    """Keep what came of a batch, without personal data."""
    conn.execute("UPDATE upheld.batch SET outcome = %s WHERE id = %s", (json.dumps(outcome), batch))


def open_batches(conn: psycopg.Connection[Any]) -> list[Batch]:
    """Give the batches that are not done, oldest first."""
    rows = conn.execute(
        'SELECT id, "right", state, sealed, received_at FROM upheld.batch '
        "WHERE state <> 'done' ORDER BY received_at, id"
    ).fetchall()
    return [Batch(*row) for row in rows]


def batch_of(conn: psycopg.Connection[Any], batch: UUID) -> tuple[Batch, dict[str, Any]] | None:
    """Give one batch and what came of it, or None where it was forgotten."""
    row = conn.execute(
        'SELECT id, "right", state, sealed, received_at, outcome FROM upheld.batch WHERE id = %s',
        (batch,),
    ).fetchone()
    return (Batch(*row[:5]), row[5] or {}) if row else None


def requests_of(conn: psycopg.Connection[Any], batch: UUID) -> list[tuple[int, UUID, int | None]]:
    """Give (n, request, leaf) of a batch, in order."""
    return conn.execute(
        "SELECT n, id, leaf FROM upheld.request WHERE batch = %s ORDER BY n", (batch,)
    ).fetchall()


def set_leaves(
    conn: psycopg.Connection[Any], requests: Sequence[UUID], leaves: Sequence[int]
) -> None:
    """Note which leaf proves each request, in the caller's transaction."""
    conn.execute(
        "UPDATE upheld.request r SET leaf = x.leaf FROM unnest(%s::uuid[], %s::bigint[]) "
        "AS x(id, leaf) WHERE r.id = x.id",
        (list(requests), list(leaves)),
    )


def remember_erased(conn: psycopg.Connection[Any], hashes: Iterator[tuple[bytes, UUID]]) -> None:
    """Add keyed hashes to the ledger of the erased, in the caller's transaction."""
    rows = list(hashes)
    conn.execute(
        "INSERT INTO upheld.erased (identifier, request) SELECT * FROM "
        "unnest(%s::bytea[], %s::uuid[]) ON CONFLICT DO NOTHING",
        ([h for h, _ in rows], [request for _, request in rows]),
    )


def erased_before(
    conn: psycopg.Connection[Any], hashes: Sequence[bytes]
) -> tuple[UUID, int] | None:
    """Give the last request (and its leaf) that erased the holder of all these hashes."""
    return conn.execute(
        "SELECT r.id, r.leaf FROM upheld.erased e JOIN upheld.request r ON r.id = e.request "
        "JOIN upheld.batch b ON b.id = r.batch WHERE e.identifier = ANY(%s) AND r.leaf IS NOT NULL "
        "GROUP BY r.id, r.leaf, b.received_at HAVING count(DISTINCT e.identifier) = %s "
        "ORDER BY b.received_at DESC LIMIT 1",
        (list(hashes), len(set(hashes))),
    ).fetchone()


def new_id() -> UUID:
    """Give a fresh id."""
    return uuid4()
