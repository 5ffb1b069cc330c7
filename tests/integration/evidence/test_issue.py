"""Receipts out of the database: they verify, and come out the same for ever."""

# ruff: noqa: S608  table names that the test wrote

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.evidence.conftest import AT, Log
from upheld.errors import EvidenceError
from upheld.evidence import Leaf, Receipt, append, issue_receipts, load_keys, verify_receipt


def test_each_person_proves_their_own_erasure(log: Log) -> None:
    ids = log.grow(1, 2, 5, 12, 13)
    vkey = str(log.keys.verifier)
    for number, data in enumerate(log.receipts(ids)):
        report = verify_receipt(data, vkey, f"p{number}@example.org")
        assert report.person
        assert report.leaf.facts == {"studio": {"rows": number}}
        assert report.checkpoint.size == min(size for size in (1, 2, 5, 12, 13) if size > number)
        with pytest.raises(EvidenceError, match="not for this email"):
            verify_receipt(data, vkey, f"p{number + 1}@example.org")


def test_a_receipt_is_the_same_byte_for_byte_when_the_log_has_grown(
    log: Log, tmp_path: Path
) -> None:
    ids = log.grow(5)
    before = log.receipts(ids)
    log.append(*range(5, 40))
    log.sign()
    assert log.receipts(ids[::-1]) == before[::-1]
    again = issue_receipts(log.conn, ids, load_keys(tmp_path / "keys"))
    assert [data for _, data in again] == before


def test_thousands_take_few_queries_and_all_verify(log: Log) -> None:
    log.grow(700)
    ids = log.append(*range(700, 3200))
    log.sign()
    assert [leaf_id for leaf_id, _ in issue_receipts(log.conn, ids, log.keys)] == ids
    vkey = str(log.keys.verifier)
    for data in log.receipts(ids[::97]):
        verify_receipt(data, vkey)


def test_the_database_does_not_hold_the_salt_or_the_person(log: Log) -> None:
    ids = log.grow(3)
    salt = Receipt.decode(log.receipts(ids)[1]).salt
    for table in ("leaf", "tree_node", "checkpoint"):
        with log.conn.transaction():
            rows = log.conn.execute(f"SELECT t::text FROM upheld.{table} t".encode()).fetchall()
        for (text,) in rows:
            assert salt.hex() not in text
            assert b"p1@".hex() not in text


def test_another_receipt_key_is_a_clear_error(log: Log) -> None:
    ids = log.grow(3)
    wrong = replace(log.keys, receipt=bytes(32))
    with pytest.raises(EvidenceError, match="the salt is not the one"):
        list(issue_receipts(log.conn, ids, wrong))


def test_a_leaf_about_nobody_has_no_receipt(log: Log) -> None:
    leaf = Leaf("policy", UUID(int=1), AT, {"version": 3})
    leaf_id = append(log.conn, leaf.encode(), "policy:3")
    log.conn.commit()
    log.sign()
    with pytest.raises(EvidenceError, match="about nobody"):
        log.receipts([leaf_id])


def test_a_missing_node_is_a_clear_error(log: Log) -> None:
    ids = log.grow(8)
    log.tamper("DELETE FROM upheld.tree_node WHERE level = 1 AND index = 3")
    with pytest.raises(EvidenceError, match="lacks a node above leaf 4"):
        log.receipts(ids)
