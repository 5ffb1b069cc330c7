"""What the log says: a fact in canonical JSON, with a commitment in place of the person.

A leaf never holds personal data. Whom it is about is held as
HMAC-SHA256(salt, "kind:" || normalised identifier), one per identifier that
the person may prove it with. The salt is HMAC-SHA256(receipt key, "salt:" ||
request id): it is stored nowhere, so the log tells nobody whose leaf it is,
yet the same receipt can be issued again. Only the receipt carries it.

One request is about one person: two people under one request id would share
a salt, and each could test guesses about the other.
"""

from __future__ import annotations

import hmac
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from upheld.errors import EvidenceError

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
"""The values a leaf may hold: JSON without floats."""

VERSION = 1
_KIND = re.compile(r"[a-z][a-z0-9_.-]*", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UNKNOWN = "the leaf is not in a form that this version knows"
_NEWER = "it was altered, or a newer Upheld wrote it"
# RFC 8785 numbers are IEEE doubles; a larger int would not read back the same elsewhere.
_LARGEST_INT = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Identifier:
    """One thing a person can prove it was them with: `kind` is `email`, `account` or the like."""

    kind: str
    value: str = field(repr=False)

    def normalised(self) -> str:
        """Give `kind:value`, with what people type differently made equal.

        Unicode NFC and no outer spaces; an e-mail address also case-folded.
        Kinds hold no colon, so that no two identifiers give the same text.
        """
        if not _KIND.fullmatch(self.kind):
            raise EvidenceError(
                f"`{self.kind}` is not a kind of identifier",
                help="use small letters, as in `email` or `account`",
            )
        value = unicodedata.normalize("NFC", self.value.strip())
        if not value:
            raise EvidenceError(
                f"the {self.kind} is empty", help="give the identifier the request was made with"
            )
        if self.kind == "email":
            value = unicodedata.normalize("NFC", value.casefold())
        return f"{self.kind}:{value}"


def salt_of(receipt_key: bytes, request: UUID) -> bytes:
    """Derive the 32-byte salt of a request; secret to whoever holds the receipt."""
    return hmac.digest(receipt_key, f"salt:{request}".encode(), "sha256")


def commitment(salt: bytes, identifier: Identifier) -> str:
    """Commit to a person, in 64 hex digits that say nothing without the salt."""
    return hmac.digest(salt, identifier.normalised().encode(), "sha256").hex()


def salt_mark(salt: bytes, request: UUID) -> str:
    """Commit to the salt itself, so that an altered salt shows without the identifier."""
    return hmac.digest(salt, f"request:{request}".encode(), "sha256").hex()


def canonical(value: Json) -> bytes:
    """Write JSON in its one form: sorted keys, no spaces, UTF-8 (like RFC 8785).

    Floats, integers beyond 2**53 and anything else that JSON writers disagree
    on raise EvidenceError.
    """
    _check(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise EvidenceError("a leaf holds text that is not Unicode") from error


def _check(value: object) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise EvidenceError(
                    f"a leaf holds a key of type `{type(key).__name__}`", help="keys are strings"
                )
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    elif isinstance(value, int) and abs(value) > _LARGEST_INT:
        raise EvidenceError("a leaf holds a number beyond 2**53", help="write it as a string")
    elif value is not None and not isinstance(value, str | int):
        raise EvidenceError(
            f"a leaf holds a value of type `{type(value).__name__}`",
            help="use strings, whole numbers, booleans, lists and objects",
        )


def _check_facts(value: Json) -> None:
    """Refuse an address in the facts: the last guard, not the first."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_facts(key)
            _check_facts(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_facts(inner)
    elif isinstance(value, str) and "@" in value:
        raise EvidenceError(
            "the facts of a leaf hold what looks like an address",
            help="facts are counts per system, never personal data",
        )


@dataclass(frozen=True, slots=True)
class Leaf:
    """One fact. `subject` and `salted` are empty for a fact about nobody in particular."""

    kind: str
    request: UUID
    at: datetime
    """With a time zone; written in UTC, to the second."""
    facts: Mapping[str, Json]
    """Counts per system and the like; never personal data."""
    subject: tuple[str, ...] = ()
    """Commitments, sorted, so that their order says nothing."""
    salted: str | None = None
    """The commitment to the salt."""

    def encode(self) -> bytes:
        """Give the body that is hashed and logged."""
        if not _KIND.fullmatch(self.kind):
            raise EvidenceError(
                f"`{self.kind}` is not a kind of leaf", help="use small letters, as in `erasure`"
            )
        if self.at.tzinfo is None:
            raise EvidenceError(
                "the time of a leaf has no time zone", help="pass a datetime in UTC"
            )
        utc = self.at.astimezone(UTC).replace(tzinfo=None)
        facts = dict(self.facts)
        _check_facts(facts)
        return canonical(
            {
                "v": VERSION,
                "kind": self.kind,
                "request": str(self.request),
                "at": utc.isoformat(timespec="seconds") + "Z",
                "subject": list(self.subject),
                "salted": self.salted,
                "facts": facts,
            }
        )

    def about(self, identifiers: Iterable[Identifier], receipt_key: bytes) -> Leaf:
        """Give the same fact about one person, committed to by each of their identifiers.

        EvidenceError without any identifier.
        """
        salt = salt_of(receipt_key, self.request)
        subject = tuple(sorted({commitment(salt, one) for one in identifiers}))
        if not subject:
            raise EvidenceError(
                "a leaf about a person needs an identifier",
                help="pass at least the address of the request",
            )
        return replace(self, subject=subject, salted=salt_mark(salt, self.request))

    @classmethod
    def decode(cls, body: bytes) -> Leaf:
        """Read a body; EvidenceError unless it is exactly what `encode` writes."""
        try:
            leaf = cls._of(json.loads(body))
            known = leaf.encode() == body
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise EvidenceError(_UNKNOWN, help=_NEWER) from error
        if not known:
            raise EvidenceError(_UNKNOWN, help=_NEWER)
        return leaf

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> Leaf:
        leaf = cls(
            kind=raw["kind"],
            request=UUID(raw["request"]),
            at=datetime.fromisoformat(raw["at"]),
            facts=raw["facts"],
            subject=tuple(raw["subject"]),
            salted=raw["salted"],
        )
        digests = [*leaf.subject, *([] if leaf.salted is None else [leaf.salted])]
        if not all(_HEX.fullmatch(one) for one in digests):
            raise EvidenceError(_UNKNOWN, help=_NEWER)
        return leaf
