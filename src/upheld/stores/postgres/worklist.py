"""The durable worklist of an erasure, and its execution.

`plan` decides everything in one transaction and commits it as work tables in
our schema; from then on `execute` needs nothing but them, so that it can be
killed at any moment and started again: each chunk's effect commits together
with its mark. Parents may be gone by then; nothing is looked up again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from upheld.datamap.live import LiveSchema
from upheld.datamap.model import Column
from upheld.footprint.joins import table_name
from upheld.footprint.keys import row_key
from upheld.footprint.links import delete_order
from upheld.stores.postgres.changes import Changes
from upheld.stores.postgres.closure import Closure
from upheld.stores.postgres.footprint import SCHEMA, Footprint, Workspace, period

CHUNK_ROWS = 100_000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Update:
    """One statement over one work table of new values."""

    table: str
    work: str
    columns: tuple[str, ...]
    rule: str
    rows: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """Rows of one table that go; those of one foreign-key circle share a step."""

    table: str
    work: str
    last: int
    rows: int


@dataclass(frozen=True, slots=True)
class ObjectsGone:
    """Keys of one object store that go."""

    store: str
    work: str
    rows: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does in one database."""

    run: str
    updates: tuple[Update, ...]
    deletions: tuple[tuple[Deletion, ...], ...]
    objects: tuple[ObjectsGone, ...]
    members: tuple[tuple[str, str], ...]

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is left to do."""
        return not (self.updates or self.deletions or self.objects)

    @property
    def rows(self) -> int:
        """Give how many rows change or go."""
        return sum(u.rows for u in self.updates) + sum(d.rows for g in self.deletions for d in g)

    def as_json(self) -> str:
        """Write the plan for the run's record."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(said: dict[str, Any]) -> Plan:
        """Read it back."""
        return Plan(
            run=said["run"],
            updates=tuple(Update(**{**u, "columns": tuple(u["columns"])}) for u in said["updates"]),
            deletions=tuple(tuple(Deletion(**d) for d in group) for group in said["deletions"]),
            objects=tuple(ObjectsGone(**o) for o in said["objects"]),
            members=tuple((table, work) for table, work in said["members"]),
        )


@dataclass(frozen=True, slots=True)
class Changed:
    """A change to a row that was not the leavers' own; `key` is JSON text."""

    table: str
    key: str
    column: str | None
    rule: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that stays on a legal basis; `until` is a date, `key` is JSON text."""

    n: int
    table: str
    key: str
    basis: str
    until: str


def ensure_work_schema(conn: psycopg.Connection[Any]) -> None:
    """Create our schema in a governed database where it is missing."""
    row = conn.execute("SELECT to_regclass('upheld_work.changed') IS NOT NULL").fetchone()
    if row and row[0]:
        return
    text = resources.files("upheld.stores.postgres").joinpath("sql/work_schema.sql").read_bytes()
    conn.execute("SELECT pg_advisory_xact_lock(hashtext('upheld_work'))")
    conn.execute(text)


class Planner:
    """Turns a resolved batch into a plan, in the caller's transaction."""

    def __init__(self, footprint: Footprint) -> None:
        self.footprint = footprint
        self.conn = footprint.conn
        self.workspace: Workspace = footprint.workspace

    def plan(self, today: date, *, is_first: bool = True) -> Plan:
        """Compute footprint, fates and changes; raise PlanError where that cannot be done."""
        footprint = self.footprint
        footprint.compute()
        footprint.decide(today)
        closure = Closure(footprint)
        closure.follow()
        changes = Changes(footprint, closure, is_first=is_first).build()
        going = {
            table: (footprint.rows[table], rows)
            for (table, fate), rows in footprint.fates().items()
            if fate == "g"
        }
        objects = tuple(self._objects(going))
        self._drop_empty()
        return Plan(
            run=self.workspace.run or "",
            updates=tuple(Update(c.table, c.label, c.columns, c.rule, c.rows) for c in changes),
            deletions=tuple(
                tuple(Deletion(t, f"m{footprint.index[t]}", *going[t]) for t in group)
                for group in delete_order(footprint.live, frozenset(going))
            ),
            objects=objects,
            members=tuple(
                (t, f"m{footprint.index[t]}") for t, rows in sorted(footprint.rows.items()) if rows
            ),
        )

    def _drop_empty(self) -> None:
        footprint = self.footprint
        empty = [footprint.work(t) for t in sorted(footprint.created) if not footprint.rows[t]]
        if empty:
            self.conn.execute(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(empty)))

    def save(self, plan: Plan, sealed: bytes) -> None:
        """Record the plan and what it changes for others, to be committed by the caller."""
        self.conn.execute(
            "INSERT INTO upheld_work.run (run, plan, sealed) VALUES (%s, %s, %s)",
            (plan.run, plan.as_json(), sealed),
        )
        for update in plan.updates:
            key = row_key(self.footprint.live.tables[update.table])
            self.conn.execute(
                sql.SQL(
                    "INSERT INTO upheld_work.changed SELECT {run}, {table}, {key}, c, {rule} "
                    "FROM {work} w, unnest({columns}::text[]) AS c WHERE NOT own"
                ).format(
                    run=sql.Literal(plan.run),
                    table=sql.Literal(update.table),
                    key=key.shown("w"),
                    columns=sql.Literal(list(update.columns)),
                    rule=sql.Literal(update.rule),
                    work=self.workspace.name(update.work),
                )
            )
        for group in plan.deletions:
            for one in (d for d in group if d.table in self.footprint.forced):
                key = row_key(self.footprint.live.tables[one.table])
                self.conn.execute(
                    sql.SQL(
                        "INSERT INTO upheld_work.changed SELECT {run}, {table}, {shown}, NULL, "
                        "'go' FROM (SELECT {key} FROM {work} WHERE fate = 'g' GROUP BY {key} "
                        "HAVING bool_and(other)) w"
                    ).format(
                        run=sql.Literal(plan.run),
                        table=sql.Literal(one.table),
                        shown=key.shown("w"),
                        key=key.list(),
                        work=self.workspace.name(one.work),
                    )
                )

    def kept(self) -> Iterator[Kept]:
        """Give the rows that stay on a legal basis."""
        for table in self.footprint.tables:
            keep = self.footprint.datamap.tables[table].erase.keep
            if keep is None or not self.footprint.rows[table]:
                continue
            live = self.footprint.live.tables[table]
            until = keep.until
            when = (
                sql.SQL("({} + {}::interval)::date").format(
                    sql.Identifier("t0", until.column), sql.Literal(period(until))
                )
                if until.column
                else sql.Literal(until.date)
            )
            key = row_key(live)
            query = sql.SQL(
                "SELECT DISTINCT w.n, {shown}, ({when})::text FROM {work} w, {table} AS t0 "
                "WHERE w.fate = 'k' AND w.n IS NOT NULL AND {match} ORDER BY 1, 2"
            ).format(
                shown=key.shown("w"),
                when=when,
                work=self.footprint.work(table),
                table=table_name(live),
                match=key.match("t0", "w"),
            )
            for n, shown, day in self.conn.execute(query):
                yield Kept(n, table, shown, keep.basis, day)

    # -- objects -----------------------------------------------------------

    def _objects(self, going: dict[str, tuple[int, int]]) -> Iterator[ObjectsGone]:
        """Collect the keys that rows which go point to, and no row that stays does."""
        said = self.footprint.datamap
        for number, store in enumerate(said.objects):
            columns = [
                (table, name, column)
                for table, t in said.tables.items()
                for name, column in t.columns.items()
                if column.object == store
            ]
            gone = [c for c in columns if c[0] in going]
            if not gone:
                continue
            label = f"o{number}"
            work = self.workspace.name(label)
            self.conn.execute(
                sql.SQL(
                    "{create} {work} (seq bigint GENERATED BY DEFAULT AS IDENTITY, "
                    "key text NOT NULL)"
                ).format(create=self.workspace.create, work=work)
            )
            keys = sql.SQL(" UNION ").join(self._object_keys(*c) for c in gone)
            self.conn.execute(sql.SQL("INSERT INTO {} (key) {}").format(work, keys))
            self.conn.execute(sql.SQL("ANALYZE {}").format(work))
            for table, name, column in columns:
                self.conn.execute(self._still_used(work, table, name, column))
            row = self.conn.execute(sql.SQL("SELECT count(*) FROM {}").format(work)).fetchone()
            if row and row[0]:
                yield ObjectsGone(store, label, row[0])

    def _object_keys(self, table: str, name: str, column: Column) -> sql.Composable:
        live = self.footprint.live.tables[table]
        stripped = _stripped(sql.Identifier("t0", name), column.strip)
        return sql.SQL(
            "SELECT {stripped} FROM {table} AS t0, {work} w WHERE w.fate = 'g' AND {match} "
            "AND {name} IS NOT NULL"
        ).format(
            stripped=stripped,
            table=table_name(live),
            work=self.footprint.work(table),
            match=row_key(live).match("t0", "w"),
            name=sql.Identifier("t0", name),
        )

    def _still_used(
        self, work: sql.Composable, table: str, name: str, column: Column
    ) -> sql.Composed:
        live = self.footprint.live.tables[table]
        stays: sql.Composable = sql.SQL("true")
        if self.footprint.rows.get(table):
            stays = sql.SQL("NOT EXISTS (SELECT 1 FROM {} w WHERE w.fate = 'g' AND {})").format(
                self.footprint.work(table), row_key(live).match("t0", "w")
            )
        return sql.SQL(
            "DELETE FROM {work} o USING {table} AS t0 WHERE {name} = {key} AND {stays}"
        ).format(
            work=work,
            table=table_name(live),
            name=sql.Identifier("t0", name),
            key=sql.SQL("{} || o.key").format(sql.Literal(column.strip)),
            stays=stays,
        )


def _stripped(name: sql.Composable, prefix: str) -> sql.Composable:
    if not prefix:
        return sql.SQL("({})::text").format(name)
    return sql.SQL("CASE WHEN starts_with({0}, {1}) THEN substr({0}, {2}) ELSE {0} END").format(
        name, sql.Literal(prefix), sql.Literal(len(prefix) + 1)
    )


class Execution:
    """Carries out a saved plan, chunk by chunk."""

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        live: LiveSchema,
        plan: Plan,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self.conn = conn
        self.live = live
        self.plan = plan
        self.workspace = Workspace(plan.run)
        self.chunk_rows = chunk_rows

    def run(self, progress: Progress) -> None:
        """Do every chunk that has no mark yet; each commits by itself."""
        done = {
            (step, chunk)
            for step, chunk in self.conn.execute(
                "SELECT step, chunk FROM upheld_work.mark WHERE run = %s", (self.plan.run,)
            )
        }
        self.conn.commit()
        total, so_far = self.plan.rows, 0
        for step, (what, last, rows, chunked) in enumerate(self._steps()):
            size = self.chunk_rows if chunked else max(last, 1)
            for chunk, after in enumerate(range(0, max(last, 1), size)):
                if (step, chunk) not in done:
                    self._one(step, chunk, self._statement(what, after, after + size))
            so_far += rows
            progress(self._named(what), so_far, total)

    def _steps(self) -> Iterator[tuple[Update | tuple[Deletion, ...], int, int, bool]]:
        for update in self.plan.updates:
            yield update, update.rows, update.rows, True
        for group in self.plan.deletions:
            # Rows of one table that point to each other, or of a circle, go in one statement:
            # PostgreSQL checks foreign keys at its end.
            alone = len(group) == 1 and not any(
                key.to == group[0].table for key in self.live.tables[group[0].table].fks
            )
            yield group, max(d.last for d in group), sum(d.rows for d in group), alone

    @staticmethod
    def _named(what: Update | tuple[Deletion, ...]) -> str:
        return what.table if isinstance(what, Update) else what[0].table

    def _one(self, step: int, chunk: int, statement: sql.Composed) -> None:
        with self.conn.transaction():
            row = self.conn.execute(statement).fetchone()
            self.conn.execute(
                "INSERT INTO upheld_work.mark (run, step, chunk, rows) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                (self.plan.run, step, chunk, row[0] if row else 0),
            )

    def _statement(self, what: Update | tuple[Deletion, ...], after: int, to: int) -> sql.Composed:
        if isinstance(what, Update):
            if self._moves_key(what):
                return self._update_and_follow(what, after, to)
            parts = [self._update(what, after, to)]
        else:
            parts = [self._delete(one, after, to) for one in what]
        names = [sql.Identifier(f"d{i}") for i in range(len(parts))]
        return sql.SQL("WITH {} SELECT {}").format(
            sql.SQL(", ").join(
                sql.SQL("{} AS ({} RETURNING 1)").format(name, part)
                for name, part in zip(names, parts, strict=True)
            ),
            sql.SQL(" + ").join(sql.SQL("(SELECT count(*) FROM {})").format(n) for n in names),
        )

    def _moves_key(self, what: Update) -> bool:
        """Say whether the change alters what names the row."""
        key = row_key(self.live.tables[what.table])
        known = any(table == what.table for table, _ in self.plan.members)
        return known and (key.is_digest or bool(set(key.columns) & set(what.columns)))

    def _update_and_follow(self, what: Update, after: int, to: int) -> sql.Composed:
        """Update, and write the rows' new names where their fates stand: a kept row stays known."""
        key = row_key(self.live.tables[what.table])
        member = dict(self.plan.members)[what.table]
        olds = [sql.Identifier(f"o{i + 1}") for i in range(len(key.names))]
        news = [sql.Identifier(f"n{i + 1}") for i in range(len(key.names))]
        names = [sql.Identifier(name) for name in key.names]
        returned = [
            *(sql.SQL("w.{} AS {}").format(n, old) for n, old in zip(names, olds, strict=True)),
            *(
                sql.SQL("{} AS {}").format(part, new)
                for part, new in zip(key.parts("t0"), news, strict=True)
            ),
        ]
        return sql.SQL(
            "WITH d AS ({update} RETURNING {returned}), m AS (UPDATE {member} x SET {sets} FROM d "
            "WHERE {same} RETURNING 1) SELECT count(*) FROM d"
        ).format(
            update=self._update(what, after, to),
            returned=sql.SQL(", ").join(returned),
            member=self.workspace.name(member),
            sets=sql.SQL(", ").join(
                sql.SQL("{} = d.{}").format(n, new) for n, new in zip(names, news, strict=True)
            ),
            same=sql.SQL(" AND ").join(
                sql.SQL("x.{} = d.{}").format(n, old) for n, old in zip(names, olds, strict=True)
            ),
        )

    def _update(self, what: Update, after: int, to: int) -> sql.Composable:
        live = self.live.tables[what.table]
        sets = sql.SQL(", ").join(
            sql.SQL("{} = w.{}").format(sql.Identifier(name), sql.Identifier(f"v{i + 1}"))
            for i, name in enumerate(what.columns)
        )
        unchanged = sql.SQL(" AND ").join(
            sql.SQL("md5(({})::text) IS NOT DISTINCT FROM w.{}").format(
                sql.Identifier("t0", name), sql.Identifier(f"g{i + 1}")
            )
            for i, name in enumerate(what.columns)
        )
        return sql.SQL(
            "UPDATE {table} AS t0 SET {sets} FROM {work} w WHERE w.seq > {after} AND w.seq <= {to} "
            "AND {match} AND {unchanged}"
        ).format(
            table=table_name(live),
            sets=sets,
            work=self.workspace.name(what.work),
            after=sql.Literal(after),
            to=sql.Literal(to),
            match=row_key(live).match("t0", "w"),
            unchanged=unchanged,
        )

    def _delete(self, what: Deletion, after: int, to: int) -> sql.Composable:
        live = self.live.tables[what.table]
        return sql.SQL(
            "DELETE FROM {table} AS t0 USING {work} w WHERE w.fate = 'g' AND w.seq > {after} "
            "AND w.seq <= {to} AND {match}"
        ).format(
            table=table_name(live),
            work=self.workspace.name(what.work),
            after=sql.Literal(after),
            to=sql.Literal(to),
            match=row_key(live).match("t0", "w"),
        )


def saved_run(conn: psycopg.Connection[Any], run: str) -> tuple[Plan, bytes] | None:
    """Give a run's plan and sealed identifiers, or None where it is not planned."""
    row = conn.execute("SELECT plan, sealed FROM upheld_work.run WHERE run = %s", (run,)).fetchone()
    return (Plan.from_json(row[0]), bytes(row[1])) if row else None


def changed_rows(conn: psycopg.Connection[Any], run: str) -> Iterator[Changed]:
    """Give every change to a row that was not the leavers' own."""
    for row in conn.execute(
        "SELECT DISTINCT table_name, key, column_name, rule FROM upheld_work.changed "
        "WHERE split_part(run, '_', 1) = %s ORDER BY 1, 2, 3 NULLS FIRST, 4",
        (run,),
    ):
        yield Changed(*row)


def destroy_run(conn: psycopg.Connection[Any], run: str) -> None:
    """Drop a run's work tables, plan, marks and report, in the caller's transaction.

    `run` names the batch; its rounds are `run`, `run_2`, …
    """
    tables = conn.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'upheld_work' AND c.relkind = 'r' AND starts_with(c.relname, %s)",
        (f"r{run}_",),
    ).fetchall()
    for (name,) in tables:
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(SCHEMA, name)))
    for table in ("run", "mark", "changed"):
        conn.execute(
            sql.SQL("DELETE FROM {} WHERE split_part(run, '_', 1) = %s").format(
                sql.Identifier(SCHEMA, table)
            ),
            (run,),
        )
