"""No altered receipt passes, and only the person's own identifier opens theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upheld.errors import EvidenceError
from upheld.evidence import tree
from upheld.evidence.leaf import Identifier, Leaf, salt_of
from upheld.evidence.note import Checkpoint, Signer
from upheld.evidence.receipt import Receipt, verify_receipt

SIGNER = Signer("log.example.org", bytes(range(32)))
VKEY = str(SIGNER.verifier)
KEY = bytes(range(50, 82))
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def person(number: int) -> list[Identifier]:
    return [
        Identifier("email", f"p{number}@example.org"),
        Identifier("account", str(number)),
    ]


def make(index: int, size: int) -> bytes:
    """Issue the receipt of one leaf in a log of `size`."""
    leaves = [
        Leaf("erasure", UUID(int=number), AT, {"studio": {"rows": number}}).about(
            person(number), KEY
        )
        for number in range(size)
    ]
    bodies = [leaf.encode() for leaf in leaves]
    frontier, made = tree.Frontier().extend(map(tree.leaf_hash, bodies))
    nodes = {(level, at): digest for level, at, digest in made}
    return Receipt(
        leaf=bodies[index],
        index=index,
        size=size,
        path=tuple(tree.fill(tree.plan_inclusion(index, size), nodes)),
        checkpoint=Checkpoint(SIGNER.name, size, frontier.root()).signed(SIGNER),
        salt=salt_of(KEY, UUID(int=index)),
        log=VKEY,
    ).encode()


PLACES = st.integers(1, 20).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))
RECEIPT = make(4, 7)


@given(PLACES)
def test_a_receipt_proves_its_leaf_and_its_person(place: tuple[int, int]) -> None:
    data = make(*place)
    report = verify_receipt(data, VKEY, f"P{place[0]}@example.org")
    assert report.person
    assert list(report.checks) == ["signature", "inclusion", "salt", "person"]
    assert report.index == place[0]
    assert report.checkpoint.size == place[1]
    assert report.leaf.facts == {"studio": {"rows": place[0]}}
    assert verify_receipt(data, VKEY, Identifier("account", str(place[0]))).person
    assert not verify_receipt(data, VKEY).person
    with pytest.raises(EvidenceError, match="not for this email"):
        verify_receipt(data, VKEY, f"p{place[0] + 1}@example.org")
    assert b"p%d@" % place[0] not in data


@given(st.integers(0, len(RECEIPT) - 1), st.integers(1, 255))
def test_no_byte_can_change(at: int, change: int) -> None:
    forged = RECEIPT[:at] + bytes([RECEIPT[at] ^ change]) + RECEIPT[at + 1 :]
    with pytest.raises(EvidenceError):
        verify_receipt(forged, VKEY)


def test_every_single_bit_is_covered() -> None:
    for at in range(len(RECEIPT)):
        forged = RECEIPT[:at] + bytes([RECEIPT[at] ^ 1]) + RECEIPT[at + 1 :]
        with pytest.raises(EvidenceError):
            verify_receipt(forged, VKEY)


@given(st.integers(0, len(RECEIPT)), st.sampled_from([b" ", b"\n", b"\t", b"\xef\xbb\xbf", b"0"]))
def test_nothing_can_be_inserted_not_even_a_space(at: int, what: bytes) -> None:
    with pytest.raises(EvidenceError):
        verify_receipt(RECEIPT[:at] + what + RECEIPT[at:], VKEY)


@given(st.integers(0, len(RECEIPT) - 1), st.integers(1, 40))
def test_nothing_can_be_cut(at: int, length: int) -> None:
    with pytest.raises(EvidenceError):
        verify_receipt(RECEIPT[:at] + RECEIPT[at + length :], VKEY)


@given(st.sampled_from(sorted(json.loads(RECEIPT))), st.data())
def test_a_field_of_another_type_is_a_clear_error(field: str, data: st.DataObject) -> None:
    raw = json.loads(RECEIPT)
    simple = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    values = simple | st.lists(simple, max_size=3)
    raw[field] = data.draw(values)
    for forged in (json.dumps(raw), json.dumps(raw, ensure_ascii=False, indent=2)):
        with pytest.raises(EvidenceError):
            verify_receipt(forged.encode("utf-8", "surrogatepass"), VKEY)


def test_each_alteration_is_named() -> None:
    receipt = Receipt.decode(RECEIPT)
    other = Signer(SIGNER.name, bytes(32))
    path = (receipt.path[0][::-1], *receipt.path[1:])
    swapped = Receipt.decode(make(4, 8)).checkpoint
    cases = [
        (replace(receipt, leaf=receipt.leaf.replace(b":4}", b":5}")), "the leaf or its proof"),
        (replace(receipt, path=path), "the leaf or its proof"),
        (replace(receipt, path=path[1:]), "the leaf or its proof"),
        (replace(receipt, index=5), "the leaf or its proof"),
        (replace(receipt, size=8), "another tree size"),
        (replace(receipt, checkpoint=swapped), "another tree size"),
        (replace(receipt, checkpoint=swapped, size=8), "the leaf or its proof"),
        (replace(receipt, checkpoint=receipt.checkpoint[:-2]), "not a signed note"),
        (replace(receipt, salt=bytes(32)), "the salt is not the one"),
        (replace(receipt, log=str(other.verifier)), "of another log"),
    ]
    for forged, message in cases:
        with pytest.raises(EvidenceError, match=message):
            verify_receipt(forged.encode(), VKEY)
    for data, message in [
        (RECEIPT[:-30], "is not JSON"),
        (RECEIPT.replace(b"receipt/1", b"receipt/2"), "of a format"),
        (RECEIPT.replace(b'"salt"', b'"s"'), "lacks a field"),
        (RECEIPT.replace(b"  ", b""), "not written as it was issued"),
    ]:
        with pytest.raises(EvidenceError, match=message):
            verify_receipt(data, VKEY)
    with pytest.raises(EvidenceError, match="of another log"):
        verify_receipt(RECEIPT, str(other.verifier))
    with pytest.raises(EvidenceError, match="public key of a log"):
        verify_receipt(RECEIPT, VKEY[:-9])


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_anything_else_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        verify_receipt(data, VKEY)
