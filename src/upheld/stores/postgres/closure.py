"""Which further rows go because a row that they point to goes."""

from __future__ import annotations

from psycopg import sql

from upheld.errors import PlanError
from upheld.footprint.chains import can_share
from upheld.footprint.joins import (
    Joined,
    Value,
    column,
    condition,
    equal,
    join_steps,
    open_term,
    table_name,
)
from upheld.footprint.keys import row_key
from upheld.footprint.links import Edge, edges, is_implied
from upheld.stores.postgres.footprint import BY_REFERENCE, Footprint


class Closure:
    """The links of a footprint's schema, followed from the rows that go."""

    def __init__(self, footprint: Footprint) -> None:
        self.footprint = footprint
        self.conn = footprint.conn
        self.edges = edges(footprint.datamap, footprint.live)
        self.going: set[str] = set()
        self.implied = {
            index
            for index, edge in enumerate(self.edges)
            if edge.table in footprint.datamap.tables
            and is_implied(
                footprint.datamap,
                edge,
                shared=can_share(footprint.datamap, footprint.live, edge.table),
            )
        }

    def follow(self) -> None:
        """Add the rows that go by reference, until nothing is added."""
        footprint = self.footprint
        self.going = {table for (table, fate), rows in footprint.fates().items() if fate == "g"}
        edges = [(i, edge) for i, edge in enumerate(self.edges) if edge.when_gone == "go"]
        # A row added later has a higher number, so that each link looks at each row once.
        seen = dict.fromkeys((index for index, _ in edges), 0)
        added = True
        while added:
            added = False
            for index, edge in edges:
                top = footprint.rows.get(edge.to, 0)
                if edge.to in self.going and top > seen[index]:
                    added |= self._add(index, edge, seen[index]) > 0
                    seen[index] = top
        self._refuse_kept()

    def _add(self, index: int, edge: Edge, after: int) -> int:
        footprint = self.footprint
        key = row_key(footprint.live.tables[edge.table])
        select = sql.SQL("SELECT DISTINCT {}, NULL::int, 'g'::char(1) {} AND o.seq > {}").format(
            key.of("t0"), self.leftover(index, edge), sql.Literal(after)
        )
        added = footprint.add_rows(edge.table, BY_REFERENCE, select, other=True)
        if added:
            self.going.add(edge.table)
            footprint.forced.add(edge.table)
            self.conn.execute(
                sql.SQL(
                    "UPDATE {work} w SET fate = CASE w.fate WHEN 'k' THEN 'x' ELSE 'g' END, "
                    "other = w.fate IN ('s', 'm') FROM {work} x WHERE x.path = {path} AND "
                    "w.fate NOT IN ('g', 'x') AND {same}"
                ).format(
                    work=footprint.work(edge.table),
                    path=sql.Literal(BY_REFERENCE),
                    same=key.same("w", "x"),
                )
            )
        return added

    def _refuse_kept(self) -> None:
        """Stop where a kept row would have to go (marked x)."""
        for table in sorted(self.footprint.forced):
            said = self.footprint.datamap.tables.get(table)
            if said is None or said.erase.keep is None:
                continue
            row = self.conn.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE fate = 'x'").format(
                    self.footprint.work(table)
                )
            ).fetchone()
            if row and row[0]:
                message = (
                    f"{row[0]} rows of `{table}` are kept by the data map, but the rows "
                    "that they point to go and `when_gone: go` would take them along"
                )
                raise PlanError(
                    message,
                    help=f"say `when_gone: detach` for `{table}`, or keep "
                    "the rows that it points to as well",
                )

    def is_settled(self, index: int) -> bool:
        """Say whether no row can be left pointing to one that goes."""
        far = self.edges[index].to
        if far not in self.going:
            return True
        return index in self.implied and not self.footprint.reached(far, BY_REFERENCE)

    def leftover(self, index: int, edge: Edge) -> sql.Composable:
        """Give FROM and WHERE: rows `t0` that stay and point to a row `o` that goes."""
        joined = self.join_to_work(edge)
        table = self.footprint.live.tables[edge.table]
        stays: sql.Composable = sql.SQL("true")
        if self.footprint.rows.get(edge.table):
            stays = sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE x.fate = 'g' AND {})").format(
                self.footprint.work(edge.table), row_key(table).match("t0", "x")
            )
        only = sql.SQL(" AND o.n IS NULL") if index in self.implied else sql.SQL("")
        return sql.SQL(
            "FROM {table} AS t0{source}, {work} AS o WHERE {conditions} AND o.fate = 'g'{only} "
            "AND {stays}"
        ).format(
            table=table_name(table),
            source=joined.source,
            work=self.footprint.work(edge.to),
            conditions=joined.conditions,
            only=only,
            stays=stays,
        )

    def join_to_work(self, edge: Edge) -> Joined:
        """Join an edge from `t0` to the work row `o` of its far end."""
        live = self.footprint.live
        step = edge.step
        assert step.to is not None  # noqa: S101  an edge always has a far table
        key = row_key(live.tables[edge.to])
        if (
            step.to.term.columns == key.columns
            and step.to.term.columns
            and step.match == "exact"
            and step.to_where is None
        ):
            opened = open_term(live.tables[edge.table], "t0", step.start, "s0")
            far = live.tables[edge.to]
            pairs = [
                equal(left, Value(column("o", name), far.columns[theirs].base))
                for left, name, theirs in zip(opened.values, key.names, key.columns, strict=True)
            ]
            where = (*opened.filters, *condition("t0", step.where), *pairs)
            return Joined(opened.laterals, where, opened.values[0], "o")
        joined = join_steps(live, (edge.table, edge.to), (step,))
        where = (*joined.where, key.match(joined.end_alias, "o"))
        return Joined(joined.tables, where, joined.end, "o")
