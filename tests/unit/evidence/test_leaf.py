"""Leaves: one form, no personal data, a commitment that only the salt opens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from upheld.errors import EvidenceError
from upheld.evidence.leaf import Identifier, Json, Leaf, canonical, commitment, salt_of

KEY = bytes(range(32))
REQUEST = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
AT = datetime(2026, 3, 1, 12, 30, 5, 999999, tzinfo=UTC)
ANA = Identifier("email", "ana@example.org")
LEAF = Leaf("erasure", REQUEST, AT, {"studio": {"rows": 3, "objects": 0}})


def test_the_body_is_canonical_json() -> None:
    assert LEAF.encode() == (
        b'{"at":"2026-03-01T12:30:05Z","facts":{"studio":{"objects":0,"rows":3}},'
        b'"kind":"erasure","request":"0f8fad5b-d9cb-469f-a165-70867728950e",'
        b'"salted":null,"subject":[],"v":1}'
    )


def test_a_leaf_reads_back_and_only_in_its_one_form() -> None:
    body = LEAF.about([ANA, Identifier("account", "7")], KEY).encode()
    assert Leaf.decode(body).encode() == body
    bad = [
        body + b"\n",
        body.replace(b'"v":1', b'"v":2'),
        body.replace(b'"v":1', b'"v":1.0'),
        body.replace(b'"v":1', b'"v":true'),
        body.replace(b'"v":1', b'"v":1,"w":1'),
        body.replace(b"05Z", b"05+00:00"),
        body.replace(b"0f8f", b"0F8F"),
        body.replace(b'"subject":["', b'"subject":["0'),
        body.replace(b'"erasure"', b"7"),
        b"[]",
        b"\xff",
        b"[" * 100_000,
    ]
    for other in bad:
        assert other != body
        with pytest.raises(EvidenceError):
            Leaf.decode(other)


def test_times_are_written_in_utc() -> None:
    there = AT.astimezone(timezone(timedelta(hours=9)))
    assert Leaf("erasure", REQUEST, there, LEAF.facts).encode() == LEAF.encode()
    with pytest.raises(EvidenceError, match="no time zone"):
        Leaf("erasure", REQUEST, AT.replace(tzinfo=None), {}).encode()


def test_the_leaf_says_nothing_of_the_person_without_the_salt() -> None:
    leaf = LEAF.about([ANA], KEY)
    salt = salt_of(KEY, REQUEST)
    assert b"ana" not in leaf.encode()
    assert salt.hex().encode() not in leaf.encode()
    assert leaf.subject == (commitment(salt, ANA),)
    assert leaf.subject != LEAF.about([ANA], bytes(32)).subject
    other = Leaf("erasure", UUID(int=1), AT, {})
    assert leaf.subject != other.about([ANA], KEY).subject


@pytest.mark.parametrize("typed", ["ANA@Example.ORG", " ana@example.org\n"])
def test_an_address_is_the_same_however_it_is_typed(typed: str) -> None:
    assert LEAF.about([Identifier("email", typed)], KEY) == LEAF.about([ANA], KEY)


def test_other_identifiers_are_taken_as_they_are() -> None:
    salt = salt_of(KEY, REQUEST)
    upper, lower = Identifier("account", "A7"), Identifier("account", "a7")
    assert commitment(salt, upper) != commitment(salt, lower)
    assert commitment(salt, lower) != commitment(salt, Identifier("device", "a7"))
    with pytest.raises(EvidenceError, match="not a kind of identifier"):
        commitment(salt, Identifier("a:b", "c"))
    with pytest.raises(EvidenceError, match="is empty"):
        commitment(salt, Identifier("account", " "))
    with pytest.raises(EvidenceError, match="needs an identifier"):
        LEAF.about([], KEY)


def test_the_order_of_identifiers_says_nothing() -> None:
    several = [Identifier("account", str(number)) for number in range(9)]
    assert LEAF.about(several, KEY) == LEAF.about(several[::-1], KEY)


def test_an_address_in_the_facts_is_refused_and_not_quoted() -> None:
    bad: list[dict[str, Json]] = [{"a": {"b": ["ana@example.org"]}}, {"ana@example.org": 1}]
    for facts in bad:
        with pytest.raises(EvidenceError, match="looks like an address") as caught:
            Leaf("erasure", REQUEST, AT, facts).encode()
        assert "ana" not in str(caught.value)


@pytest.mark.parametrize("value", [1.5, [0.0], {"a": b""}, 2**53, {1: 2}, "\ud800", (1,)])
def test_values_that_json_writers_disagree_on_are_refused(value: object) -> None:
    with pytest.raises(EvidenceError):
        canonical(value)  # type: ignore[arg-type]  # the wrong type is the point
