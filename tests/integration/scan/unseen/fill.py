"""Fill the tables of schema.sql: the same rows on every run."""

from __future__ import annotations

from pathlib import Path

import psycopg


def fill(connection: psycopg.Connection) -> None:
    """Run fill.sql and commit."""
    connection.execute(Path(__file__).with_name("fill.sql").read_bytes())
    connection.commit()
