"""The Merkle tree of RFC 9162 section 2.1 (the same as RFC 6962), as pure functions.

A node is named by its coordinates `(level, index)`: it is the root of the
complete subtree over the leaves `index << level` up to, not including,
`(index + 1) << level`. Level 0 holds the leaf hashes. A complete node never
changes once it exists, so it can be stored; the incomplete right edge is
computed from at most one complete node a level.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Coordinates: TypeAlias = tuple[int, int]
"""`(level, index)` of a complete node."""

Plan: TypeAlias = tuple[tuple[Coordinates, ...], ...]
"""A proof before its hashes are read: per element, the complete nodes that fold into it."""

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(body: bytes) -> bytes:
    """Hash a leaf: SHA-256(0x00 || body), RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node: SHA-256(0x01 || left || right), RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def cover(start: int, end: int) -> tuple[Coordinates, ...]:
    """Name the complete nodes, largest first, over the leaves `start` up to `end`.

    `start` must be a multiple of the smallest power of two that is at least
    `end - start`, as the left end of every subtree of the RFC's tree is.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return tuple(nodes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """Join the hashes of a cover, largest first, into the root over all of it."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed to append: the tree's size and its O(log size) peaks, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Give the root of the tree of `size` leaves."""
        return fold(self.peaks)

    def extend(self, leaves: Iterable[bytes]) -> tuple[Frontier, list[tuple[int, int, bytes]]]:
        """Append leaf hashes; give the new frontier and every complete node that came to be.

        The nodes are `(level, index, hash)`, level 0 included, each child before its parent.
        """
        size, peaks = self.size, list(self.peaks)
        made: list[tuple[int, int, bytes]] = []
        for leaf in leaves:
            level, index, digest = 0, size, leaf
            made.append((level, index, digest))
            while index & 1:
                digest = node_hash(peaks.pop(), digest)
                level, index = level + 1, index >> 1
                made.append((level, index, digest))
            peaks.append(digest)
            size += 1
        return Frontier(size, tuple(peaks)), made


def plan_inclusion(index: int, size: int) -> Plan:
    """Name the nodes of the inclusion proof of leaf `index` in the tree of `size` leaves.

    RFC 9162 section 2.1.3.1. Raises ValueError when there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    plan = []
    for level in range((size - 1).bit_length()):
        sibling = (index >> level) ^ 1
        start = sibling << level
        if start < size:
            plan.append(cover(start, min(start + (1 << level), size)))
    return tuple(plan)


def plan_consistency(old: int, new: int) -> Plan:
    """Name the nodes of the proof that the tree of `new` leaves extends that of `old`.

    RFC 9162 section 2.1.4.1, for `0 < old <= new`; ValueError otherwise.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    start, end, whole = 0, new, True
    plan: list[tuple[Coordinates, ...]] = []
    while old != end:
        split = start + (1 << ((end - start - 1).bit_length() - 1))
        if old <= split:
            plan.append(cover(split, end))
            end = split
        else:
            plan.append(cover(start, split))
            start, whole = split, False
    if not whole:
        plan.append(cover(start, end))
    return tuple(reversed(plan))


def fill(plan: Plan, nodes: Mapping[Coordinates, bytes]) -> list[bytes]:
    """Turn a plan into the proof; KeyError names the coordinates of a missing node."""
    return [fold([nodes[at] for at in element]) for element in plan]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether `path` proves the leaf hash at `index` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, digest = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            digest = node_hash(sibling, digest)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and digest == root


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether `path` proves that the new tree extends the old (RFC 9162 section 2.1.4.2).

    Every tree extends the empty one, with an empty proof and `EMPTY_ROOT`.
    """
    if old in (0, new):
        return not path and old_root == (EMPTY_ROOT if old == 0 else new_root)
    if not 0 < old < new or not path:
        return False
    if old & (old - 1) == 0:
        path = [old_root, *path]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_digest = new_digest = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_digest = node_hash(step, old_digest)
            new_digest = node_hash(step, new_digest)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new_digest = node_hash(new_digest, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old_digest == old_root and new_digest == new_root
