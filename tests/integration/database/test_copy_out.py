"""Rows pumped by psql arrive whole, in blocks, and by query."""

from __future__ import annotations

import pytest

from upheld.database.dump import copy_out
from upheld.errors import StoreError


def collected(conninfo: str, *queries: str) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for number, block in copy_out(conninfo, queries):
        assert block == b"" or block.endswith(b"\n")
        found[number] = found.get(number, b"") + block
    return found


def test_queries_are_told_apart_whatever_their_rows_hold(database: str) -> None:
    found = collected(
        database,
        r"COPY (SELECT x FROM (VALUES ('a'), ('\.0'), ('b\.0'), (E'\n\\.1')) v(x)) TO STDOUT",
        "COPY (SELECT 1 WHERE false) TO STDOUT",
        "COPY (SELECT repeat('x', 700000) FROM generate_series(1, 4)) TO STDOUT",
    )
    assert found[0] == b"a\n\\\\.0\nb\\\\.0\n\\n\\\\.1\n"
    assert found[1] == b""
    assert found[2] == (b"x" * 700_000 + b"\n") * 4


def test_a_query_that_fails_is_told(database: str) -> None:
    with pytest.raises(StoreError, match="reading the database failed"):
        collected(database, "COPY (SELECT * FROM nothing) TO STDOUT")
