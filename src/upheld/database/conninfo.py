"""Connection strings, whose password shows in no traceback and no process list; connecting."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from upheld.errors import StoreError


class Conninfo(str):
    """A connection string of libpq; its repr says where it leads, without the password."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Hide the password."""
        return f"Conninfo({make_conninfo('', **split_secret(self)[0])!r})"


def split_secret(conninfo: str) -> tuple[dict[str, Any], str | None]:
    """Give the parameters without the password, and the password.

    Raises `StoreError`, which quotes nothing, when libpq cannot read the string.
    """
    try:
        parameters = conninfo_to_dict(conninfo)
    except ProgrammingError:
        raise StoreError(
            "the database URL cannot be read",
            help="it looks like `postgresql://user:password@host:5432/name`; "
            "percent-encode special characters",
        ) from None
    secret = parameters.pop("password", None)
    return parameters, None if secret is None else str(secret)


def connect(conninfo: str, *, autocommit: bool = False) -> Connection[TupleRow]:
    """Connect; raises `StoreError`, without the password, when the server is down or refuses."""
    parameters, secret = split_secret(conninfo)
    named: dict[str, Any] = {"application_name": "upheld"}
    if "application_name" in parameters:
        named.clear()
    try:
        return psycopg.connect(conninfo, autocommit=autocommit, **named)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        if secret:
            reason = reason.replace(secret, "…")
    # Raised outside the handler: the driver's error would show its own text in a traceback.
    raise StoreError(
        f"cannot connect to the database: {reason}",
        help="check that the server runs and that the URL, the user and the password are right",
    )
