"""Text that the server itself gave and that goes back as SQL: types and CHECK expressions."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql


def server_text(text: LiteralString | str) -> sql.SQL:
    """Take the server's own SQL text (`format_type`, `pg_get_expr`) as it is.

    The one place where text that is not in our source becomes SQL: it comes from
    the catalog of the very database that it is sent back to, never from a person.
    """
    return sql.SQL(text)
