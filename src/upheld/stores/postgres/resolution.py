"""Identity resolution: from the identifiers that people give to all of theirs.

Follows docs/datamap.md, "Who holds an identifier". Works on sets: two
temporary tables hold everybody in the batch at once, and each round asks each
column that claims identifiers once. They live in the session and never reach
the disk of anything that outlives it.

- `uf_ident(n, kind, value, given, alone, outside, r)`: person n of the batch
  holds the value; `r` is the round in which it became theirs alone.
- `uf_person(tbl, n, key, r)`: the person row is an account of n; `key` as text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from upheld.datamap.live import LiveSchema
from upheld.datamap.model import DataMap
from upheld.footprint.chains import Chain
from upheld.footprint.claims import Claim, claims, claims_itself, same_person_claims
from upheld.footprint.joins import Joined, Value, column, equal, join_chain, table_name
from upheld.footprint.server import server_text

_ROUNDS = 50
_Row = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody who asks: a number in the batch and the identifiers given, (kind, value)."""

    n: int
    given: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Held:
    """An identifier that person `n` of the batch holds.

    `alone` says that it is nobody else's; `outside` that somebody who is not in
    the batch holds it too.
    """

    n: int
    kind: str
    value: str
    alone: bool
    outside: bool


@dataclass(frozen=True, slots=True)
class _Fresh:
    """Kinds with values given and not settled, alone since the last round, and not alone."""

    given: frozenset[str]
    alone: frozenset[str]
    open: frozenset[str]


class Resolution:
    """One batch in one database session."""

    def __init__(self, conn: psycopg.Connection[Any], datamap: DataMap, live: LiveSchema) -> None:
        self.conn = conn
        self.datamap = datamap
        self.live = live
        self.claims = claims(datamap, live)
        self.marks = same_person_claims(datamap, self.claims)
        self.found: set[int] = set()
        self.persons = tuple(n for n, t in datamap.tables.items() if t.person is not None)

    def run(self, subjects: Iterable[Subject]) -> None:
        """Fill the temporary tables for `subjects`."""
        self.conn.execute(
            "DROP TABLE IF EXISTS pg_temp.uf_ident, pg_temp.uf_person, pg_temp.uf_bad"
        )
        self.conn.execute(
            "CREATE TEMP TABLE uf_ident (n int, kind text, value text, given bool NOT NULL, "
            "alone bool NOT NULL DEFAULT false, outside bool NOT NULL DEFAULT false, "
            "r int NOT NULL DEFAULT 0, PRIMARY KEY (kind, value, n))"
        )
        self.conn.execute("CREATE TEMP TABLE uf_bad (n int, kind text, value text)")
        for index, name in enumerate(self.persons):
            self.conn.execute(
                sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(
                    sql.Identifier(person_table(index))
                )
            )
            self.conn.execute(
                sql.SQL(
                    "CREATE TEMP TABLE {} (n int, key {}, r int NOT NULL DEFAULT 0, "
                    "PRIMARY KEY (key, n))"
                ).format(
                    sql.Identifier(person_table(index)),
                    server_text(self._person_key(name).type),
                )
            )
        self.add(subjects)

    def add(self, subjects: Iterable[Subject]) -> None:
        """Add given identifiers, and follow them until nothing new is found."""
        with self.conn.cursor().copy("COPY uf_ident (n, kind, value, given) FROM STDIN") as copy:
            for n, kind, value in self._given(subjects):
                copy.write_row((n, kind, value, True))
        self.conn.execute("ANALYZE uf_ident")
        for r in range(1, _ROUNDS):
            before = self._fresh(r - 1)
            self.found = set()
            changed = self._join_given(r, before.given) + self._join_same_person(r)
            self._analyse()
            changed += self._new_claims(r, before.alone)
            changed += self._settle(r)
            if not changed:
                break
        self._mark_outside()

    def _fresh(self, r: int) -> _Fresh:
        """Say which kinds there is something to ask about, so that nothing else is asked."""
        rows = self.conn.execute(
            "SELECT kind, bool_or(given AND NOT alone), bool_or(alone AND r = %s), "
            "bool_or(NOT alone) FROM uf_ident GROUP BY kind",
            (r,),
        ).fetchall()
        return _Fresh(
            given=frozenset(kind for kind, given, _, _ in rows if given),
            alone=frozenset(kind for kind, _, alone, _ in rows if alone),
            open=frozenset(kind for kind, _, _, unsettled in rows if unsettled),
        )

    def held(self) -> Iterator[Held]:
        """Give every identifier found, ordered by person."""
        for row in self.conn.execute(
            "SELECT n, kind, value, alone, outside FROM uf_ident ORDER BY n, kind, value"
        ):
            yield Held(*row)

    def _given(self, subjects: Iterable[Subject]) -> Iterator[tuple[int, str, str]]:
        seen: set[tuple[int, str, str]] = set()
        for subject in subjects:
            for kind, value in subject.given:
                folded = value.lower() if self.datamap.kind(kind).match == "casefold" else value
                found = (subject.n, kind, folded)
                if found not in seen:
                    seen.add(found)
                    yield found

    def _person_key(self, name: str) -> Any:  # noqa: ANN401  a LiveColumn; see live.py
        table = self.live.tables[name]
        return table.columns[table.key[0]]

    def _analyse(self) -> None:
        self.conn.execute("ANALYZE uf_ident")
        for index in range(len(self.persons)):
            self.conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(person_table(index))))

    # -- SQL of one claim and one chain ------------------------------------

    def _joined(self, chain: Chain) -> Joined:
        said = self.datamap.tables[chain.person_table]
        scope = said.person.where if said.person else None
        return join_chain(self.live, chain, scope if chain.ends_in_person else None)

    def claimed(self, claim: Claim) -> Value:
        """Give the claimed value as it stands in the row `t0`."""
        live = self.live.tables[claim.table].columns[claim.column]
        return Value(column("t0", claim.column), live.base)

    def normal(self, value: Value, kind: str) -> sql.Composable:
        """Give a value as `uf_ident` writes it."""
        if self.datamap.kind(kind).match == "casefold":
            return sql.SQL("lower({})").format(value.as_text)
        return value.as_text

    def meets(self, value: Value, kind: str, ident: str) -> sql.Composable:
        """Say that the value is that of the row `ident` of `uf_ident`."""
        other = Value(column(ident, "value"), "text")
        casefold = self.datamap.kind(kind).match == "casefold"
        if casefold:
            return sql.SQL("lower({}) = {}").format(value.as_text, other.expression)
        return equal(value, other)

    def _index(self, chain: Chain) -> int:
        return self.persons.index(chain.person_table)

    # -- the rules ---------------------------------------------------------

    def _join_given(self, r: int, kinds: frozenset[str]) -> int:
        """Rule 3: what a person gave leads to the person rows that claim it."""
        found: dict[tuple[int, str, str], set[tuple[int, str, bool]]] = defaultdict(set)
        for claim in (claim for claim in self.claims if claim.kind in kinds):
            for chain in claim.chains:
                if not chain.ends_in_person:
                    continue
                joined = self._joined(chain)
                query = sql.SQL(
                    "SELECT DISTINCT i.n, i.value, ({end})::text FROM uf_ident i, {table} AS t0"
                    "{source} WHERE i.given AND NOT i.alone AND i.kind = {kind} AND {meets} "
                    "AND {conditions}"
                ).format(
                    end=joined.end.expression,
                    table=table_name(self.live.tables[claim.table]),
                    source=joined.source,
                    kind=sql.Literal(claim.kind),
                    meets=self.meets(self.claimed(claim), claim.kind, "i"),
                    conditions=joined.conditions,
                )
                for n, value, key in self.conn.execute(query):
                    found[n, claim.kind, value].add((self._index(chain), key, claim.same_person))
        claimants = [
            (n, {(index, key) for index, key, _ in rows}) for (n, _, _), rows in found.items()
        ]
        person = self._persons_of({row for _, rows in claimants if len(rows) > 1 for row in rows})
        pairs = {
            (index, n, key)
            for n, rows in claimants
            if len({person.get(row, row) for row in rows}) == 1
            for index, key in rows
        }
        return self._add_persons(pairs, r)

    def _persons_of(self, rows: set[_Row]) -> dict[_Row, _Row]:
        """Give for each person row one that stands for its person, by what `same_person` marks."""
        stands: dict[_Row, _Row] = {}

        def top(row: _Row) -> _Row:
            while stands.setdefault(row, row) != row:
                row = stands[row]
            return row

        seen: set[_Row] = set()
        edge = rows
        while edge:
            seen |= edge
            further: set[_Row] = set()
            for near, far in self._neighbours(edge):
                stands[top(far)] = top(near)
                further.add(far)
            edge = further - seen
        return {row: top(row) for row in rows}

    def _neighbours(self, rows: set[_Row]) -> Iterator[tuple[_Row, _Row]]:
        """Give pairs of person rows that claim one value in `same_person` columns."""
        for query, left, right in self._same_person_queries():
            keys = [key for index, key in rows if index == left]
            if keys:
                for near, far in self.conn.execute(query, (keys,)):
                    yield (left, near), (right, far)

    def _same_person_queries(self) -> Iterator[tuple[sql.Composed, int, int]]:
        """Give, per pair of marked claims, the query from person keys to person keys."""
        marked = [
            (claim, chain) for claim in self.marks for chain in claim.chains if chain.ends_in_person
        ]
        for claim, chain in marked:
            for other, other_chain in marked:
                if other.kind != claim.kind:
                    continue
                near, far = self._joined(chain), self._joined(other_chain)
                kind = self._person_key(chain.person_table).type
                query = sql.SQL(
                    "WITH near AS (SELECT DISTINCT {value} AS v, ({end})::text AS key FROM "
                    "{table} AS t0{source} WHERE {end} = ANY(%s::text[]::{kind}[]) AND "
                    "{conditions}) SELECT DISTINCT near.key, ({far_end})::text FROM near, "
                    "{far_table} AS t0{far_source} WHERE {far_value} = near.v AND "
                    "{far_conditions}"
                ).format(
                    value=self.normal(self.claimed(claim), claim.kind),
                    table=table_name(self.live.tables[claim.table]),
                    source=near.source,
                    end=near.end.expression,
                    kind=server_text(kind),
                    conditions=near.conditions,
                    far_end=far.end.expression,
                    far_table=table_name(self.live.tables[other.table]),
                    far_source=far.source,
                    far_value=self.normal(self.claimed(other), other.kind),
                    far_conditions=far.conditions,
                )
                yield query, self._index(chain), self._index(other_chain)

    def _join_same_person(self, r: int) -> int:
        """Person rows that claim one value in `same_person` columns are one person."""
        if not self.found:
            return 0
        self._analyse()
        marked = [
            (claim, chain) for claim in self.marks for chain in claim.chains if chain.ends_in_person
        ]
        added = 0
        for claim, chain in marked:
            near = self._joined(chain)
            index = self._index(chain)
            values = sql.SQL(
                "SELECT DISTINCT p.n, {value} AS v FROM {person} p, {table} AS t0{source} "
                "WHERE p.key = {end} AND {conditions}"
            ).format(
                value=self.normal(self.claimed(claim), claim.kind),
                person=sql.Identifier(person_table(index)),
                table=table_name(self.live.tables[claim.table]),
                source=near.source,
                end=near.end.expression,
                conditions=near.conditions,
            )
            for other, other_chain in marked:
                if other.kind != claim.kind:
                    continue
                far = self._joined(other_chain)
                cursor = self.conn.execute(
                    sql.SQL(
                        "INSERT INTO {person} (n, key, r) SELECT DISTINCT near.n, {end}, {r}::int "
                        "FROM ({near}) near, {table} AS t0{source} WHERE {value} = near.v AND "
                        "{conditions} ON CONFLICT DO NOTHING"
                    ).format(
                        person=sql.Identifier(person_table(self._index(other_chain))),
                        end=far.end.expression,
                        r=sql.Literal(r),
                        near=values,
                        table=table_name(self.live.tables[other.table]),
                        source=far.source,
                        value=self.normal(self.claimed(other), other.kind),
                        conditions=far.conditions,
                    )
                )
                if cursor.rowcount:
                    self.found.add(self._index(other_chain))
                    added += cursor.rowcount
        return added

    def _add_persons(self, pairs: set[tuple[int, int, str]], r: int) -> int:
        added = 0
        for index, name in enumerate(self.persons):
            rows = [(n, key) for at, n, key in pairs if at == index]
            if not rows:
                continue
            self.found.add(index)
            added += self.conn.execute(
                sql.SQL(
                    "INSERT INTO {} (n, key, r) SELECT n, key::{}, %s::int FROM "
                    "unnest(%s::int[], %s::text[]) AS x(n, key) ON CONFLICT DO NOTHING"
                ).format(
                    sql.Identifier(person_table(index)),
                    server_text(self._person_key(name).type),
                ),
                (r, [n for n, _ in rows], [key for _, key in rows]),
            ).rowcount
        return added

    def _new_claims(self, r: int, kinds: frozenset[str]) -> int:
        """Rule 4: rows that became a person's own in this round lead to further values."""
        added = 0
        for claim in self.claims:
            for chain in claim.chains:
                fresh = (
                    self._index(chain) in self.found
                    if chain.ends_in_person
                    else chain.kind in kinds
                )
                if not fresh or claims_itself(claim, chain):
                    continue
                joined = self._joined(chain)
                if chain.ends_in_person:
                    owner = sql.Identifier(person_table(self._index(chain)))
                    meets = sql.SQL("o.key = {} AND o.r = {}").format(
                        joined.end.expression, sql.Literal(r)
                    )
                else:
                    owner = sql.Identifier("uf_ident")
                    meets = sql.SQL("o.alone AND o.kind = {} AND o.r = {} AND {}").format(
                        sql.Literal(chain.kind),
                        sql.Literal(r - 1),
                        self.meets(joined.end, chain.kind, "o"),
                    )
                value = self.claimed(claim)
                added += self.conn.execute(
                    sql.SQL(
                        "INSERT INTO uf_ident (n, kind, value, given) SELECT DISTINCT o.n, {kind}, "
                        "{value}, false FROM {owner} o, {table} AS t0{source} WHERE {meets} AND "
                        "{conditions} AND {raw} IS NOT NULL ON CONFLICT DO NOTHING"
                    ).format(
                        kind=sql.Literal(claim.kind),
                        value=self.normal(value, claim.kind),
                        owner=owner,
                        table=table_name(self.live.tables[claim.table]),
                        source=joined.source,
                        meets=meets,
                        conditions=joined.conditions,
                        raw=value.expression,
                    )
                ).rowcount
        return added

    def _settle(self, r: int) -> int:
        """Rule 2: mark the values of which each claim leads to that person only."""
        self.conn.execute("ANALYZE uf_ident")
        self.conn.execute("DELETE FROM uf_bad")
        self._others(sql.SQL("i.n"))
        return self.conn.execute(
            "UPDATE uf_ident i SET alone = true, r = %s WHERE NOT i.alone AND NOT EXISTS "
            "(SELECT 1 FROM uf_bad b WHERE b.n = i.n AND b.kind = i.kind AND b.value = i.value)",
            (r,),
        ).rowcount

    def _mark_outside(self) -> None:
        self.conn.execute("DELETE FROM uf_bad")
        self._others(None)
        self.conn.execute(
            "UPDATE uf_ident i SET outside = EXISTS (SELECT 1 FROM uf_bad b WHERE b.n = i.n AND "
            "b.kind = i.kind AND b.value = i.value) WHERE NOT i.alone"
        )
        self.conn.execute("ANALYZE uf_ident")

    def _others(self, n: sql.Composable | None) -> None:
        """Collect values with a claim that leads to somebody but n (None: the whole batch)."""
        kinds = self._fresh(0).open
        for claim in (claim for claim in self.claims if claim.kind in kinds):
            for chain in claim.chains:
                if claims_itself(claim, chain):
                    continue
                joined = self._joined(chain)
                self.conn.execute(
                    sql.SQL(
                        "INSERT INTO uf_bad SELECT DISTINCT i.n, i.kind, i.value FROM uf_ident i, "
                        "{table} AS t0{source} WHERE NOT i.alone AND i.kind = {kind} AND {meets} "
                        "AND {conditions} AND {other}"
                    ).format(
                        table=table_name(self.live.tables[claim.table]),
                        source=joined.source,
                        kind=sql.Literal(claim.kind),
                        meets=self.meets(self.claimed(claim), claim.kind, "i"),
                        conditions=joined.conditions,
                        other=self._is_other(chain, joined, n),
                    )
                )

    def _is_other(self, chain: Chain, joined: Joined, n: sql.Composable | None) -> sql.Composable:
        same = sql.SQL("o.n = {}").format(n) if n is not None else sql.SQL("true")
        if chain.ends_in_person:
            return sql.SQL("NOT EXISTS (SELECT 1 FROM {} o WHERE o.key = {} AND {})").format(
                sql.Identifier(person_table(self._index(chain))), joined.end.expression, same
            )
        return sql.SQL(
            "{end} IS NOT NULL AND NOT (i.kind = {kind} AND {itself}) AND NOT EXISTS (SELECT 1 "
            "FROM uf_ident o WHERE {same} AND o.alone AND o.kind = {kind} AND {meets})"
        ).format(
            end=joined.end.expression,
            kind=sql.Literal(chain.kind),
            same=same,
            itself=self.meets(joined.end, chain.kind, "i"),
            meets=self.meets(joined.end, chain.kind, "o"),
        )


def person_table(index: int) -> str:
    """Name the temporary table of the person table with that index."""
    return f"uf_person_{index}"


def subjects_of(given: Sequence[Sequence[tuple[str, str]]]) -> tuple[Subject, ...]:
    """Give the people of a batch their numbers, from 1."""
    return tuple(Subject(index + 1, tuple(who)) for index, who in enumerate(given))
