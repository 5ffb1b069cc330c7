"""The tree against the recursive definitions of RFC 9162, written as they stand there."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upheld.evidence import tree

LEAVES = st.lists(st.binary(max_size=6), max_size=70)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def split(n: int) -> int:
    """Give the largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    n = len(leaves)
    if m == n:
        return [] if whole else [naive_root(leaves)]
    k = split(n)
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], whole=False), naive_root(leaves[:k])]


def grow(leaves: list[bytes]) -> tuple[tree.Frontier, dict[tree.Coordinates, bytes]]:
    """Build the tree of these bodies."""
    frontier, made = tree.Frontier().extend(map(tree.leaf_hash, leaves))
    return frontier, {(level, index): digest for level, index, digest in made}


@given(LEAVES, st.data())
def test_the_root_is_the_recursive_one_however_leaves_arrive(
    leaves: list[bytes], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(leaves)))
    first, made = tree.Frontier().extend(map(tree.leaf_hash, leaves[:cut]))
    frontier, more = first.extend(map(tree.leaf_hash, leaves[cut:]))
    assert first.root() == naive_root(leaves[:cut])
    assert frontier.root() == naive_root(leaves)
    assert frontier.size == len(leaves)
    assert len(frontier.peaks) == len(leaves).bit_count()
    for level, index, digest in made + more:
        assert digest == naive_root(leaves[index << level : (index + 1) << level])
    assert frontier.peaks == tuple(
        {(level, index): digest for level, index, digest in made + more}[at]
        for at in tree.cover(0, len(leaves))
    )


@given(LEAVES.filter(bool), st.data())
def test_inclusion_proofs_are_the_recursive_ones_and_verify(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    frontier, nodes = grow(leaves)
    path = tree.fill(tree.plan_inclusion(index, len(leaves)), nodes)
    assert path == naive_path(index, leaves)
    leaf, root = tree.leaf_hash(leaves[index]), frontier.root()
    assert tree.included(leaf, index, len(leaves), path, root)


@given(LEAVES.filter(bool), st.data())
def test_an_inclusion_proof_proves_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    bodies = [b"%d:" % i + leaf for i, leaf in enumerate(leaves)]
    size, index = len(bodies), data.draw(st.integers(0, len(bodies) - 1))
    frontier, nodes = grow(bodies)
    path = tree.fill(tree.plan_inclusion(index, size), nodes)
    leaf, root = tree.leaf_hash(bodies[index]), frontier.root()
    for other in range(-1, size + 2):
        assert tree.included(leaf, other, size, path, root) == (other == index)
    assert not tree.included(tree.leaf_hash(b"x"), index, size, path, root)
    assert not tree.included(leaf, index, size, [*path, root], root)
    assert not tree.included(leaf, index, size, path, tree.EMPTY_ROOT)
    if path:
        assert not tree.included(leaf, index, size, path[:-1], root)
        at = data.draw(st.integers(0, len(path) - 1))
        bad = [*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]]
        assert not tree.included(leaf, index, size, bad, root)


@given(LEAVES.filter(bool), st.data())
def test_consistency_proofs_are_the_recursive_ones_and_verify(
    leaves: list[bytes], data: st.DataObject
) -> None:
    new = len(leaves)
    old = data.draw(st.integers(1, new))
    frontier, nodes = grow(leaves)
    path = tree.fill(tree.plan_consistency(old, new), nodes)
    assert path == naive_subproof(old, leaves, whole=True)
    before = naive_root(leaves[:old])
    assert tree.consistent(old, before, new, frontier.root(), path)
    assert not tree.consistent(old, tree.leaf_hash(b"x"), new, frontier.root(), path)
    assert not tree.consistent(old, before, new, tree.leaf_hash(b"x"), path)
    assert not tree.consistent(old, before, 4 * new, frontier.root(), path)
    assert not tree.consistent(old, before, new, frontier.root(), [*path, before])
    if path:
        assert not tree.consistent(old, before, new, frontier.root(), path[:-1])


@given(LEAVES.filter(lambda leaves: len(leaves) > 1), st.data())
def test_no_consistency_proof_hides_a_changed_leaf(
    leaves: list[bytes], data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, len(leaves) - 1))
    changed = data.draw(st.integers(0, old - 1))
    forged = [*leaves]
    forged[changed] += b"!"
    frontier, nodes = grow(forged)
    path = tree.fill(tree.plan_consistency(old, len(leaves)), nodes)
    before = naive_root(leaves[:old])
    assert not tree.consistent(old, before, len(leaves), frontier.root(), path)


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_plans_for_leaves_that_are_not_there_are_refused(one: int, two: int) -> None:
    if not 0 <= one < two:
        with pytest.raises(ValueError, match="no leaf"):
            tree.plan_inclusion(one, two)
    if not 0 < one <= two:
        with pytest.raises(ValueError, match="no consistency"):
            tree.plan_consistency(one, two)
