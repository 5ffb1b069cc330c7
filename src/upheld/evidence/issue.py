"""Issues receipts from the log, thousands at a time, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from psycopg import Connection
from psycopg.rows import TupleRow

from upheld.errors import EvidenceError
from upheld.evidence import tree
from upheld.evidence._statements import statement
from upheld.evidence.keys import Keys
from upheld.evidence.leaf import Leaf, salt_of
from upheld.evidence.log import read_nodes
from upheld.evidence.receipt import Receipt, check_salt

# Leaves per round trip; each needs at most 62 nodes, most of them shared.
_BATCH = 1_000


def issue_receipts(
    conn: Connection[TupleRow], leaf_ids: Iterable[int], keys: Keys
) -> Iterator[tuple[int, bytes]]:
    """Give `(leaf id, receipt)` for each leaf, in order; two queries per thousand.

    A receipt is built from the leaf and the first checkpoint that covers it, so
    it never changes. EvidenceError if a leaf is unknown, not signed yet, about
    nobody, or was written with another `receipt.key`.
    """
    log = str(keys.verifier)
    rest = iter(leaf_ids)
    while batch := list(islice(rest, _BATCH)):
        rows = conn.execute(statement("covered"), {"ids": batch}).fetchall()
        plans = [tree.plan_inclusion(*_place(row)) for row in rows]
        nodes = read_nodes(conn, {at for plan in plans for element in plan for at in element})
        for (leaf_id, index, body, size, note), plan in zip(rows, plans, strict=True):
            leaf = Leaf.decode(body)
            salt = salt_of(keys.receipt, leaf.request)
            check_salt(leaf, salt)
            try:
                path = tuple(tree.fill(plan, nodes))
            except KeyError as error:
                raise EvidenceError(
                    f"the stored tree lacks a node above leaf {index}",
                    help="`upheld log verify` names what was altered",
                ) from error
            yield leaf_id, Receipt(body, index, size, path, note, salt, log).encode()


def _place(row: TupleRow) -> tuple[int, int]:
    leaf_id, index, body, size, _ = row
    if body is None:
        raise EvidenceError(f"there is no leaf `{leaf_id}` in the log")
    if index is None or size is None:
        raise EvidenceError(
            f"the leaf `{leaf_id}` is not signed yet", help="sequence the log, then ask again"
        )
    return index, size
