"""A receipt: one JSON file with which a person proves, offline, what was done for them.

It holds the leaf, its inclusion proof (RFC 9162), the signed checkpoint that
covers it, and the salt of the commitments. It does not hold who the person is:
they name themselves when they verify it. Reading is strict to the byte, so
that no altered receipt passes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

from upheld.errors import EvidenceError
from upheld.evidence import tree
from upheld.evidence.leaf import Identifier, Leaf, commitment, salt_mark
from upheld.evidence.note import (
    Checkpoint,
    Verifier,
    decode_base64,
    encode_base64,
    open_checkpoint,
)

FORMAT = "upheld.receipt/1"
_AGAIN = "ask the service to issue the receipt again; it will be the same, byte for byte"
# 62 levels cover any bigint; checked before hashing, so that a huge file costs nothing.
_LONGEST_PATH = 62


@dataclass(frozen=True, slots=True)
class Receipt:
    """The parts of a receipt, not yet verified."""

    leaf: bytes
    """The body that was logged."""
    index: int
    """Its position, from 0."""
    size: int
    """How many leaves the checkpoint covers."""
    path: tuple[bytes, ...]
    """The inclusion proof, from the leaf's sibling upwards."""
    checkpoint: bytes
    """The signed note."""
    salt: bytes = field(repr=False)
    log: str
    """The log's public key, for information: a verifier must have it from elsewhere."""

    def encode(self) -> bytes:
        """Write the one form of this receipt: a line per field, in this order."""
        fields = {
            "format": FORMAT,
            "leaf": self.leaf.decode(),
            "index": self.index,
            "size": self.size,
            "path": [encode_base64(one) for one in self.path],
            "checkpoint": self.checkpoint.decode(),
            "salt": encode_base64(self.salt),
            "log": self.log,
        }
        lines = (
            f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in fields.items()
        )
        return ("{\n  " + ",\n  ".join(lines) + "\n}\n").encode()

    @classmethod
    def decode(cls, data: bytes) -> Receipt:
        """Read a receipt; EvidenceError unless it is exactly what `encode` writes."""
        try:
            raw = json.loads(data.decode())
        except (ValueError, RecursionError) as error:
            raise EvidenceError(
                "the receipt is not JSON", help=f"it may be cut short; {_AGAIN}"
            ) from error
        try:
            if raw["format"] != FORMAT:
                raise EvidenceError(
                    "the receipt is of a format that this version does not know",
                    help=f"this version reads `{FORMAT}`",
                )
            receipt = cls(
                leaf=raw["leaf"].encode(),
                index=_whole(raw["index"]),
                size=_whole(raw["size"]),
                path=tuple(decode_base64(one) for one in raw["path"]),
                checkpoint=raw["checkpoint"].encode(),
                salt=decode_base64(raw["salt"]),
                log=raw["log"],
            )
            same = receipt.encode() == data
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise EvidenceError(
                "the receipt lacks a field, or one is malformed", help=_AGAIN
            ) from error
        if not same:
            raise EvidenceError(
                "the receipt is not written as it was issued",
                help=f"it was edited or reformatted; {_AGAIN}",
            )
        return receipt


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """A receipt that verified: what it says, and what was checked to say so."""

    leaf: Leaf
    index: int
    checkpoint: Checkpoint
    checks: Mapping[str, str]
    """By name, in plain words: `signature`, `inclusion`, `salt` and, if asked for, `person`."""

    @property
    def person(self) -> bool:
        """Tell whether it was proved whose receipt this is."""
        return "person" in self.checks


def verify_receipt(
    data: bytes, vkey: str, identifier: Identifier | str | None = None
) -> ReceiptReport:
    """Verify a receipt with the log's public key alone; needs no network and no database.

    `identifier` is the person's own: a plain string is an e-mail address. With
    it, the receipt is proved to be theirs. EvidenceError says which check
    failed; a report means that all of `checks` passed.
    """
    verifier = Verifier.parse(vkey)
    receipt = Receipt.decode(data)
    if receipt.log != str(verifier):
        raise EvidenceError(
            "the receipt is of another log than this public key",
            help="take the public key of the service that issued it",
        )
    checkpoint = open_checkpoint(receipt.checkpoint, verifier)
    checks = {"signature": f"the checkpoint is signed by {verifier.name}"}
    if receipt.size != checkpoint.size:
        raise EvidenceError(
            "the receipt gives another tree size than its checkpoint",
            help=f"it was altered; {_AGAIN}",
        )
    if len(receipt.path) > _LONGEST_PATH or not tree.included(
        tree.leaf_hash(receipt.leaf),
        receipt.index,
        receipt.size,
        receipt.path,
        checkpoint.root,
    ):
        raise EvidenceError(
            "the leaf is not in the signed log: the leaf or its proof was altered", help=_AGAIN
        )
    checks["inclusion"] = f"the leaf is number {receipt.index} of {receipt.size} in the signed log"
    leaf = Leaf.decode(receipt.leaf)
    check_salt(leaf, receipt.salt)
    checks["salt"] = "the salt is the one that the leaf was written with"
    if identifier is not None:
        person = Identifier("email", identifier) if isinstance(identifier, str) else identifier
        _check_person(leaf, receipt.salt, person)
        checks["person"] = f"the leaf is about the person of this {person.kind}"
    return ReceiptReport(leaf, receipt.index, checkpoint, checks)


def check_salt(leaf: Leaf, salt: bytes) -> None:
    """Raise EvidenceError unless the leaf was written with this salt."""
    if leaf.salted is None:
        raise EvidenceError(
            "the leaf is about nobody in particular", help="receipts are for leaves about a person"
        )
    if not compare_digest(leaf.salted, salt_mark(salt, leaf.request)):
        raise EvidenceError(
            "the salt is not the one that the leaf was written with",
            help=f"it was altered, or `receipt.key` is wrong; {_AGAIN}",
        )


def _check_person(leaf: Leaf, salt: bytes, person: Identifier) -> None:
    mine = commitment(salt, person)
    if not any(compare_digest(mine, one) for one in leaf.subject):
        raise EvidenceError(
            f"the receipt is not for this {person.kind}",
            help="give the identifier that the request was made with",
        )
