"""Verifies the whole log against its signed checkpoints, and names what was altered.

Each leaf is hashed again from its body and the tree is built anew. Where it
differs from the stored tree, the next signed root tells which of the two was
altered. What this cannot see is a log cut back to an older signed head: that
shows only to who holds a newer one, as each receipt does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from psycopg import Connection
from psycopg.rows import TupleRow

from upheld.errors import EvidenceError
from upheld.evidence import tree
from upheld.evidence._statements import require_idle, statement
from upheld.evidence.note import Checkpoint, Verifier, open_checkpoint

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how many leaves are verified, and of how many."""

Kind: TypeAlias = Literal["leaf", "missing", "root", "node", "checkpoint", "unsigned"]

_BATCH = 5_000
# Past these nothing new is learnt, and memory stays flat.
_MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    `leaf`: altered. `missing`: gone. `root`: one of the leaves `first` to `last`
    was altered together with the stored tree. `node`: the stored tree was
    altered, the leaves were not. `checkpoint`: a head is malformed, not signed
    by this key, or smaller than an earlier one. `unsigned`: numbered leaves
    that no head covers.
    """

    kind: Kind
    message: str
    first: int | None = None
    """Position of the first leaf concerned, from 0."""
    last: int | None = None


@dataclass(frozen=True, slots=True)
class LogReport:
    """What verifying the log found."""

    size: int
    """How many leaves are numbered."""
    waiting: int
    """How many are not numbered yet; nothing is proved about these."""
    checkpoints: int
    faults: tuple[Fault, ...]
    """The first hundred, in the order of the log."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.faults

    @property
    def first_leaf(self) -> int | None:
        """Give the position of the first leaf that was altered or removed."""
        kinds = ("leaf", "missing", "root")
        places = [one.first for one in self.faults if one.kind in kinds and one.first is not None]
        return min(places, default=None)


def verify_log(
    conn: Connection[TupleRow], verifier: Verifier, progress: Progress | None = None
) -> LogReport:
    """Verify every leaf, node and checkpoint in one snapshot; memory stays flat.

    The connection must be idle. What is wrong is reported, not raised.
    """
    require_idle(conn, "verifying the log")
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        size, waiting = conn.execute(statement("audit_counts")).fetchall()[0]
        audit = _Audit(conn, size, progress or _silent)
        checkpoints = 0
        for row in _checkpoints(conn):
            checkpoints += 1
            audit.take(row, verifier)
        audit.finish()
    return LogReport(size, waiting, checkpoints, tuple(audit.faults))


def _silent(done: int, total: int) -> None:
    """Show no progress."""


def _checkpoints(conn: Connection[TupleRow]) -> Iterator[TupleRow]:
    after = 0
    while True:
        values = {"after": after, "most": _BATCH}
        rows = conn.execute(statement("audit_checkpoints"), values).fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1][0]


@dataclass(slots=True)
class _Audit:
    """The tree built anew, beside the stored one.

    `built` grows from the bodies, `stored` from the stored leaf hashes; they
    are the same until a leaf differs. `differ` and `torn` hold what differs
    since the last root that decided: leaves, and nodes that are missing or do
    not join their children.
    """

    conn: Connection[TupleRow]
    total: int
    progress: Progress
    faults: list[Fault] = field(default_factory=list)
    built: tree.Frontier = field(default_factory=tree.Frontier)
    stored: tree.Frontier = field(default_factory=tree.Frontier)
    signed: int = 0
    lost: bool = False
    """A root matched neither tree: later ones cannot match and say nothing new."""
    differ: list[int] = field(default_factory=list)
    torn: list[tree.Coordinates] = field(default_factory=list)

    def report(self, kind: Kind, message: str, first: int, last: int | None = None) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(kind, message, first, first if last is None else last))

    def refuse(self, number: int, message: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault("checkpoint", f"checkpoint {number}: {message}"))

    def take(self, row: TupleRow, verifier: Verifier) -> None:
        """Verify one checkpoint, and the leaves up to it."""
        number, size, root, note = row
        try:
            head = open_checkpoint(note, verifier)
        except EvidenceError as error:
            self.refuse(number, error.message)
            return
        if (head.size, head.root) != (size, root):
            self.refuse(number, "its row differs from its signed note")
        if head.size <= self.signed:
            self.refuse(number, f"it covers {head.size} leaves, an earlier one {self.signed}")
        elif head.size <= self.total:
            self.advance(head.size)
            self.settle(head)
            self.signed = head.size
        else:
            first = max(self.total, self.signed)
            gone = f"leaves {first} to {head.size - 1} were signed and are gone"
            self.advance(self.total)
            self.report("missing", gone, first, head.size - 1)
            self.signed = head.size

    def finish(self) -> None:
        """Verify the leaves that no checkpoint covers."""
        self.advance(self.total)
        self.settle(None)
        if self.signed < self.total:
            message = f"no checkpoint covers leaves {self.signed} to {self.total - 1}"
            self.report("unsigned", message, self.signed, self.total - 1)

    def advance(self, stop: int) -> None:
        """Grow both trees up to `stop` leaves, and note where they differ."""
        while (start := self.built.size) < stop:
            values = {"start": start, "stop": min(start + _BATCH, stop)}
            leaves = {
                position: (body, digest)
                for position, body, digest in self.conn.execute(statement("audit_leaves"), values)
            }
            nodes = {
                (level, index): digest
                for level, index, digest in self.conn.execute(statement("audit_nodes"), values)
            }
            real, kept = [], []
            for position in range(start, values["stop"]):
                mine, theirs = self.compare(
                    position, leaves.get(position), nodes.get((0, position))
                )
                real.append(mine)
                kept.append(theirs)
            same = self.built == self.stored and real == kept
            self.stored, made = self.stored.extend(kept)
            self.built = self.stored if same else self.built.extend(real)[0]
            for level, index, digest in made:
                if level and nodes.get((level, index)) != digest:
                    self.tear((level, index))
            self.progress(self.built.size, self.total)

    def compare(
        self, position: int, leaf: tuple[bytes, bytes] | None, node: bytes | None
    ) -> tuple[bytes, bytes]:
        """Give the hash of one leaf by its body and by the stored tree, either for want of both."""
        if node is None:
            self.tear((0, position))
        if leaf is None:
            self.report("missing", f"leaf {position} is gone", position)
            self.lost = self.lost or node is None
            return node or tree.EMPTY_ROOT, node or tree.EMPTY_ROOT
        body, claimed = leaf
        digest = tree.leaf_hash(body)
        if node is not None and digest != node:
            if len(self.differ) < _MOST_FAULTS:
                self.differ.append(position)
        elif digest != claimed:
            self.report("leaf", f"the hash beside leaf {position} was altered", position)
        return digest, node or digest

    def tear(self, at: tree.Coordinates) -> None:
        if len(self.torn) < _MOST_FAULTS:
            self.torn.append(at)

    def settle(self, head: Checkpoint | None) -> None:
        """Let a signed root decide what was altered: the leaves, the stored tree, or both."""
        as_built = head is not None and self.built.root() == head.root
        as_stored = head is not None and self.stored.root() == head.root
        for position in self.differ:
            if as_built:
                message = f"the stored tree differs from leaf {position}, which is as it was signed"
                self.report("node", message, position)
            else:
                self.report("leaf", f"leaf {position} was altered", position)
        if as_built or as_stored or head is None:
            for level, index in self.torn:
                message = f"the stored tree is missing or wrong at level {level}, index {index}"
                self.report("node", message, index << level, ((index + 1) << level) - 1)
        elif not self.lost:
            self.lost = True
            if not self.differ:
                self.blame(head.size)
        if as_built:
            self.stored = self.built
        elif as_stored:
            self.built = self.stored
        self.differ.clear()
        self.torn.clear()

    def blame(self, size: int) -> None:
        """Report the stretch that holds an altered leaf: as short as the stored tree allows."""
        first, last = self.signed, size - 1
        if self.torn:
            level, index = self.torn[0]
            first = max(first, index << level)
            last = min(last, ((index + 1) << level) - 1)
        message = f"one of leaves {first} to {last} was altered, and the stored tree with it"
        self.report("root", message, first, last)
