"""The log in the engine's database: written with the fact, numbered and signed afterwards.

Writers append unnumbered leaves in the transaction of the fact itself, so they
do not wait for each other. One sequencer numbers what is committed, stores the
new nodes of the tree and signs the head. A head leaves this module only after
its transaction is durable: a log that signed two heads of one size would have
lied to somebody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from psycopg import Connection
from psycopg.rows import TupleRow

from upheld.errors import EvidenceError
from upheld.evidence import tree
from upheld.evidence._statements import require_idle, statement
from upheld.evidence.note import Checkpoint, Signer, open_checkpoint

# Rows per statement: bounds memory, and is far past the point where round trips matter.
_BATCH = 5_000


def append(conn: Connection[TupleRow], body: bytes, dedupe: str) -> int:
    """Log one leaf in the caller's transaction; give its id.

    `body` is what `Leaf.encode` gives. `dedupe` names the fact and holds no
    personal data: if it is logged already, nothing is written and the leaf that
    is there counts, so that a resumed run may simply say it again.
    """
    return next(append_all(conn, [(body, dedupe)]))


def append_all(conn: Connection[TupleRow], leaves: Iterable[tuple[bytes, str]]) -> Iterator[int]:
    """Log many leaves (`body`, `dedupe`) as `append` does; give their ids, in order.

    Nothing is written before the iterator is consumed.
    """
    rest = iter(leaves)
    while batch := list(islice(rest, _BATCH)):
        dedupes = [dedupe for _, dedupe in batch]
        bodies = [body for body, _ in batch]
        conn.execute(statement("append"), {"dedupes": dedupes, "bodies": bodies})
        found = conn.execute(statement("find"), {"dedupes": dedupes}).fetchall()
        yield from (row[0] for row in found)


def latest_checkpoint(conn: Connection[TupleRow]) -> bytes | None:
    """Give the last signed note, or None before the first; not verified."""
    row = conn.execute(statement("latest")).fetchone()
    return bytes(row[2]) if row else None


def sequence(
    conn: Connection[TupleRow], signer: Signer, clock: Callable[[], datetime]
) -> Checkpoint | None:
    """Give numbers to all committed leaves that wait, and sign the new head.

    Gives the head, the old one if nothing waited, None if the log is empty.
    Several may run at once: one works, the others wait for it. The connection
    must be idle. EvidenceError if the stored tree is not the one last signed,
    or the last head was signed by another key: then nothing is signed.
    """
    require_idle(conn, "signing the log")
    with conn.transaction():
        # The snapshot of each statement must be younger than the lock.
        conn.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        conn.execute(statement("lock"))
        head, frontier = _resume(conn, signer)
        grown = _number(conn, frontier)
        if grown.size == frontier.size:
            return head
        head = Checkpoint(signer.name, grown.size, grown.root())
        values = {
            "size": head.size,
            "root": head.root,
            "note": head.signed(signer),
            "at": clock(),
        }
        conn.execute(statement("sign"), values)
    return head


def _resume(conn: Connection[TupleRow], signer: Signer) -> tuple[Checkpoint | None, tree.Frontier]:
    """Load the last head and the peaks of its tree, and check one against the other."""
    note = latest_checkpoint(conn)
    if note is None:
        return None, tree.Frontier()
    head = open_checkpoint(note, signer.verifier)
    peaks = tree.cover(0, head.size)
    stored = read_nodes(conn, peaks)
    frontier = tree.Frontier(head.size, tuple(stored.get(at, b"") for at in peaks))
    if frontier.root() != head.root:
        raise EvidenceError(
            "the stored log is not the one that was last signed, so nothing more is signed",
            help="`upheld log verify` names what was altered",
        )
    return head, frontier


def _number(conn: Connection[TupleRow], frontier: tree.Frontier) -> tree.Frontier:
    """Give numbers to the waiting leaves and store the nodes that they complete."""
    after = 0
    while True:
        values = {"start": frontier.size, "after": after, "most": _BATCH}
        rows = conn.execute(statement("number"), values).fetchall()
        if not rows:
            return frontier
        after = rows[-1][0]
        frontier, made = frontier.extend(digest for _, digest in rows)
        with conn.cursor() as cursor, cursor.copy(statement("copy_nodes")) as copy:
            copy.set_types(["int2", "int8", "bytea"])
            for node in made:
                copy.write_row(node)


def read_nodes(
    conn: Connection[TupleRow], wanted: Iterable[tree.Coordinates]
) -> Mapping[tree.Coordinates, bytes]:
    """Read complete nodes in one statement; those that are missing are left out."""
    levels, indexes = [], []
    for level, index in wanted:
        levels.append(level)
        indexes.append(index)
    values = {"levels": levels, "indexes": indexes}
    rows = conn.execute(statement("nodes"), values)
    return {(level, index): digest for level, index, digest in rows}
