"""Every link that may point to a row that goes: declared ones and live foreign keys."""

from __future__ import annotations

from dataclasses import dataclass

from upheld.datamap.live import ForeignKey, LiveSchema
from upheld.datamap.model import DataMap, Link, Reference, Step, Term
from upheld.footprint.keys import row_key


@dataclass(frozen=True, slots=True)
class Edge:
    """A link from `table` along `step`, and its rule.

    `declared` is the word of the map (a reference, or a path's first step) that
    gives the rule; None where only the live schema knows of the link.
    """

    table: str
    step: Step
    declared: Link | None
    foreign_key: ForeignKey | None

    @property
    def to(self) -> str:
        """Give the table at the far end."""
        assert self.step.to is not None  # noqa: S101  an edge always has a far table
        return self.step.to.table

    @property
    def when_gone(self) -> str:
        """Give what becomes of the link."""
        return self.declared.when_gone if self.declared else "detach"


def edges(datamap: DataMap, live: LiveSchema) -> tuple[Edge, ...]:
    """Give the links of all live tables to mapped ones."""
    found: list[Edge] = []
    for name, table in live.tables.items():
        said = datamap.tables.get(name)
        declared = said.references if said else ()
        found.extend(Edge(name, one.step, one, _key_of(one, live, name)) for one in declared)
        for key in table.fks:
            if key.to not in datamap.tables or any(_names(one, key) for one in declared):
                continue
            step = Step.model_validate(
                {
                    "from": list(key.columns),
                    "to": {"table": key.to, "columns": list(key.to_columns)},
                }
            )
            path = next(
                (
                    p
                    for p in (said.paths if said else ())
                    if set(p.via[0].start.columns) == set(key.columns)
                    and p.via[0].to is not None
                    and p.via[0].to.table == key.to
                ),
                None,
            )
            found.append(Edge(name, step, path, key))
    return tuple(found)


def _names(reference: Reference, key: ForeignKey) -> bool:
    return set(reference.start.columns) == set(key.columns) and reference.to.table == key.to


def _key_of(reference: Reference, live: LiveSchema, table: str) -> ForeignKey | None:
    return next((key for key in live.tables[table].fks if _names(reference, key)), None)


def is_implied(datamap: DataMap, edge: Edge, *, shared: bool) -> bool:
    """Say whether a row whose far end goes with its owners must itself go with them.

    So it is where the link is the row's only path to its owners and the table
    deletes: then no row can be left behind, and there is nothing to look for.
    """
    said = datamap.tables.get(edge.table)
    if said is None or shared or not said.erase.deletes or len(said.paths) != 1:
        return False
    path = said.paths[0]
    return (
        said.person is None
        and path.is_owner
        and len(path.via) == 1
        and path.via[0].where is None
        and path.via[0].to_where is None
        and path.via[0].to is not None
        and path.via[0].to.table == edge.to
        and path.via[0].start == edge.step.start
    )


def has_local_term(live: LiveSchema, table: str, term: Term) -> bool:
    """Say whether a path that starts with `term` has something to detach.

    A path that starts with the row's own key goes in reverse: the row at the
    other end holds the link.
    """
    return not term.columns or set(term.columns) != set(row_key(live.tables[table]).columns)


def delete_order(live: LiveSchema, tables: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """Give `tables` children first; those in a foreign-key circle together, to go at once.

    Tarjan's algorithm: components come out in reverse topological order of
    child → parent, so they are turned round.
    """
    links = {
        name: sorted({key.to for key in live.tables[name].fks if key.to in tables})
        for name in sorted(tables)
    }
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for far in links[name]:
            if far not in index:
                visit(far)
                low[name] = min(low[name], low[far])
            elif far in stack:
                low[name] = min(low[name], index[far])
        if low[name] == index[name]:
            cut = stack.index(name)
            found.append(tuple(sorted(stack[cut:])))
            del stack[cut:]

    for name in links:
        if name not in index:
            visit(name)
    return tuple(reversed(found))
