"""The footprint: for a batch, exactly the rows that are theirs, per table.

Computed in the database as sets, after `Resolution`. One work table per mapped
table, `(seq, key…, n, path, fate)`: person n reaches the row through path
number `path` (-1: the row is an account of theirs). `fate` is what erasure
would do if nobody else owned the row; `decide` then settles it for the batch.
`other` says that the row goes although it is not, or not only, the leavers'.

fates: g goes · a anonymised · k kept · s stays, others own it too · m only mentioned
x kept, but would have to go: the plan stops
p no row any more: one of an earlier round, to which something may still point
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from upheld.datamap.live import LiveSchema, LiveTable
from upheld.datamap.model import DataMap, Path, Term, Until
from upheld.footprint.chains import (
    Chain,
    can_share,
    is_fan_out,
    order_by_paths,
    owner_chains,
)
from upheld.footprint.joins import (
    Joined,
    Opened,
    Value,
    column,
    condition,
    equal,
    join_chain,
    join_steps,
    open_term,
    table_name,
)
from upheld.footprint.keys import RowKey, row_key
from upheld.footprint.server import server_text
from upheld.stores.postgres.resolution import Resolution, person_table

SCHEMA = "upheld_work"
PERSON_PATH = -1
BY_REFERENCE = -2
GONE = -3


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where work tables live: in the session, or in our schema under a run's name."""

    run: str | None = None

    def name(self, label: str) -> sql.Composable:
        """Give the qualified name of a work table."""
        if self.run is None:
            return sql.Identifier("pg_temp", f"uf_{label}")
        return sql.Identifier(SCHEMA, f"r{self.run}_{label}")

    @property
    def create(self) -> sql.SQL:
        """Give the words that create a table here."""
        return sql.SQL("CREATE TEMP TABLE") if self.run is None else sql.SQL("CREATE TABLE")


class Footprint:
    """Membership of a resolved batch, table by table."""

    def __init__(self, resolution: Resolution, workspace: Workspace) -> None:
        self.resolution = resolution
        self.conn: psycopg.Connection[Any] = resolution.conn
        self.datamap: DataMap = resolution.datamap
        self.live: LiveSchema = resolution.live
        self.workspace = workspace
        self.order = order_by_paths(self.datamap)
        self.tables = tuple(name for name in self.order if self.reaches(name))
        self.rows: dict[str, int] = {}
        self.by_path: dict[tuple[str, int], int] = {}
        self.forced: set[str] = set()
        self.created: set[str] = set()
        self.gone: dict[str, sql.Composable] = {}
        self.index = {name: at for at, name in enumerate(self.datamap.tables)}

    def reaches(self, table: str) -> bool:
        """Say whether any row of `table` can be reached from a person."""
        said = self.datamap.tables[table]
        return said.person is not None or bool(said.paths)

    def work(self, table: str) -> sql.Composable:
        """Give the work table of `table`."""
        return self.workspace.name(f"m{self.index[table]}")

    def key(self, table: str) -> RowKey:
        """Give the key of `table`."""
        return row_key(self.live.tables[table])

    def compute(self) -> None:
        """Fill every work table, top down over the map's paths.

        Owners first: mentions may lead in a circle. Where nobody was found, nothing
        that leads there is asked, so that one person costs few statements.
        """
        self.rows.update(dict.fromkeys(self.tables, 0))
        for table in self.tables:
            self._add_person_rows(table)
            self._add_gone(table)
            self._add_paths(table, owner=True)
            self._analyse(table)
        for table in self.tables:
            if self._add_paths(table, owner=False):
                self._analyse(table)

    def remember(self, earlier: Workspace, members: Mapping[str, str]) -> None:
        """Add rows that an earlier round removed, where no foreign key guards links to them."""
        self.gone = {
            table: earlier.name(work)
            for table, work in members.items()
            if table in _open_ends(self.datamap, self.live) and not self.key(table).is_digest
        }

    def _add_gone(self, table: str) -> None:
        if table not in self.gone:
            return
        select = sql.SQL(
            "SELECT DISTINCT {key}, w.n, 'p'::char(1) FROM {gone} w WHERE w.fate = 'g' AND "
            "w.n IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} AS t0 WHERE {match})"
        ).format(
            key=self.key(table).list("w"),
            gone=self.gone[table],
            table=self.name(table),
            match=self.key(table).match("t0", "w"),
        )
        self.add_rows(table, GONE, select, other=False)

    def _add_paths(self, table: str, *, owner: bool) -> int:
        added = 0
        for number, path in enumerate(self.datamap.tables[table].paths):
            last = path.via[-1]
            if path.is_owner == owner and (last.to is None or self.rows.get(last.to.table)):
                added += self._add_path(table, number, path)
        return added

    def _analyse(self, table: str) -> None:
        if self.rows[table]:
            self.conn.execute(sql.SQL("ANALYZE {}").format(self.work(table)))

    def create_work(self, *tables: str) -> None:
        """Create empty work tables, in one round trip."""
        self.created.update(tables)
        self.conn.execute(
            sql.SQL("; ").join(
                sql.SQL(
                    "{create} {work} (seq bigint NOT NULL, {key}, n int, path smallint NOT NULL, "
                    "fate char(1) NOT NULL, other bool NOT NULL)"
                ).format(
                    create=self.workspace.create,
                    work=self.work(table),
                    key=self.key(table).definition(),
                )
                for table in tables
            )
        )

    def add_rows(self, table: str, path: int, select: sql.Composable, *, other: bool) -> int:
        """Add work rows from `select` (key, n, fate), numbered on; give how many."""
        if table not in self.created:
            self.create_work(table)
        self.rows.setdefault(table, 0)
        added = self.conn.execute(
            sql.SQL(
                "INSERT INTO {work} (seq, {key}, n, fate, path, other) SELECT row_number() OVER () "
                "+ {last}, x.*, {path}, {other} FROM ({select}) x"
            ).format(
                work=self.work(table),
                key=self.key(table).list(),
                last=sql.Literal(self.rows[table]),
                path=sql.Literal(path),
                other=sql.Literal(other),
                select=select,
            )
        ).rowcount
        self.rows[table] += added
        self.by_path[table, path] = self.by_path.get((table, path), 0) + added
        return added

    def reached(self, table: str, path: int) -> int:
        """Give how many work rows path number `path` led to."""
        return self.by_path.get((table, path), 0)

    def fates(self) -> dict[tuple[str, str], int]:
        """Give (table, fate) -> work rows, in one query."""
        filled = [table for table, rows in self.rows.items() if rows]
        if not filled:
            return {}
        query = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, fate, count(*) FROM ({}) x GROUP BY fate").format(
                sql.Literal(table), self._once(table)
            )
            for table in filled
        )
        return {(table, fate): rows for table, fate, rows in self.conn.execute(query)}

    def counts(self) -> Iterator[tuple[int, str, int]]:
        """Give (n, table, rows) for each person and table with a row of theirs."""
        for table in (table for table in self.tables if self.rows[table]):
            query = sql.SQL(
                "SELECT n, count(*) FROM (SELECT DISTINCT n, {} FROM {} WHERE n IS NOT NULL) x "
                "GROUP BY n ORDER BY n"
            ).format(self.key(table).list(), self.work(table))
            for n, rows in self.conn.execute(query):
                yield n, table, rows

    # -- membership --------------------------------------------------------

    def first_fate(self, table: str, *, owner: bool) -> str:
        """Give the fate of a row whose people have all left."""
        if not owner:
            return "m"
        erase = self.datamap.tables[table].erase
        return "k" if erase.keep else "a" if erase.anonymise else "g"

    def _once(self, table: str) -> sql.Composable:
        """Select the fate of each row of a table once, however many people and paths lead to it."""
        said = self.datamap.tables[table]
        ways = sum(1 for at, rows in self.by_path.items() if at[0] == table and rows)
        if ways <= 1 and not (said.paths and can_share(self.datamap, self.live, table)):
            return sql.SQL("SELECT fate FROM {}").format(self.work(table))
        return sql.SQL("SELECT DISTINCT fate, {} FROM {}").format(
            self.key(table).list(), self.work(table)
        )

    def _add_person_rows(self, table: str) -> None:
        said = self.datamap.tables[table].person
        if said is None:
            return
        index = self.resolution.persons.index(table)
        joined = join_chain(
            self.live, Chain((table,), (), said.kind, ends_in_person=True), said.where
        )
        select = sql.SQL(
            "SELECT {of}, p.n, {fate}::char(1) FROM {person} p, {table} AS t0 WHERE p.key = {end} "
            "AND {conditions}"
        ).format(
            of=self.key(table).of("t0"),
            fate=sql.Literal(self.first_fate(table, owner=True)),
            person=sql.Identifier(person_table(index)),
            table=self.name(table),
            end=joined.end.expression,
            conditions=joined.conditions,
        )
        self.add_rows(table, PERSON_PATH, select, other=False)

    def _add_path(self, table: str, number: int, path: Path) -> int:
        joined, member = self.join_path(table, path)
        select = sql.SQL(
            "SELECT {distinct}{of}, o.n, {fate}::char(1) FROM {table} AS t0{source}, "
            "{member} AS o WHERE {conditions}"
        ).format(
            distinct=sql.SQL("" if self._reaches_once(table, path) else "DISTINCT "),
            of=self.key(table).of("t0"),
            fate=sql.Literal(self.first_fate(table, owner=path.is_owner)),
            table=self.name(table),
            source=joined.source,
            member=member,
            conditions=joined.conditions,
        )
        return self.add_rows(table, number, select, other=False)

    def join_path(self, table: str, path: Path) -> tuple[Joined, sql.Composable]:
        """Join a path from `t0` to its members, the rows `o` with the person's number."""
        tables = [table, *(step.to.table for step in path.via if step.to is not None)]
        last = path.via[-1]
        if last.to is None:
            joined = join_steps(self.live, tables, path.via)
            meets = self.resolution.meets(joined.end, str(last.identifier), "o")
            kind = sql.SQL("o.kind = {}").format(sql.Literal(last.identifier))
            return (
                Joined(joined.tables, (*joined.where, kind, meets), joined.end, "o"),
                sql.Identifier("uf_ident"),
            )
        far, key = last.to.table, self.key(last.to.table)
        member = self.work(far)
        owned = sql.SQL("o.fate <> 'm' AND o.n IS NOT NULL")
        if (
            last.to.term.columns
            and last.to.term.columns == key.columns
            and last.to_where is None
            and last.match == "exact"
        ):
            return self._join_to_key(tables, path, owned), member
        joined = join_steps(self.live, tables, path.via)
        where = (*joined.where, key.match(joined.end_alias, "o"), owned)
        return Joined(joined.tables, where, joined.end, "o"), member

    def _join_to_key(self, tables: Sequence[str], path: Path, owned: sql.Composable) -> Joined:
        """Join the last step straight to the member's key: the row between adds nothing."""
        last, far = path.via[-1], tables[-1]
        joined = join_steps(self.live, tables, path.via[:-1])
        alias, here = joined.end_alias, self.live.tables[tables[-2]]
        opened = open_term(here, alias, last.start, f"s{len(path.via) - 1}")
        key, columns = self.key(far), self.live.tables[far].columns
        pairs = [
            equal(mine, Value(column("o", name), columns[theirs].base))
            for mine, name, theirs in zip(opened.values, key.names, key.columns, strict=True)
        ]
        where = (
            *joined.where,
            *opened.filters,
            *condition(alias, last.where),
            *pairs,
            *self._indexable(alias, opened, last.start, here, key),
            owned,
        )
        return Joined((*joined.tables, *opened.laterals), where, opened.values[0], "o")

    @staticmethod
    def _indexable(
        alias: str, opened: Opened, term: Term, here: LiveTable, key: RowKey
    ) -> tuple[sql.Composable, ...]:
        """Say again of an array that it holds the key, in the words that a GIN index serves."""
        if term.array is None or here.columns[term.array].base != f"_{opened.values[0].base}":
            return ()
        kind = server_text(here.columns[term.array].type)
        member = sql.Identifier("o", key.names[0])
        return (sql.SQL("{} @> ARRAY[{}]::{}").format(column(alias, term.array), member, kind),)

    def _reaches_once(self, table: str, path: Path) -> bool:
        """Say whether a row can meet a person only once through `path`."""
        last = path.via[-1]
        if self.key(table).is_digest or any(is_fan_out(self.live, step) for step in path.via):
            return False
        if last.to is None:
            return not last.start.is_many
        far = self.datamap.tables[last.to.table]
        ways = len(far.owner_paths) + (far.person is not None)
        return ways == 1 and (
            far.person is not None or self._reaches_once(last.to.table, far.owner_paths[0])
        )

    def name(self, table: str) -> sql.Composable:
        """Give the table's own name."""
        return table_name(self.live.tables[table])

    def live_table(self, table: str) -> LiveTable:
        """Give what the live schema says of `table`."""
        return self.live.tables[table]

    # -- fate --------------------------------------------------------------

    def decide(self, today: date) -> None:
        """Settle each row's fate for the whole batch, ownership alone considered."""
        for table in self.tables:
            if not self.rows[table]:
                continue
            said = self.datamap.tables[table]
            if said.erase.keep is not None:
                self._expire_kept(table, said.erase.keep.until, today)
            if can_share(self.datamap, self.live, table):
                self._stay_with_others(table)
            for number, path in enumerate(said.paths):
                if path.when_gone == "go" and self.reached(table, number):
                    self._force_going(table, number)
            if any(not p.is_owner and self.reached(table, n) for n, p in enumerate(said.paths)):
                self._agree(table)

    def _expire_kept(self, table: str, until: Until, today: date) -> None:
        if until.column is None:
            expired: sql.Composable = sql.Literal(bool(until.date and until.date < today))
        else:
            expired = sql.SQL("(({} + {}::interval)::date < {}) IS NOT FALSE").format(
                sql.Identifier("t0", until.column), sql.Literal(period(until)), sql.Literal(today)
            )
        self.conn.execute(
            sql.SQL(
                "UPDATE {work} w SET fate = 'g' FROM {table} AS t0 WHERE w.fate = 'k' AND {match} "
                "AND {expired}"
            ).format(
                work=self.work(table),
                table=self.name(table),
                match=self.key(table).match("t0", "w"),
                expired=expired,
            )
        )

    def _stay_with_others(self, table: str) -> None:
        key = self.key(table)
        for chain in owner_chains(self.datamap, table):
            self.conn.execute(
                sql.SQL(
                    "UPDATE {work} w SET fate = 's' FROM ({others}) x WHERE "
                    "w.fate IN ('g','a','k') AND {same}"
                ).format(
                    work=self.work(table),
                    others=self.remaining(table, chain),
                    same=key.same("w", "x"),
                )
            )

    def remaining(
        self,
        table: str,
        chain: Chain,
        value: str | None = None,
        candidates: sql.Composable | None = None,
    ) -> sql.Composable:
        """Select the keys of rows that somebody outside the batch owns by `chain`.

        The rows are those in work, or `candidates`. With `value`, also the person
        row's key at the end, under that name.
        """
        said = self.datamap.tables[chain.person_table]
        scope = said.person.where if said.person and chain.ends_in_person else None
        joined = join_chain(self.live, chain, scope)
        key = self.key(table)
        if chain.ends_in_person:
            index = self.resolution.persons.index(chain.person_table)
            other = sql.SQL("NOT EXISTS (SELECT 1 FROM {} o WHERE o.key = {})").format(
                sql.Identifier(person_table(index)), joined.end.expression
            )
        else:
            other = sql.SQL(
                "{end} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM uf_ident o WHERE NOT o.outside "
                "AND o.kind = {kind} AND {meets})"
            ).format(
                end=joined.end.expression,
                kind=sql.Literal(chain.kind),
                meets=self.resolution.meets(joined.end, chain.kind, "o"),
            )
        shown = (
            sql.SQL(", {} AS {}").format(joined.end.expression, sql.Identifier(value))
            if value
            else sql.SQL("")
        )
        if candidates is None:
            candidates = sql.SQL("(SELECT DISTINCT {} FROM {})").format(
                key.list(), self.work(table)
            )
        return sql.SQL(
            "SELECT DISTINCT {key}{shown} FROM {candidates} c, {table} AS t0{source} "
            "WHERE {match} AND {conditions} AND {other}"
        ).format(
            key=key.list("c"),
            shown=shown,
            candidates=candidates,
            table=self.name(table),
            source=joined.source,
            match=key.match("t0", "c"),
            conditions=joined.conditions,
            other=other,
        )

    def _force_going(self, table: str, number: int) -> None:
        self.forced.add(table)
        self.conn.execute(
            sql.SQL(
                "UPDATE {work} w SET fate = CASE w.fate WHEN 'k' THEN 'x' ELSE 'g' END, "
                "other = w.fate IN ('s', 'm') FROM (SELECT DISTINCT {key} FROM {work} "
                "WHERE path = {path}) x WHERE w.fate NOT IN ('g', 'x') AND {same}"
            ).format(
                work=self.work(table),
                key=self.key(table).list(),
                path=sql.Literal(number),
                same=self.key(table).same("w", "x"),
            )
        )

    def _agree(self, table: str) -> None:
        """Give all work rows of one table row its one fate (a mention of a row that goes goes)."""
        self.conn.execute(
            sql.SQL(
                "UPDATE {work} w SET fate = x.fate FROM (SELECT {key}, min(fate) FILTER (WHERE "
                "fate IN ('g','a','k')) AS fate FROM {work} GROUP BY {key}) x "
                "WHERE w.fate = 'm' AND x.fate IS NOT NULL AND {same}"
            ).format(
                work=self.work(table),
                key=self.key(table).list(),
                same=self.key(table).same("w", "x"),
            )
        )


def _open_ends(datamap: DataMap, live: LiveSchema) -> frozenset[str]:
    """Give the tables that some path ends at without a foreign key to hold it."""
    found: set[str] = set()
    for name, table in datamap.tables.items():
        for path in table.paths:
            last = path.via[-1]
            here = path.via[-2].to.table if len(path.via) > 1 and path.via[-2].to else name
            if last.to is not None and not any(
                key.columns == last.start.columns and key.to == last.to.table
                for key in live.tables[here].fks
            ):
                found.add(last.to.table)
    return frozenset(found)


def period(until: Until) -> str:
    """Give the period of `until` as PostgreSQL reads it."""
    return f"{until.years} years {until.months} months {until.days} days"
