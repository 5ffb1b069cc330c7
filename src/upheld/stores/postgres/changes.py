"""Changes to rows that stay: links detached or passed on, columns anonymised.

Each becomes a work table `(seq, key…, v1…, g1…, own)`: the new values, a digest
of the old ones (a row that somebody else changed in between is left for the
next round), and whether the row was the leavers' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from upheld.datamap.live import LiveTable
from upheld.datamap.model import Anonymise, Link, Path, Step, Term
from upheld.errors import PlanError
from upheld.footprint.chains import is_fan_out, owner_chains, path_chains
from upheld.footprint.joins import Opened, column, open_term, table_name
from upheld.footprint.keys import row_key
from upheld.footprint.links import Edge, has_local_term
from upheld.footprint.replacement import given, replacement
from upheld.footprint.server import server_text
from upheld.stores.postgres.closure import Closure
from upheld.stores.postgres.footprint import Footprint


@dataclass(frozen=True, slots=True)
class Change:
    """One work table of new values. `rule`: detach, pass or anonymise."""

    label: str
    table: str
    columns: tuple[str, ...]
    rule: str
    rows: int


@dataclass(frozen=True, slots=True)
class _Detached:
    """New values for the columns of a detached link, or why there are none."""

    columns: tuple[str, ...]
    values: tuple[sql.Composable, ...]
    problem: PlanError | None


class Changes:
    """Builds the work tables of all changes of a plan. Only a first round anonymises."""

    def __init__(self, footprint: Footprint, closure: Closure, *, is_first: bool) -> None:
        self.footprint = footprint
        self.closure = closure
        self.conn = footprint.conn
        self.is_first = is_first
        self.made: list[Change] = []
        self.empty: list[sql.Composable] = []
        # Those whose values the map gives: only these may point to a row that is not there.
        self.given: set[str] = set()

    def build(self) -> tuple[Change, ...]:
        """Create the work tables; raise PlanError where a value cannot be told."""
        for table in (t for t in self.footprint.tables if self.footprint.rows[t]):
            if self.is_first:
                self._anonymise_all(table)
            for number, path in enumerate(self.footprint.datamap.tables[table].paths):
                if path.when_gone != "go" and self.footprint.reached(table, number):
                    self._leave(table, number, path)
        for index, edge in enumerate(self.closure.edges):
            if edge.when_gone != "go" and not self.closure.is_settled(index):
                self._lose(index, edge)
        for change in self.made:
            self._check(change)
            if change.label in self.given:
                self._check_links(change)
        if self.empty:
            self.conn.execute(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(self.empty)))
        return tuple(self.made)

    # -- the three kinds ---------------------------------------------------

    def _anonymise_all(self, table: str) -> None:
        erase = self.footprint.datamap.tables[table].erase
        if erase.anonymise is not None:
            self._anonymise(table, erase.anonymise, "a")
        if erase.keep is not None and erase.keep.anonymise is not None:
            self._anonymise(table, erase.keep.anonymise, "k")

    def _anonymise(self, table: str, said: Anonymise, fate: str) -> None:
        live = self.footprint.live.tables[table]
        columns = tuple(name for name, _ in said.columns)
        values = tuple(
            replacement(live, name) if value == "auto" else given(live.columns[name], value)
            for name, value in said.columns
        )
        for name, value in said.columns:
            if value not in ("auto", None) and (name,) in (live.primary_key, *live.uniques):
                message = f"`{table}.{name}` is unique and cannot be `{value}` in every row"
                raise PlanError(message, help="write `auto` for a replacement that is unique")
        key = row_key(live)
        made = self._insert(
            table,
            columns,
            values,
            "anonymise",
            sql.SQL(
                "FROM {table} AS t0, (SELECT DISTINCT {key} FROM {work} WHERE fate = {fate}) w "
                "WHERE {match}"
            ).format(
                table=table_name(live),
                key=key.list(),
                work=self.footprint.work(table),
                fate=sql.Literal(fate),
                match=key.match("t0", "w"),
            ),
        )
        if made and any(value not in ("auto", None) for _, value in said.columns):
            self.given.add(self.made[-1].label)

    def _leave(self, table: str, number: int, path: Path) -> None:
        """Take a person out of a row that stays: by an owner path, or a mention."""
        live = self.footprint.live.tables[table]
        step = path.via[0]
        if not has_local_term(self.footprint.live, table, step.start):
            return
        # A link that also leads to somebody who remains is theirs as well, and stays. So does
        # one between rows that both stay anonymised: it tells of nobody any more.
        leaves = sql.SQL("w.fate IN ('m', 's', 'a')")
        alone = sql.SQL("NOT o.outside")
        if path.via[-1].to is not None:
            alone = sql.SQL("o.fate <> 's'")
            if path.is_owner:
                leaves = sql.SQL("(w.fate = 's' OR (w.fate = 'a' AND o.fate <> 'a'))")
        joined, member = self.footprint.join_path(table, path)
        source: sql.Composable = sql.SQL(
            "FROM {table} AS t0{source}, {member} AS o WHERE {conditions} AND {alone} AND "
            "EXISTS (SELECT 1 FROM {work} w WHERE w.path = {path} AND {leaves} AND {match})"
        ).format(
            table=table_name(live),
            source=joined.source,
            member=member,
            conditions=joined.conditions,
            alone=alone,
            work=self.footprint.work(table),
            path=sql.Literal(number),
            leaves=leaves,
            match=row_key(live).match("t0", "w"),
        )
        if len(path.via) > 1 or (step.start.columns and is_fan_out(self.footprint.live, step)):
            source = self._leads_only_to_leavers(table, path, source)
        self._loosen(table, step, path, source)

    def _leads_only_to_leavers(
        self, table: str, path: Path, source: sql.Composable
    ) -> sql.Composable:
        """Leave out rows that reach somebody who remains by the same path."""
        key = row_key(self.footprint.live.tables[table])
        for chain in path_chains(self.footprint.datamap, table, path):
            source = sql.SQL("{} AND NOT EXISTS (SELECT 1 FROM ({}) x WHERE {})").format(
                source, self.footprint.remaining(table, chain), key.match("t0", "x")
            )
        return source

    def _lose(self, index: int, edge: Edge) -> None:
        """Loosen links of rows that stay to rows that go."""
        source = self.closure.leftover(index, edge)
        link = edge.declared or Link()
        self._loosen(edge.table, edge.step, link, source)

    def _loosen(self, table: str, step: Step, link: Link, source: sql.Composable) -> None:
        live = self.footprint.live.tables[table]
        if not step.start.columns:
            self._loosen_many(table, step.start, source)
            return
        detached = _detach(live, step, link)
        source = self._not_yet(table, detached.columns, source)
        if link.when_gone == "pass":
            self._pass(table, step, source)
            source = self._not_yet(table, (step.start.columns[0],), source)
        made = self._insert(table, detached.columns, detached.values, "detach", source)
        if made and link.has_value:
            self.given.add(self.made[-1].label)
        if made and detached.problem is not None:
            raise detached.problem

    def _pass(self, table: str, step: Step, source: sql.Composable) -> None:
        """Set the column to the smallest key among the person rows that own the row and stay."""
        assert step.to is not None  # noqa: S101  the loader lets only a link to a person pass
        footprint, far = self.footprint, step.to.table
        live = footprint.live.tables[table]
        key = row_key(live)
        candidates = sql.SQL("(SELECT DISTINCT {} {})").format(
            sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(part, sql.Identifier(name))
                for part, name in zip(key.parts("t0"), key.names, strict=True)
            ),
            source,
        )
        chains = [
            chain
            for chain in owner_chains(footprint.datamap, table)
            if chain.ends_in_person and chain.person_table == far
        ]
        if not chains:
            return
        heirs = sql.SQL(" UNION ").join(
            footprint.remaining(table, chain, "heir", candidates) for chain in chains
        )
        person = footprint.live.tables[far].columns[row_key(footprint.live.tables[far]).columns[0]]
        by = sql.SQL('heir COLLATE "C"') if person.is_text else sql.SQL("heir")
        name = step.start.columns[0]
        self._insert(
            table,
            (name,),
            (sql.SQL("h.heir"),),
            "pass",
            sql.SQL(
                "FROM {table} AS t0, (SELECT {key}, (array_agg(heir ORDER BY {by}))[1] AS heir "
                "FROM ({heirs}) x WHERE NOT EXISTS (SELECT 1 FROM {work} g WHERE g.fate = 'g' "
                "AND g.k1 = heir) GROUP BY {key}) h WHERE {match}"
            ).format(
                table=table_name(live),
                key=key.list(),
                by=by,
                heirs=heirs,
                work=footprint.work(far),
                match=key.match("t0", "h"),
            ),
        )

    def _loosen_many(self, table: str, term: Term, source: sql.Composable) -> None:
        """Take the elements that led to leavers out of an array, a list or a JSON document."""
        live = self.footprint.live.tables[table]
        name = term.used[0]
        key = row_key(live)
        opened = open_term(live, "t0", term, "s0")
        rows = sql.SQL(
            "(SELECT {key}, (t0.{column})::text AS old, {gone} AS gone {source} "
            "GROUP BY {group}, (t0.{column})::text)"
        ).format(
            key=sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(part, sql.Identifier(label))
                for part, label in zip(key.parts("t0"), key.names, strict=True)
            ),
            column=sql.Identifier(name),
            gone=_gone(opened),
            source=source,
            group=sql.SQL(", ").join(key.parts("t0")),
        )
        self._insert(
            table,
            (name,),
            (_without(term, live),),
            "detach",
            sql.SQL(
                "FROM {table} AS t0, {rows} AS x WHERE {match} AND (t0.{column})::text = x.old"
            ).format(
                table=table_name(live),
                rows=rows,
                match=key.match("t0", "x"),
                column=sql.Identifier(name),
            ),
        )

    # -- work tables -------------------------------------------------------

    def _insert(
        self,
        table: str,
        columns: Sequence[str],
        values: Sequence[sql.Composable],
        rule: str,
        source: sql.Composable,
    ) -> int:
        """Create one work table from `source`; forget it where it stays empty."""
        live = self.footprint.live.tables[table]
        if not columns:
            return 0
        key = row_key(live)
        label = f"u{len(self.made) + len(self.empty)}"
        work = self.footprint.workspace.name(label)
        names = [*key.names, *(f"v{i + 1}" for i in range(len(columns)))]
        rows = self.conn.execute(
            sql.SQL(
                "{create} {work} AS SELECT row_number() OVER () AS seq, x.* FROM (SELECT DISTINCT "
                "ON ({of}) {values}, {digests}, {own} AS own {source}) x WHERE {differs}"
            ).format(
                differs=self._differs(columns),
                create=self.footprint.workspace.create,
                work=work,
                of=key.of("t0"),
                values=sql.SQL(", ").join(
                    sql.SQL("{} AS {}").format(value, sql.Identifier(name))
                    for value, name in zip((*key.parts("t0"), *values), names, strict=True)
                ),
                digests=sql.SQL(", ").join(
                    sql.SQL("md5(({})::text) AS {}").format(
                        column("t0", name), sql.Identifier(f"g{i + 1}")
                    )
                    for i, name in enumerate(columns)
                ),
                own=self._own(table),
                source=source,
            )
        ).rowcount
        if rows:
            self.made.append(Change(label, table, tuple(columns), rule, rows))
        else:
            self.empty.append(work)
        return rows

    def _differs(self, columns: Sequence[str]) -> sql.Composable:
        """Say that something changes: else a later round would find the same again and again.

        The first round keeps such rows, so that `_check_links` looks at all of them.
        """
        if self.is_first:
            return sql.SQL("true")
        return sql.SQL(" OR ").join(
            sql.SQL("md5(({})::text) IS DISTINCT FROM {}").format(
                sql.Identifier("x", f"v{i + 1}"), sql.Identifier("x", f"g{i + 1}")
            )
            for i in range(len(columns))
        )

    def _own(self, table: str) -> sql.Composable:
        if not self.footprint.rows.get(table):
            return sql.SQL("false")
        return sql.SQL("EXISTS (SELECT 1 FROM {} own WHERE own.fate IN ('a', 'k') AND {})").format(
            self.footprint.work(table),
            row_key(self.footprint.live.tables[table]).match("t0", "own"),
        )

    def _not_yet(
        self, table: str, columns: Sequence[str], source: sql.Composable
    ) -> sql.Composable:
        """Leave out rows whose columns an earlier change sets already."""
        key = row_key(self.footprint.live.tables[table])
        for change in self.made:
            if change.table == table and set(change.columns) & set(columns):
                source = sql.SQL("{} AND NOT EXISTS (SELECT 1 FROM {} y WHERE {})").format(
                    source, self.footprint.workspace.name(change.label), key.match("t0", "y")
                )
        return source

    def _check(self, change: Change) -> None:
        """Try each CHECK of the table on the rows as they would become."""
        live = self.footprint.live.tables[change.table]
        news = {name: f"v{i + 1}" for i, name in enumerate(change.columns)}
        for check in live.checks:
            if not set(check.columns) & set(news):
                continue
            row = sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(
                    column("w", news[name]) if name in news else column("t0", name),
                    sql.Identifier(name),
                )
                for name in live.columns
            )
            broken = self.conn.execute(
                sql.SQL(
                    "SELECT 1 FROM (SELECT {row} FROM {table} AS t0, {work} w WHERE {match}) AS x "
                    "WHERE ({check}) IS FALSE LIMIT 1"
                ).format(
                    row=row,
                    table=table_name(live),
                    work=self.footprint.workspace.name(change.label),
                    match=row_key(live).match("t0", "w"),
                    check=server_text(check.expression),
                )
            ).fetchone()
            if broken:
                names = ", ".join(f"`{name}`" for name in change.columns)
                message = (
                    f"the constraint `{check.name}` of `{change.table}` forbids what "
                    f"would become of {names}"
                )
                raise PlanError(
                    message, help="give a valid `value`, or one under `anonymise`, in the data map"
                )

    def _check_links(self, change: Change) -> None:
        """Stop where a given value would point to a row that is not there, or that goes."""
        live = self.footprint.live.tables[change.table]
        news = {name: f"v{i + 1}" for i, name in enumerate(change.columns)}
        work = self.footprint.workspace.name(change.label)
        for link in (key for key in live.fks if set(key.columns) & set(news)):
            values = [
                column("w", news[name]) if name in news else column("t0", name)
                for name in link.columns
            ]
            present = sql.SQL(" AND ").join(
                sql.SQL("{} IS NOT NULL").format(value) for value in values
            )
            meets = sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(column("f", name), value)
                for name, value in zip(link.to_columns, values, strict=True)
            )
            far = self.footprint.live.tables[link.to]
            stays: sql.Composable = sql.SQL("true")
            if link.to in self.closure.going:
                stays = sql.SQL("NOT EXISTS (SELECT 1 FROM {} g WHERE g.fate = 'g' AND {})").format(
                    self.footprint.work(link.to), row_key(far).match("f", "g")
                )
            broken = self.conn.execute(
                sql.SQL(
                    "SELECT 1 FROM {table} AS t0, {work} w WHERE {match} AND {present} AND NOT "
                    "EXISTS (SELECT 1 FROM {far} AS f WHERE {meets} AND {stays}) LIMIT 1"
                ).format(
                    table=table_name(live),
                    work=work,
                    match=row_key(live).match("t0", "w"),
                    present=present,
                    far=table_name(far),
                    meets=meets,
                    stays=stays,
                )
            ).fetchone()
            if broken:
                names = ", ".join(f"`{name}`" for name in link.columns)
                message = (
                    f"the new value of {names} in `{change.table}` would point to a row of "
                    f"`{link.to}` that is not there or that goes"
                )
                raise PlanError(message, help="give the key of a row that stays, or null")


def _detach(live: LiveTable, step: Step, link: Link) -> _Detached:
    """Give the columns of a detached link and their new values."""
    names = list(step.start.columns)
    if len(names) > 1 and any(live.columns[name].nullable for name in names):
        # One null is enough to break a link of several columns.
        names = [name for name in names if live.columns[name].nullable]
    values: list[sql.Composable] = []
    problem: PlanError | None = None
    for name in names:
        try:
            value = (
                given(live.columns[name], link.value) if link.has_value else replacement(live, name)
            )
        except PlanError as error:
            problem, value = error, sql.SQL("NULL")
        values.append(value)
    for name in _paired(live, step):
        names.append(name)
        values.append(given(live.columns[name], None))
    return _Detached(tuple(names), tuple(values), problem)


def _paired(live: LiveTable, step: Step) -> Iterator[str]:
    """Give the columns of the condition that go null with the link: a polymorphic pair."""
    for test in step.where.tests if step.where else ():
        said = live.columns[test.column]
        positive = not test.negated and None not in test.values
        free = said.nullable and not said.generated and test.column not in step.start.columns
        if positive and free:
            yield test.column


def _gone(opened: Opened) -> sql.Composable:
    if opened.json_path is not None:
        return sql.SQL("jsonb_agg(DISTINCT {0} ORDER BY {0} DESC)").format(opened.json_path)
    return sql.SQL("array_agg(DISTINCT {})").format(opened.values[0].expression)


def _without(term: Term, live: LiveTable) -> sql.Composable:
    """Give the old value `x.old` without what is in `x.gone`."""
    said = live.columns[term.used[0]]
    kind = server_text(said.type)
    if term.array is not None:
        return sql.SQL(
            "ARRAY(SELECT u.e FROM unnest((x.old)::{}) WITH ORDINALITY u(e, o) "
            "WHERE (u.e = ANY(x.gone)) IS NOT TRUE ORDER BY u.o)"
        ).format(kind)
    if term.list_column is not None:
        return sql.SQL(
            "(SELECT btrim(coalesce(string_agg(u.e, {0} ORDER BY u.o), ''), E' \\t\\r\\n') FROM "
            "unnest(string_to_array(x.old, {0})) WITH ORDINALITY u(e, o) "
            "WHERE (btrim(u.e, E' \\t\\r\\n') = ANY(x.gone)) IS NOT TRUE)::{1}"
        ).format(sql.Literal(term.separator), kind)
    step = (
        sql.SQL("d.doc #- {0}")
        if "[*]" in term.path
        else sql.SQL("jsonb_set(d.doc, {0}, 'null', false)")
    )
    at = sql.SQL("ARRAY(SELECT jsonb_array_elements_text(x.gone -> d.i))")
    return sql.SQL(
        "(WITH RECURSIVE d(i, doc) AS (SELECT 0, (x.old)::jsonb UNION ALL SELECT d.i + 1, {} "
        "FROM d WHERE d.i < jsonb_array_length(x.gone)) SELECT d.doc FROM d ORDER BY d.i DESC "
        "LIMIT 1)::{}"
    ).format(step.format(at), kind)
