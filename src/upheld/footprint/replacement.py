"""A valid value for a column that must change: docs/datamap.md, "A replacement"."""

from __future__ import annotations

from psycopg import sql

from upheld.datamap.live import LiveColumn, LiveTable
from upheld.datamap.model import Scalar
from upheld.errors import PlanError
from upheld.footprint.joins import table_name
from upheld.footprint.server import server_text

_BY_KIND = {"B": "false", "D": "1970-01-01", "T": "0", "I": "0.0.0.0", "V": "0"}  # noqa: S104  an address that is nobody's, not one to listen on
_DIGITS = 16
_WORD = "erased"


def given(column: LiveColumn, value: Scalar) -> sql.Composable:
    """Give the map's own value, cast to the column's type."""
    if value is None:
        return sql.SQL("NULL::{}").format(_type(column))
    text = (
        {True: "true", False: "false"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value)
    )
    return sql.SQL("{}::{}").format(sql.Literal(text), _type(column))


def replacement(table: LiveTable, name: str) -> sql.Composable:
    """Give a valid replacement for `name`; raise PlanError where none can be told."""
    column = table.columns[name]
    if column.nullable:
        return given(column, None)
    if table.foreign_keys_of(name):
        message = f"`{table.name}.{name}` cannot be null and is part of a foreign key"
        raise PlanError(
            message,
            help=f"give it a value, or say `when_gone: go` for `{table.name}`, in the data map",
        )
    unique = table.is_unique(name)
    if column.is_text:
        return _text(column, unique=unique)
    if column.base == "uuid":
        return (
            sql.SQL("gen_random_uuid()")
            if unique
            else given(column, "00000000-0000-0000-0000-000000000000")
        )
    if column.kind == "N":
        return _number(table, column, unique=unique)
    return given(column, _constant(table, column))


def _constant(table: LiveTable, column: LiveColumn) -> str:
    if column.labels:
        return column.labels[0]
    if column.is_json or column.kind == "A":
        return "{}"
    if column.base == "bytea":
        return ""
    if column.base == "time":
        return "00:00"
    if column.kind in _BY_KIND:
        return _BY_KIND[column.kind]
    message = f"no replacement is known for `{table.name}.{column.name}`, of type `{column.type}`"
    raise PlanError(message, help="give a value under `anonymise` in the data map")


def _text(column: LiveColumn, *, unique: bool) -> sql.Composable:
    limit = column.max_length
    if not unique:
        return given(column, _WORD[:limit] if limit else _WORD)
    whole = sql.SQL("'erased-' || left(replace(gen_random_uuid()::text, '-', ''), {})").format(
        sql.Literal(_DIGITS)
    )
    if limit:
        # The digits make it unique, so a short column keeps those.
        return sql.SQL("right({}, {})::{}").format(whole, sql.Literal(limit), _type(column))
    return sql.SQL("({})::{}").format(whole, _type(column))


def _number(table: LiveTable, column: LiveColumn, *, unique: bool) -> sql.Composable:
    if not unique:
        return given(column, 0)
    return sql.SQL("((SELECT least(min({0}), 0) FROM {1}) - row_number() OVER ())::{2}").format(
        sql.Identifier(column.name), table_name(table), _type(column)
    )


def _type(column: LiveColumn) -> sql.SQL:
    return server_text(column.type)
