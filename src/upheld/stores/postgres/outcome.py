"""What a committed worklist says of each person: rows by fate, and which rows go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from upheld.datamap.live import LiveSchema
from upheld.footprint.keys import row_key
from upheld.stores.postgres.footprint import Workspace
from upheld.stores.postgres.worklist import Plan


@dataclass(frozen=True, slots=True)
class Fate:
    """How many rows of a table have a fate, for person `n`."""

    n: int
    table: str
    fate: str
    rows: int


def fates(conn: psycopg.Connection[Any], live: LiveSchema, plan: Plan) -> Iterator[Fate]:
    """Give each person's rows by table and fate; a row counts once."""
    workspace = Workspace(plan.run)
    for table, work in plan.members:
        key = row_key(live.tables[table])
        query = sql.SQL(
            "SELECT n, fate, count(*) FROM (SELECT DISTINCT n, fate, {} FROM {} "
            "WHERE n IS NOT NULL) x GROUP BY n, fate ORDER BY n, fate"
        ).format(key.list(), workspace.name(work))
        for n, fate, rows in conn.execute(query):
            yield Fate(n, table, fate, rows)


def own_rows(
    conn: psycopg.Connection[Any], live: LiveSchema, plan: Plan
) -> Iterator[tuple[str, str, str]]:
    """Give (fate, table, key as JSON) of the leavers' own rows that go or are anonymised."""
    workspace = Workspace(plan.run)
    for table, work in plan.members:
        key = row_key(live.tables[table])
        query = sql.SQL(
            "SELECT fate, {shown} FROM (SELECT fate, {key} FROM {work} WHERE fate IN ('g', 'a') "
            "GROUP BY fate, {key} HAVING NOT bool_and(other)) w"
        ).format(shown=key.shown("w"), key=key.list(), work=workspace.name(work))
        for fate, shown in conn.execute(query):
            yield fate, table, shown
