"""Writing a case into PostgreSQL, and reading a whole database back."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from tests.property.erasure.model import (
    CHECKS,
    GENERATED,
    MOODS,
    Case,
    Column,
    ForeignKey,
    Row,
    Table,
)

_START = """
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
CREATE TYPE mood AS ENUM ({moods});
CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""

# The log says that something happened, not to whom.
_AUDIT = """
CREATE TABLE audit_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO audit_log (what) VALUES (TG_TABLE_NAME || '' '' || TG_OP); RETURN NULL; END';
"""

_TRIGGERS = {
    "idle": "CREATE TRIGGER idle BEFORE UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION idle();",
    "audit": (
        "CREATE TRIGGER audit AFTER UPDATE OR DELETE ON {0} FOR EACH ROW EXECUTE FUNCTION audit();"
    ),
}


def _name(*parts: str) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(part) for part in parts)


def _column(column: Column) -> sql.Composable:
    parts = [sql.Identifier(column.name), sql.SQL(column.type)]
    if column.generated:
        function, source = column.generated
        made = sql.SQL(GENERATED[function][0]).format(sql.Identifier(source))
        parts.append(sql.SQL("GENERATED ALWAYS AS ({}) STORED").format(made))
    elif not column.nullable:
        parts.append(sql.SQL("NOT NULL"))
    if column.unique:
        parts.append(sql.SQL("UNIQUE"))
    if column.check:
        condition = sql.SQL(CHECKS[column.check][0]).format(sql.Identifier(column.name))
        parts.append(sql.SQL("CHECK ({})").format(condition))
    return sql.SQL(" ").join(parts)


def _create(table: Table) -> sql.Composable:
    parts = [_column(column) for column in table.columns]
    if table.key:
        parts.append(sql.SQL("PRIMARY KEY ({})").format(_name(*table.key)))
    parts += [sql.SQL("UNIQUE ({})").format(_name(*names)) for names in table.unique_sets]
    return sql.SQL("CREATE TABLE {} ({});").format(
        sql.Identifier(table.name), sql.SQL(", ").join(parts)
    )


def _fill(table: Table, rows: list[Row]) -> sql.Composable:
    columns = [column for column in table.columns if not column.generated]
    lines = [
        sql.SQL("({})").format(
            sql.SQL(", ").join(
                sql.SQL("{}::{}").format(sql.Literal(row[column.name]), sql.SQL(column.type))
                for column in columns
            )
        )
        for row in rows
    ]
    return sql.SQL("INSERT INTO {} ({}) VALUES {};").format(
        sql.Identifier(table.name),
        _name(*(column.name for column in columns)),
        sql.SQL(", ").join(lines),
    )


def _constrain(table: str, key: ForeignKey) -> sql.Composable:
    return sql.SQL(
        "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {} {};"
    ).format(
        sql.Identifier(table),
        _name(*key.columns),
        sql.Identifier(key.table),
        _name(*key.targets),
        sql.SQL(key.on_delete),
        sql.SQL("DEFERRABLE INITIALLY DEFERRED" if key.deferrable else ""),
    )


def load(conn: psycopg.Connection[Any], case: Case) -> None:
    """Replace the schema `public` by the case, in one round trip."""
    moods = sql.SQL(", ").join(sql.Literal(mood) for mood in MOODS)
    parts: list[sql.Composable] = [sql.SQL(_START).format(moods=moods)]
    if "audit_log" in case.ignored:
        parts.append(sql.SQL(_AUDIT))
    parts += [_create(table) for table in case.tables.values()]
    parts += [_fill(case.tables[name], rows) for name, rows in case.rows.items() if rows]
    for table in case.tables.values():
        parts += [_constrain(table.name, key) for key in table.foreign_keys]
        if table.trigger:
            trigger = sql.SQL(_TRIGGERS[table.trigger])
            parts.append(trigger.format(sql.Identifier(table.name)))
    conn.execute(sql.SQL("\n").join(parts))
    conn.commit()


def read(conn: psycopg.Connection[Any], case: Case) -> dict[str, list[Row]]:
    """Read every table; JSON as the text that PostgreSQL shows."""
    found: dict[str, list[Row]] = {}
    for table in case.tables.values():
        columns = [
            sql.SQL("{}::text").format(sql.Identifier(column.name))
            if column.type in ("json", "jsonb", "mood")
            else sql.Identifier(column.name)
            for column in table.columns
        ]
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(columns), sql.Identifier(table.name)
        )
        names = [column.name for column in table.columns]
        found[table.name] = [
            dict(zip(names, cells, strict=True)) for cells in conn.execute(query).fetchall()
        ]
    conn.commit()
    return found


def broken_foreign_keys(conn: psycopg.Connection[Any], case: Case) -> list[str]:
    """Name the foreign keys that point to nothing, looked up row by row in SQL."""
    broken = []
    for table in case.tables.values():
        for key in table.foreign_keys:
            pairs = zip(key.columns, key.targets, strict=True)
            same = [
                sql.SQL("near.{} = far.{}").format(sql.Identifier(near), sql.Identifier(far))
                for near, far in pairs
            ]
            present = [
                sql.SQL("near.{} IS NOT NULL").format(sql.Identifier(name)) for name in key.columns
            ]
            query = sql.SQL(
                "SELECT count(*) FROM {} near WHERE {} AND NOT EXISTS (SELECT FROM {} far WHERE {})"
            ).format(
                sql.Identifier(table.name),
                sql.SQL(" AND ").join(present),
                sql.Identifier(key.table),
                sql.SQL(" AND ").join(same),
            )
            row = conn.execute(query).fetchone()
            if row is not None and row[0]:
                broken.append(f"{table.name} ({', '.join(key.columns)}) -> {key.table}")
    conn.commit()
    return broken
