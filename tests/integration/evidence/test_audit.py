"""Tampering by the database's owner is found, and the first leaf concerned is named."""

# ruff: noqa: S608  the tests tamper with statements that they wrote

from __future__ import annotations

import pytest

from tests.integration.evidence.conftest import AT, Log
from upheld.evidence import sequence, tree, verify_log
from upheld.evidence.note import Checkpoint, Signer

HEADS = (3, 4, 9, 14, 21)
BODY = "convert_to(replace(convert_from(body, 'UTF8'), '\"rows\"', '\"cows\"'), 'UTF8')"
HASH = r"sha256('\x00'::bytea || body)"


def alter(position: int) -> str:
    return f"UPDATE upheld.leaf SET body = {BODY} WHERE position = {position}"


def rehash(position: int) -> str:
    return f"UPDATE upheld.leaf SET leaf_hash = {HASH} WHERE position = {position}"


def renode(position: int) -> str:
    return (
        "UPDATE upheld.tree_node SET hash = leaf_hash FROM upheld.leaf "
        f"WHERE level = 0 AND index = position AND position = {position}"
    )


def rebuild(log: Log) -> None:
    """Store the tree that the altered leaves make."""
    with log.conn.transaction():
        rows = log.conn.execute("SELECT leaf_hash FROM upheld.leaf ORDER BY position").fetchall()
    _, made = tree.Frontier().extend(row[0] for row in rows)
    log.tamper(
        *(
            f"UPDATE upheld.tree_node SET hash = '\\x{digest.hex()}' "
            f"WHERE level = {level} AND index = {index}"
            for level, index, digest in made
        )
    )


@pytest.fixture
def grown(log: Log) -> Log:
    log.grow(*HEADS)
    assert log.verify().ok
    return log


@pytest.mark.parametrize("position", range(21))
def test_an_altered_body_is_named(grown: Log, position: int) -> None:
    grown.tamper(alter(position))
    report = grown.verify()
    assert [(one.kind, one.first) for one in report.faults] == [("leaf", position)]
    assert report.first_leaf == position
    assert not report.ok


@pytest.mark.parametrize("position", [0, 3, 8, 20])
def test_an_altered_body_with_its_hash_is_named(grown: Log, position: int) -> None:
    grown.tamper(alter(position), rehash(position))
    assert [(one.kind, one.first) for one in grown.verify().faults] == [("leaf", position)]


def test_an_altered_hash_is_named(grown: Log) -> None:
    grown.tamper("UPDATE upheld.leaf SET leaf_hash = sha256('x') WHERE position = 6")
    assert [(one.kind, one.first) for one in grown.verify().faults] == [("leaf", 6)]


@pytest.mark.parametrize("position", [0, 1, 10, 17])
def test_an_altered_leaf_with_its_node_is_narrowed_to_a_pair(grown: Log, position: int) -> None:
    grown.tamper(alter(position), rehash(position), renode(position))
    (fault,) = grown.verify().faults
    start = position & ~1
    assert fault.kind == "root"
    assert (fault.first, fault.last) in {(start, start + 1), (position, position)}
    assert fault.first is not None
    assert fault.last is not None
    assert fault.first <= position <= fault.last


@pytest.mark.parametrize("position", [0, 3, 5, 20])
def test_a_wholly_rebuilt_tree_is_caught_by_the_first_head(grown: Log, position: int) -> None:
    grown.tamper(alter(position), rehash(position))
    rebuild(grown)
    (fault,) = grown.verify().faults
    before = max(size for size in (0, *HEADS) if size <= position)
    after = min(size for size in HEADS if size > position)
    assert (fault.kind, fault.first, fault.last) == ("root", before, after - 1)


def test_several_altered_leaves_are_each_named(grown: Log) -> None:
    grown.tamper(alter(2), alter(11), alter(12), "DELETE FROM upheld.leaf WHERE position = 5")
    report = grown.verify()
    assert [(one.kind, one.first) for one in report.faults] == [
        ("leaf", 2),
        ("missing", 5),
        ("leaf", 11),
        ("leaf", 12),
    ]
    assert report.first_leaf == 2


def test_an_altered_node_after_an_altered_leaf_is_told_apart(grown: Log) -> None:
    grown.tamper(
        alter(2), "UPDATE upheld.tree_node SET hash = sha256('x') WHERE level = 0 AND index = 10"
    )
    faults = [(one.kind, one.first) for one in grown.verify().faults]
    assert faults[0] == ("leaf", 2)
    assert ("node", 10) in faults
    assert {kind for kind, _ in faults[1:]} == {"node"}


@pytest.mark.parametrize("position", [0, 7, 13])
def test_a_missing_leaf_is_named(grown: Log, position: int) -> None:
    grown.tamper(f"DELETE FROM upheld.leaf WHERE position = {position}")
    report = grown.verify()
    assert [(one.kind, one.first) for one in report.faults] == [("missing", position)]
    grown.tamper(f"DELETE FROM upheld.tree_node WHERE level = 0 AND index = {position}")
    report = grown.verify()
    assert report.faults[0].kind == "missing"
    assert report.first_leaf == position
    assert {one.kind for one in report.faults} <= {"missing", "node"}


def test_a_leaf_swapped_in_place_of_another_is_named(grown: Log) -> None:
    grown.tamper(
        "UPDATE upheld.leaf SET position = 100 WHERE position = 4",
        "UPDATE upheld.leaf SET position = 4 WHERE position = 6",
        "UPDATE upheld.leaf SET position = 6 WHERE position = 100",
    )
    assert [(one.kind, one.first) for one in grown.verify().faults] == [("leaf", 4), ("leaf", 6)]


def test_a_log_that_was_cut_is_missing_what_was_signed(grown: Log) -> None:
    grown.tamper("DELETE FROM upheld.leaf WHERE position >= 11")
    faults = grown.verify().faults
    assert [(one.kind, one.first, one.last) for one in faults] == [
        ("missing", 11, 13),
        ("missing", 14, 20),
    ]


@pytest.mark.parametrize(("level", "index"), [(0, 4), (1, 3), (4, 0)])
@pytest.mark.parametrize("change", ["UPDATE {} SET hash = sha256('x')", "DELETE FROM {}"])
def test_an_altered_node_is_not_blamed_on_a_leaf(
    grown: Log, level: int, index: int, change: str
) -> None:
    where = f" WHERE level = {level} AND index = {index}"
    grown.tamper(change.format("upheld.tree_node") + where)
    report = grown.verify()
    assert {one.kind for one in report.faults} == {"node"}
    assert report.faults[0].first == index << level
    assert report.first_leaf is None


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SET note = set_byte(note, 1, 120) WHERE tree_size = 9", "signature is wrong"),
        ("SET note = substr(note, 1, 30) WHERE tree_size = 9", "not a signed note"),
        ("SET root = sha256('x') WHERE tree_size = 9", "its row differs"),
        ("SET tree_size = 10 WHERE tree_size = 9", "its row differs"),
    ],
)
def test_an_altered_checkpoint_is_named(grown: Log, statement: str, message: str) -> None:
    grown.tamper("UPDATE upheld.checkpoint " + statement)
    (fault,) = grown.verify().faults
    assert fault.kind == "checkpoint"
    assert fault.message.startswith("checkpoint 3: ")
    assert message in fault.message


def test_a_checkpoint_that_shrinks_is_named(grown: Log) -> None:
    grown.tamper(
        "UPDATE upheld.checkpoint SET tree_size = tree_size + 100",
        "INSERT INTO upheld.checkpoint (tree_size, root, note, signed_at) "
        "SELECT 9, root, note, signed_at FROM upheld.checkpoint WHERE tree_size = 109",
        "UPDATE upheld.checkpoint SET tree_size = tree_size - 100 WHERE tree_size > 100 AND "
        "tree_size <> 109",
    )
    messages = [one.message for one in grown.verify().faults]
    assert "checkpoint 6: it covers 9 leaves, an earlier one 21" in messages


def test_a_second_head_of_one_size_is_named(grown: Log) -> None:
    forked = Checkpoint("log.example.org", 21, bytes(32)).signed(grown.keys.signer)
    grown.tamper(
        "INSERT INTO upheld.checkpoint (tree_size, root, note, signed_at) VALUES "
        f"(22, '\\x{bytes(32).hex()}', '\\x{forked.hex()}', now())"
    )
    messages = [one.message for one in grown.verify().faults]
    assert "checkpoint 6: it covers 21 leaves, an earlier one 21" in messages


def test_leaves_without_a_head_are_named(grown: Log) -> None:
    grown.tamper("DELETE FROM upheld.checkpoint WHERE tree_size > 9")
    (fault,) = grown.verify().faults
    assert (fault.kind, fault.first, fault.last) == ("unsigned", 9, 20)


def test_a_log_signed_anew_by_another_key_is_not_accepted(grown: Log) -> None:
    other = Signer.generate("log.example.org")
    grown.tamper("TRUNCATE upheld.checkpoint, upheld.tree_node", alter(5), rehash(5))
    grown.tamper("UPDATE upheld.leaf SET position = NULL")
    sequence(grown.conn, other, lambda: AT)
    assert verify_log(grown.conn, other.verifier).ok
    report = grown.verify()
    assert [one.kind for one in report.faults] == ["checkpoint", "unsigned"]


def test_a_report_of_many_faults_stays_small(log: Log) -> None:
    log.grow(400)
    log.tamper(f"UPDATE upheld.leaf SET body = {BODY}")
    report = log.verify()
    assert len(report.faults) == 100
    assert report.first_leaf == 0
