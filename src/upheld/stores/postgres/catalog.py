"""Read a PostgreSQL database's own description of itself."""

from __future__ import annotations

from importlib import resources
from typing import Any

import psycopg

from upheld.datamap.live import Check, ForeignKey, LiveColumn, LiveSchema, LiveTable


def read_schema(conn: psycopg.Connection[Any]) -> LiveSchema:
    """Give the live schema, in one query. Partitions stand behind their parent."""
    query = resources.files("upheld.stores.postgres").joinpath("sql/catalog.sql").read_bytes()
    row = conn.execute(query).fetchone()
    tables = [_table(said) for said in (row[0] if row else [])]
    return LiveSchema({table.name: table for table in tables})


def _table(said: dict[str, Any]) -> LiveTable:
    uniques = [(tuple(u["columns"] or ()), u["primary"]) for u in said["uniques"]]
    return LiveTable(
        name=said["name"],
        schema=said["schema"],
        relation=said["relation"],
        partitioned=said["partitioned"],
        rows=said["rows"],
        comment=said["comment"],
        columns={
            c["name"]: LiveColumn(**{**c, "labels": tuple(c["labels"] or ())})
            for c in said["columns"]
        },
        primary_key=next((columns for columns, primary in uniques if primary), ()),
        uniques=tuple(columns for columns, primary in uniques if not primary),
        fks=tuple(
            ForeignKey(
                name=k["name"],
                columns=tuple(k["columns"]),
                to=k["to"],
                to_columns=tuple(k["to_columns"]),
                on_delete=k["on_delete"],
                deferrable=k["deferrable"],
            )
            for k in said["fks"]
        ),
        checks=tuple(
            Check(k["name"], tuple(k["columns"] or ()), k["expression"]) for k in said["checks"]
        ),
    )
