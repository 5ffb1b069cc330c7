"""Paths of a data map composed to their ends: from a row all the way to people.

A path may end at a table whose rows have owners of their own. A chain is such
a path with those further paths joined on, until it ends either at a person
row or at an identifier value. Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from upheld.datamap.live import LiveSchema
from upheld.datamap.model import DataMap, Path, Step


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps from a table's row to an end.

    `tables` holds the table at hand before each step and, for an end at a
    person row, that person table last; `kind` is the identifier kind of the
    end (the person table's own kind, or that of the value).
    """

    tables: tuple[str, ...]
    steps: tuple[Step, ...]
    kind: str
    ends_in_person: bool

    @property
    def person_table(self) -> str:
        """Give the person table at the end."""
        return self.tables[-1]


def owner_chains(datamap: DataMap, table: str) -> tuple[Chain, ...]:
    """Give every chain from `table` to its owners, the row itself included."""
    return tuple(_chains(datamap, table))


def path_chains(datamap: DataMap, table: str, path: Path) -> tuple[Chain, ...]:
    """Give the chains of one path of `table`."""
    return tuple(_along(datamap, table, path))


def _chains(datamap: DataMap, table: str) -> Iterator[Chain]:
    said = datamap.tables[table]
    if said.person is not None:
        yield Chain((table,), (), said.person.kind, ends_in_person=True)
    for path in said.owner_paths:
        yield from _along(datamap, table, path)


def _along(datamap: DataMap, table: str, path: Path) -> Iterator[Chain]:
    tables = [table]
    for step in path.via[:-1]:
        assert step.to is not None  # noqa: S101  the loader lets only the last step end
        tables.append(step.to.table)
    last = path.via[-1]
    if last.to is None:
        assert last.identifier is not None  # noqa: S101  Step holds exactly one of the two
        yield Chain(tuple(tables), path.via, last.identifier, ends_in_person=False)
        return
    for rest in _chains(datamap, last.to.table):
        yield Chain(
            (*tables, *rest.tables), (*path.via, *rest.steps), rest.kind, rest.ends_in_person
        )


def can_share(datamap: DataMap, live: LiveSchema, table: str) -> bool:
    """Say whether a row of `table` may have more than one owner.

    It cannot where its only chain takes each step to at most one row and ends
    at a person. An end in an identifier may be shared by several people.
    """
    chains = owner_chains(datamap, table)
    if len(chains) != 1:
        return len(chains) > 1
    chain = chains[0]
    if not chain.ends_in_person:
        return True
    return any(is_fan_out(live, step) for step in chain.steps)


def is_fan_out(live: LiveSchema, step: Step) -> bool:
    """Say whether one row may reach several through `step`."""
    if step.start.is_many:
        return True
    if step.to is None:
        return False
    if step.to.term.is_many or not step.to.term.columns or step.match != "exact":
        return True
    far = live.tables[step.to.table]
    named = set(step.to.term.columns)
    return not any(named >= set(key) for key in (far.primary_key, *far.uniques) if key)


def order_by_paths(datamap: DataMap) -> tuple[str, ...]:
    """Give the tables so that each comes after those that its owner paths end at."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        for path in datamap.tables[name].owner_paths:
            last = path.via[-1]
            if last.to is not None:
                visit(last.to.table)
        done[name] = None

    for name in datamap.tables:
        visit(name)
    return tuple(done)
