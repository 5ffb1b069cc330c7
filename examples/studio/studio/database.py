"""The service's connection to PostgreSQL: a pool, and statements by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from .statements import named

Row = dict[str, Any]
Connection = psycopg.Connection[DictRow]


class Statements:
    """`queries.sql`, read once, on first use."""

    @cached_property
    def by_name(self) -> dict[str, str]:
        """Give each statement's text."""
        return named("queries.sql")


@dataclass(frozen=True, slots=True)
class Database:
    """One connection in one transaction, with the statements that it may run."""

    conn: Connection
    statements: Statements

    def all(self, name: str, /, **values: Any) -> list[Row]:  # noqa: ANN401  any SQL value
        """Run a statement; every row. Mappings become JSON."""
        return self._run(name, values).fetchall()

    def one(self, name: str, /, **values: Any) -> Row | None:  # noqa: ANN401  any SQL value
        """Run a statement; the first row, or None."""
        return self._run(name, values).fetchone()

    def get(self, name: str, /, **values: Any) -> Any:  # noqa: ANN401  any SQL value
        """Run a statement that always gives a row; its first value."""
        row = self._run(name, values).fetchone()
        if row is None:
            raise LookupError(name)
        return next(iter(row.values()))

    def do(self, name: str, /, **values: Any) -> int:  # noqa: ANN401  any SQL value
        """Run a statement; how many rows it touched."""
        return self._run(name, values).rowcount

    def _run(self, name: str, values: dict[str, Any]) -> psycopg.Cursor[DictRow]:
        given = {
            key: Jsonb(value) if isinstance(value, dict) else value for key, value in values.items()
        }
        return self.conn.execute(self.statements.by_name[name], given)
