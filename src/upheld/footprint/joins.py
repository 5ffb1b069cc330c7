"""SQL of terms, conditions and steps: how one row meets the next.

Only composes; nothing here runs. Identifiers go through `psycopg.sql`.
A join is written so that an index on either plain column can serve it: the
cast goes to the side that is text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from upheld.datamap.live import LiveColumn, LiveSchema, LiveTable
from upheld.datamap.model import Condition, Scalar, Step, Term, Test
from upheld.footprint.chains import Chain

_INTEGERS = frozenset({"int2", "int4", "int8"})
_TRUE = sql.SQL("true")


@dataclass(frozen=True, slots=True)
class Value:
    """An SQL expression and the short name of its type; `json` is text out of a document."""

    expression: sql.Composable
    base: str

    @property
    def as_text(self) -> sql.Composable:
        """Give the expression as text."""
        if self.base in {"text", "varchar", "json"}:
            return self.expression
        return sql.SQL("({})::text").format(self.expression)


@dataclass(frozen=True, slots=True)
class Opened:
    """A term opened in a FROM clause: its laterals, and its values.

    `json_path` is, for a JSON term, where in the document what leaves stands.
    `filters` leave out rows that have no value at all: cheap, and an index may serve them.
    """

    laterals: tuple[sql.Composable, ...]
    values: tuple[Value, ...]
    json_path: sql.Composable | None = None
    filters: tuple[sql.Composable, ...] = ()


def table_name(table: LiveTable) -> sql.Composable:
    """Give the table's name, with its schema."""
    return sql.Identifier(table.schema, table.relation)


def column(alias: str, name: str) -> sql.Composable:
    """Give `alias.name`."""
    return sql.Identifier(alias, name)


def open_term(table: LiveTable, alias: str, term: Term, prefix: str) -> Opened:
    """Open `term` of the row `alias`; `prefix` names its laterals."""
    if term.columns:
        return Opened(
            (),
            tuple(Value(column(alias, name), _base(table.columns[name])) for name in term.columns),
        )
    if term.array is not None:
        element = table.columns[term.array].base.removeprefix("_")
        lateral = sql.SQL("LATERAL unnest({}) AS {}(e)").format(
            column(alias, term.array), sql.Identifier(prefix)
        )
        return Opened(
            (lateral,),
            (Value(column(prefix, "e"), element),),
            filters=_filled(alias, term.array, "{}"),
        )
    if term.list_column is not None:
        lateral = sql.SQL("LATERAL unnest(string_to_array({}, {})) AS {}(e)").format(
            column(alias, term.list_column), sql.Literal(term.separator), sql.Identifier(prefix)
        )
        value = sql.SQL(r"nullif(btrim({}, E' \t\r\n'), '')").format(column(prefix, "e"))
        filters = _filled(alias, term.list_column, "")
        return Opened((lateral,), (Value(value, "text"),), filters=filters)
    return _open_json(alias, term, prefix)


def _open_json(alias: str, term: Term, prefix: str) -> Opened:
    assert term.json_column is not None  # noqa: S101  Term holds exactly one kind
    here: sql.Composable = column(alias, term.json_column)
    laterals: list[sql.Composable] = []
    trail: list[sql.Composable] = []
    filters: list[sql.Composable] = []
    for number, step in enumerate(term.path):
        if step == "[*]":
            if not laterals:
                filters.append(sql.SQL("{} IS NOT NULL").format(here))
            name = f"{prefix}_{len(laterals)}"
            laterals.append(
                sql.SQL(
                    "LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(({0})::jsonb) = 'array' "
                    "THEN ({0})::jsonb ELSE '[]'::jsonb END) WITH ORDINALITY AS {1}(e, o)"
                ).format(here, sql.Identifier(name))
            )
            here = column(name, "e")
            trail.append(sql.SQL("{} - 1").format(column(name, "o")))
        else:
            # `->>` at the end, as a service would index it.
            arrow = sql.SQL("->>" if number == len(term.path) - 1 else "->")
            here = sql.SQL("({} {} {})").format(here, arrow, sql.Literal(step))
            trail.append(sql.SQL("{}::text").format(sql.Literal(step)))
    if term.path[-1] == "[*]":
        here = sql.SQL("({} #>> '{{}}')").format(here)
    return Opened(
        tuple(laterals),
        (Value(here, "json"),),
        sql.SQL("jsonb_build_array({})").format(sql.SQL(", ").join(trail[: _leaves(term)])),
        tuple(filters),
    )


def _leaves(term: Term) -> int:
    """Give how much of the path names what leaves: an array's element whole, or the value."""
    path = term.path
    return len(path) - path[::-1].index("[*]") if "[*]" in path else len(path)


def _filled(alias: str, name: str, empty: str) -> tuple[sql.Composable, ...]:
    """Say that the column is neither null nor empty."""
    return (sql.SQL("{} <> {}").format(column(alias, name), sql.Literal(empty)),)


def _base(said: LiveColumn) -> str:
    return said.base


def equal(left: Value, right: Value, *, casefold: bool = False) -> sql.Composable:
    """Compare two values; of unlike types as text, and index-friendly where one is text."""
    if casefold:
        return sql.SQL("lower({}) = lower({})").format(left.as_text, right.as_text)
    if left.base == right.base or (left.base in _INTEGERS and right.base in _INTEGERS):
        return sql.SQL("{} = {}").format(left.expression, right.expression)
    for typed, text in ((left, right), (right, left)):
        if text.base == "json" and typed.base in {*_INTEGERS, "uuid"}:
            # Both ways round: by an index on the JSON expression, or on the typed column.
            return sql.SQL("({} = {} AND {} = {})").format(
                text.expression, typed.as_text, typed.expression, cast_text(text, typed.base)
            )
        if text.base in {"text", "varchar", "bpchar"} and typed.base in {*_INTEGERS, "uuid"}:
            return sql.SQL("{} = {}").format(typed.expression, cast_text(text, typed.base))
    return sql.SQL("{} = {}").format(left.as_text, right.as_text)


def cast_text(text: Value, base: str) -> sql.Composable:
    """Cast text to an integer or uuid; null where it is not one in its usual writing."""
    if base == "uuid":
        return sql.SQL(
            "(CASE WHEN {0} ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' "
            "THEN ({0})::uuid END)"
        ).format(text.as_text)
    return sql.SQL("(CASE WHEN {0} ~ '^(0|-?[1-9][0-9]{{0,17}})$' THEN ({0})::bigint END)").format(
        text.as_text
    )


def condition(alias: str, said: Condition | None) -> list[sql.Composable]:
    """Give the SQL of a condition on the row `alias`, a list to be joined by AND."""
    return [_test(alias, test) for test in said.tests] if said else []


def _test(alias: str, test: Test) -> sql.Composable:
    name = column(alias, test.column)
    values = [value for value in test.values if value is not None]
    choices: list[sql.Composable] = []
    if values:
        choices.append(
            sql.SQL("{}::text IN ({})").format(
                name, sql.SQL(", ").join(sql.Literal(_text(value)) for value in values)
            )
        )
    if None in test.values:
        choices.append(sql.SQL("{} IS NULL").format(name))
    holds = sql.SQL("({})").format(sql.SQL(" OR ").join(choices))
    if test.negated:
        return sql.SQL("({} IS NOT TRUE)").format(holds)
    return holds


def _text(value: Scalar) -> str:
    """Write a YAML scalar as PostgreSQL writes it as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@dataclass(frozen=True, slots=True)
class Joined:
    """A FROM clause that starts after the first table, its conditions, and its end.

    `end` is the value at the end of a chain that ends in an identifier, and the
    person row's key for one that ends at a person.
    """

    tables: tuple[sql.Composable, ...]
    where: tuple[sql.Composable, ...]
    end: Value
    end_alias: str

    @property
    def source(self) -> sql.Composable:
        """Give the further tables, each with its comma in front."""
        return sql.SQL("").join(sql.SQL(", {}").format(table) for table in self.tables)

    @property
    def conditions(self) -> sql.Composable:
        """Give the conditions, joined by AND."""
        return sql.SQL(" AND ").join(self.where) if self.where else _TRUE


def join_steps(
    live: LiveSchema, tables: Sequence[str], steps: Sequence[Step], first: str = "t0"
) -> Joined:
    """Join along `steps` from the row `first`; the row after step i is `t<i+1>`."""
    sources: list[sql.Composable] = []
    where: list[sql.Composable] = []
    end = Value(sql.SQL("NULL"), "text")
    alias = first
    for index, step in enumerate(steps):
        here = live.tables[tables[index]]
        opened = open_term(here, alias, step.start, f"s{index}")
        sources.extend(opened.laterals)
        where.extend((*opened.filters, *condition(alias, step.where)))
        if step.to is None:
            end = opened.values[0]
            break
        far = live.tables[step.to.table]
        next_alias = f"t{index + 1}"
        sources.append(sql.SQL("{} AS {}").format(table_name(far), sql.Identifier(next_alias)))
        arrived = open_term(far, next_alias, step.to.term, f"f{index}")
        sources.extend(arrived.laterals)
        where.extend(arrived.filters)
        casefold = step.match == "casefold"
        where.extend(
            equal(left, right, casefold=casefold)
            for left, right in zip(opened.values, arrived.values, strict=True)
        )
        where.extend(condition(next_alias, step.to_where))
        alias = next_alias
    return Joined(tuple(sources), tuple(where), end, alias)


def join_chain(
    live: LiveSchema, chain: Chain, scope: Condition | None, first: str = "t0"
) -> Joined:
    """Join a whole chain; `scope` limits the person row at its end."""
    joined = join_steps(live, chain.tables, chain.steps, first)
    if not chain.ends_in_person:
        return joined
    person = live.tables[chain.person_table]
    key = person.key[0]
    return Joined(
        joined.tables,
        (*joined.where, *condition(joined.end_alias, scope)),
        Value(column(joined.end_alias, key), person.columns[key].base),
        joined.end_alias,
    )
