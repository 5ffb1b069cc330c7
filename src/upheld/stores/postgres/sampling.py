"""Read a bounded sample of a database, and draft its data map.

At most 2,000 rows of a table are read; whether values are keys of another table is
asked as one set query per key. All in one read-only transaction with short timeouts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from upheld.datamap.live import LiveColumn, LiveSchema, LiveTable
from upheld.datamap.scan import Draft, infer
from upheld.datamap.scan.links import questions
from upheld.datamap.scan.samples import (
    MAX_ROWS,
    Answers,
    Question,
    Row,
    Sampled,
    Samples,
    Source,
    sources_of,
)
from upheld.errors import StoreError
from upheld.stores.postgres.catalog import read_schema

# Called with what is read, how many are done, and of how many.
Progress = Callable[[str, int, int], None]

_LONGEST = 4_000  # characters read of a text
_LARGE = 20_000  # rows from which on blocks are drawn over the whole table
_REFUSALS = (errors.InsufficientPrivilege, errors.QueryCanceled, errors.LockNotAvailable)


def scan(
    conn: psycopg.Connection[Any], system: str, region: str, progress: Progress | None = None
) -> Draft:
    """Draft the data map of `system` from its live database.

    Raises StoreError if the connection is inside a transaction, or the database has no tables.
    """
    if conn.info.transaction_status != TransactionStatus.IDLE:
        message = "a scan needs a transaction of its own"
        raise StoreError(message, help="commit or roll back first")
    with conn.transaction():
        conn.execute(resources.files(__package__).joinpath("sql/scan_begin.sql").read_bytes())
        live = read_schema(conn)
        if not live.tables:
            message = "the database has no tables that this role can see"
            raise StoreError(message, help="check the database's name and the role's rights")
        samples = read_samples(conn, live, progress)
    return infer(live, samples, system=system, region=region)


def read_samples(
    conn: psycopg.Connection[Any], live: LiveSchema, progress: Progress | None = None
) -> Samples:
    """Sample each table, then ask which sampled values are keys elsewhere."""
    tell = progress or (lambda _what, _done, _total: None)
    sources: dict[Source, Sampled] = {}
    unread: dict[str, str] = {}
    counts: dict[str, int] = {}
    for done, table in enumerate(live.tables.values()):
        tell("sampling tables", done, len(live.tables))
        rows: Sequence[Row] = ()
        try:
            with conn.transaction():
                rows = _rows(conn, table)
        except _REFUSALS as refusal:
            unread[table.name] = type(refusal).__name__
        counts[table.name] = len(rows)
        sources.update(sources_of(table, rows))
    samples = Samples(sources, unread=unread, rows=counts)
    asked = questions(live, samples)
    answers: Answers = {}
    unanswered: set[str] = set()
    for done, question in enumerate(asked):
        tell("comparing values", done, len(asked))
        try:
            with conn.transaction():
                answers[question.target] = _answer(
                    conn, live.tables[question.target.table], question
                )
        except _REFUSALS:
            unanswered.add(question.target.table)
    tell("comparing values", len(asked), len(asked))
    return Samples(sources, answers, unread, frozenset(unanswered), counts)


def _rows(conn: psycopg.Connection[Any], table: LiveTable) -> list[dict[str, Any]]:
    """Read up to 2,000 rows: blocks drawn over a large table, the first rows of a small one."""
    if not table.columns:
        return []
    names = list(table.columns)
    query = sql.SQL("SELECT {} FROM {}{} LIMIT {}")
    picked = sql.SQL(", ").join(_read(table, name) for name in names)
    drawn: list[Any] = []
    if table.rows > _LARGE:
        percent = min(100.0, 400.0 * MAX_ROWS / table.rows)
        block = sql.SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE (1)").format(sql.Literal(percent))
        drawn = conn.execute(
            query.format(picked, _name(table), block, sql.Literal(MAX_ROWS))
        ).fetchall()
    if len(drawn) * 4 < MAX_ROWS:
        drawn = conn.execute(
            query.format(picked, _name(table), sql.SQL(""), sql.Literal(MAX_ROWS))
        ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in drawn]


def _read(table: LiveTable, name: str) -> sql.Composable:
    """Give a column as JSON for json and arrays, else as text cut to a length; bytes as hex."""
    column, at = table.columns[name], sql.Identifier(name)
    if column.is_json:
        return sql.SQL("CASE WHEN length({0}::text) <= 100000 THEN {0}::jsonb END").format(at)
    if column.kind == "A":
        return sql.SQL("to_jsonb({})").format(at)
    if column.base == "bytea":
        return sql.SQL("encode(substring({} from 1 for 64), 'hex')").format(at)
    if column.base == "bool":
        return at
    return sql.SQL("left({}::text, {})").format(at, sql.Literal(_LONGEST))


def _answer(
    conn: psycopg.Connection[Any], table: LiveTable, question: Question
) -> dict[str, tuple[str | None, ...]]:
    """Say which values the target holds, with the extra columns of one such row each."""
    target = question.target
    extras = [sql.SQL("t.{}::text").format(sql.Identifier(name)) for name in target.extras]
    columns = [sql.SQL("t.{}").format(sql.Identifier(name)) for name in target.columns]
    parts = list(zip(*(value.split("\x1f") for value in question.values), strict=True))
    types = [_type(table.columns[name]) for name in target.columns]
    if len(columns) == 1:
        shown = sql.SQL("lower({}::text)").format(columns[0]) if target.casefold else columns[0]
        condition: sql.Composable = sql.SQL("{} = ANY(%s::{}[])").format(shown, types[0])
        key: sql.Composable = sql.SQL("{}::text").format(shown)
    else:
        rows = sql.SQL(", ").join(sql.SQL("unnest(%s::{}[])").format(type_) for type_ in types)
        condition = sql.SQL("({}) IN (SELECT {})").format(sql.SQL(", ").join(columns), rows)
        key = sql.SQL("concat_ws(chr(31), {})").format(sql.SQL(", ").join(columns))
    found = conn.execute(
        sql.SQL("SELECT {} FROM {} t WHERE {}").format(
            sql.SQL(", ").join([key, *extras]), _name(table), condition
        ),
        [list(part) for part in parts],
    ).fetchall()
    return {row[0].strip(): tuple(row[1:]) for row in found}


def _type(column: LiveColumn) -> sql.Composable:
    """Give the type that values of a column are compared in, without a length."""
    return sql.Identifier("text" if column.is_text else column.base)


def _name(table: LiveTable) -> sql.Identifier:
    return sql.Identifier(table.schema, table.relation)
