"""Writing the log: once per fact, with the fact, numbered without gaps, never changed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NoReturn

import psycopg
import pytest

from tests.integration.evidence.conftest import AT, Log, body
from upheld.errors import EvidenceError
from upheld.evidence import (
    append,
    append_all,
    issue_receipts,
    latest_checkpoint,
    open_checkpoint,
    sequence,
    tree,
    verify_log,
)
from upheld.evidence.note import Signer

READ = psycopg.IsolationLevel.READ_COMMITTED
SNAPSHOT = psycopg.IsolationLevel.REPEATABLE_READ


def positions(log: Log) -> list[Any]:
    with log.conn.transaction():
        rows = log.conn.execute("SELECT position FROM upheld.leaf ORDER BY position").fetchall()
    return [row[0] for row in rows]


def test_an_empty_log_has_no_head(log: Log) -> None:
    assert log.sign() is None
    report = log.verify()
    assert report.ok
    assert (report.size, report.waiting, report.checkpoints) == (0, 0, 0)


def test_a_leaf_is_there_only_if_its_fact_is(log: Log) -> None:
    append(log.conn, body(1, log.keys), "erasure:1")
    log.conn.rollback()
    assert log.sign() is None
    append(log.conn, body(2, log.keys), "erasure:2")
    log.conn.commit()
    head = log.sign()
    assert head is not None
    assert head.size == 1
    assert head.root == tree.leaf_hash(body(2, log.keys))


def test_a_fact_is_logged_once_and_the_first_leaf_counts(log: Log) -> None:
    first = log.append(3, 1, 2)
    assert len(set(first)) == 3
    again = append(log.conn, body(99, log.keys), "erasure:000000001")
    log.conn.commit()
    assert again == first[1]
    assert log.append(2, 7, 2, 3)[:4:2] == [first[2], first[2]]
    log.sign()
    assert positions(log) == [0, 1, 2, 3]
    stored = log.conn.execute("SELECT body FROM upheld.leaf WHERE id = %s", [first[1]])
    assert stored.fetchall() == [(body(1, log.keys),)]


def test_writers_of_the_same_facts_in_other_orders_do_not_deadlock(log: Log) -> None:
    append(log.conn, b"{}", "b")

    def write() -> int:
        with log.connect() as conn:
            conn.execute("SET deadlock_timeout = '50ms'")
            return len(list(append_all(conn, [(b"{}", "c"), (b"{}", "b"), (b"{}", "a")])))

    with ThreadPoolExecutor(1) as pool, log.connect() as watch:
        watch.autocommit = True
        writer = pool.submit(write)
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        while watch.execute(waits).fetchone() == (0,):
            assert not writer.done()
        append(log.conn, b"{}", "c")
        log.conn.commit()
        assert writer.result(60) == 3


def test_signing_again_gives_the_same_head(log: Log) -> None:
    log.append(1, 2, 3)
    head = log.sign()
    assert head is not None
    assert log.sign() == head
    note = latest_checkpoint(log.conn)
    assert note is not None
    assert open_checkpoint(note, log.keys.verifier) == head
    log.conn.commit()
    assert log.verify().checkpoints == 1


def test_however_leaves_arrive_the_heads_are_those_of_the_tree(log: Log) -> None:
    log.grow(1, 2, 3, 7, 8, 20, 21)
    hashes = [tree.leaf_hash(body(number, log.keys)) for number in range(21)]
    with log.conn.transaction():
        rows = log.conn.execute("SELECT tree_size, root FROM upheld.checkpoint").fetchall()
    assert len(rows) == 7
    for size, root in rows:
        assert tree.Frontier().extend(hashes[:size])[0].root() == root


def test_more_than_one_batch(log: Log) -> None:
    ids = log.append(*range(11_000))
    assert len(set(ids)) == 11_000
    head = log.sign()
    assert head is not None
    hashes = [tree.leaf_hash(body(number, log.keys)) for number in range(11_000)]
    assert head.root == tree.Frontier().extend(hashes)[0].root()
    seen: list[tuple[int, int]] = []
    report = log.verify()
    assert report.ok
    assert report.size == 11_000
    log.append(11_001)
    verify_log(log.conn, log.keys.verifier, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (11_000, 11_000)
    assert len(seen) > 1
    assert log.verify().waiting == 1


def test_writers_and_sequencers_at_once_leave_one_gapless_log(log: Log) -> None:
    start = Barrier(4)

    def write(first: int) -> None:
        with log.connect() as conn:
            start.wait(60)
            for number in range(first, first + 60):
                # Half of the facts are written by both writers, from opposite ends.
                shared = -(number % 30) if first else -(29 - number % 30)
                leaves = [(body(n, log.keys), f"e:{n}") for n in (number, 1000 + shared)]
                list(append_all(conn, leaves))
                conn.commit()

    def sign(level: int) -> None:
        with log.connect() as conn:
            conn.isolation_level = psycopg.IsolationLevel(level)
            start.wait(60)
            for _ in range(40):
                sequence(conn, log.keys.signer, lambda: AT)

    with ThreadPoolExecutor(4) as pool:
        work: list[tuple[Callable[[int], None], int]] = [(write, 0), (write, 100), (sign, READ)]
        for done in [pool.submit(task, first) for task, first in [*work, (sign, SNAPSHOT)]]:
            done.result(120)
    log.sign()
    assert positions(log) == list(range(120 + 30))
    report = log.verify()
    assert report.ok
    assert report.checkpoints > 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE upheld.leaf SET body = '{}'",
        "UPDATE upheld.leaf SET dedupe = 'x' WHERE position = 0",
        "UPDATE upheld.leaf SET position = position",
        "UPDATE upheld.leaf SET position = NULL",
        "UPDATE upheld.leaf SET position = 9 WHERE position = 0",
        "UPDATE upheld.leaf SET position = 9, written_at = now() WHERE position IS NULL",
        "UPDATE upheld.leaf SET dedupe = 'x' WHERE position IS NULL",
        "DELETE FROM upheld.leaf",
        "DELETE FROM upheld.leaf WHERE position IS NULL",
        "TRUNCATE upheld.leaf CASCADE",
        "UPDATE upheld.tree_node SET hash = hash",
        "DELETE FROM upheld.tree_node",
        "TRUNCATE upheld.tree_node",
        "UPDATE upheld.checkpoint SET note = note",
        "DELETE FROM upheld.checkpoint",
        "TRUNCATE upheld.checkpoint",
    ],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_the_tables_are_append_only(log: Log, statement: str, role: str) -> None:
    log.grow(3)
    log.append(4)
    log.conn.execute("SELECT set_config('session_replication_role', %s, true)", [role])
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        log.conn.execute(statement.encode())
    log.conn.rollback()
    assert positions(log) == [0, 1, 2, None]
    assert log.verify().ok


def test_a_leaf_with_a_wrong_hash_cannot_be_written(log: Log) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), log.conn.transaction():
        log.conn.execute(
            "INSERT INTO upheld.leaf (dedupe, body, leaf_hash) VALUES ('x', '{}', sha256('{}'))"
        )


def test_an_open_transaction_is_refused(log: Log) -> None:
    log.append(1)
    log.conn.execute("SELECT 1")
    with pytest.raises(EvidenceError, match="a transaction of its own"):
        log.sign()
    with pytest.raises(EvidenceError, match="a transaction of its own"):
        log.verify()


def test_nothing_is_signed_with_another_key_or_over_an_altered_tree(log: Log) -> None:
    log.grow(6)
    log.append(7)
    other = Signer.generate("log.example.org")
    with pytest.raises(EvidenceError, match="not signed by"):
        sequence(log.conn, other, lambda: AT)
    log.tamper("UPDATE upheld.tree_node SET hash = sha256('x') WHERE level = 2")
    with pytest.raises(EvidenceError, match="not the one that was last signed"):
        log.sign()
    log.tamper("DELETE FROM upheld.tree_node WHERE level = 2")
    with pytest.raises(EvidenceError, match="not the one that was last signed"):
        log.sign()
    assert positions(log) == [0, 1, 2, 3, 4, 5, None]
    assert log.verify().checkpoints == 1


def test_an_interrupted_signing_leaves_nothing(log: Log) -> None:
    log.grow(2)
    log.append(2, 3)

    def no_clock() -> NoReturn:
        raise RuntimeError("no clock")

    with pytest.raises(RuntimeError):
        sequence(log.conn, log.keys.signer, no_clock)
    report = log.verify()
    assert report.ok
    assert (report.size, report.waiting) == (2, 2)
    log.sign()
    assert log.verify().ok


def test_unsigned_and_unknown_leaves_have_no_receipt(log: Log) -> None:
    ids = log.append(1)
    with pytest.raises(EvidenceError, match="is not signed yet"):
        log.receipts(ids)
    with pytest.raises(EvidenceError, match="there is no leaf `77`"):
        list(issue_receipts(log.conn, [77], log.keys))
