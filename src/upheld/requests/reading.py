"""Reads what is a person's, table by table, with other people masked or left out.

One pass serves a whole batch: each table is read once, ordered by person, and
the streams are walked side by side, so that memory does not grow with the batch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from upheld.datamap.model import DataMap, Path, Table, Term
from upheld.footprint.joins import table_name
from upheld.footprint.keys import row_key
from upheld.requests.package import ExportColumn, ExportObject, ExportTable, TableRows
from upheld.stores.objects import Objects
from upheld.stores.postgres.footprint import PERSON_PATH, Footprint

SOMEBODY_ELSE = "[somebody else]"
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w+])\+\d{7,15}(?!\w)")
_FETCH_ROWS = 2_000


@dataclass
class _Stream:
    """A table's rows of everybody, ordered by person, read as they are asked for."""

    table: ExportTable
    said: Table
    paths: tuple[Path, ...]
    rows: Iterator[tuple[Any, ...]]
    next: tuple[Any, ...] | None = None
    objects: list[tuple[str, str, str, str]] = field(default_factory=list)

    def advance(self) -> None:
        """Read one row on."""
        self.next = next(self.rows, None)


class Reading:
    """What one system holds of a batch. Use within the footprint's transaction."""

    def __init__(self, footprint: Footprint, objects: Mapping[str, Objects]) -> None:
        self.footprint = footprint
        self.datamap: DataMap = footprint.datamap
        self.objects = objects
        self.streams = [self._open(table) for table in footprint.tables]
        self.held = self._held()
        self.next_held = next(self.held, None)

    def people(self) -> set[int]:
        """Give the people of whom there is anything."""
        found: set[int] = set()
        for table in (t for t in self.footprint.tables if self.footprint.rows[t]):
            found.update(
                n
                for (n,) in self.footprint.conn.execute(
                    sql.SQL("SELECT DISTINCT n FROM {}").format(self.footprint.work(table))
                )
            )
        return found

    def of(self, n: int) -> Iterator[TableRows]:
        """Give person n's tables; ask for people in order, and read each table to its end."""
        own = self._own(n)
        for stream in self.streams:
            stream.objects.clear()
            while stream.next is not None and stream.next[0] < n:
                stream.advance()
            # Tables without a row of theirs too: the package says that they were searched.
            yield TableRows(stream.table, self._rows(stream, n, own))

    def objects_of(self) -> Iterator[ExportObject]:
        """Give the objects that the rows just read point to."""
        for stream in self.streams:
            for store, key, category, role in dict.fromkeys(stream.objects):
                if self.objects[store].exists(key):
                    yield ExportObject(
                        store,
                        key,
                        stream.table.name,
                        category,
                        role,
                        partial(self.objects[store].open, key),
                    )

    # -- streams -----------------------------------------------------------

    def _open(self, table: str) -> _Stream:
        said = self.datamap.tables[table]
        columns = tuple(
            ExportColumn(name, column.category, column.object)
            for name, column in said.columns.items()
            if column.export
        )
        title = table.replace("_", " ").capitalize()
        stream = _Stream(
            ExportTable(self.datamap.system, table, title, columns),
            said,
            said.paths,
            self._cursor(table, columns),
        )
        stream.advance()
        return stream

    def _cursor(self, table: str, columns: Sequence[ExportColumn]) -> Iterator[tuple[Any, ...]]:
        if not self.footprint.rows[table]:
            return iter(())
        cursor = self.footprint.conn.cursor(f"uf_read_{self.footprint.index[table]}")
        cursor.itersize = _FETCH_ROWS
        cursor.execute(self._query(table, columns))
        return iter(cursor)

    def _query(self, table: str, columns: Sequence[ExportColumn]) -> sql.Composed:
        live = self.footprint.live.tables[table]
        key = row_key(live)
        shown = sql.SQL("").join(
            sql.SQL(", {}").format(sql.Identifier("t0", c.name)) for c in columns
        )
        # Equal rows of a table without a key are each somebody's row: no grouping by key there.
        return sql.SQL(
            "SELECT w.n, w.paths{shown} FROM (SELECT n, {key}, array_agg(path) AS paths FROM "
            "{work} GROUP BY n, {key}) w, {table} AS t0 WHERE {match} ORDER BY w.n, {order}"
        ).format(
            shown=shown,
            key=key.list(),
            work=self.footprint.work(table),
            table=table_name(live),
            match=key.match("t0", "w"),
            order=key.list("w"),
        )

    def _held(self) -> Iterator[tuple[int, str]]:
        with self.footprint.conn.cursor("uf_held") as cursor:
            cursor.execute("SELECT n, value FROM uf_ident ORDER BY n")
            yield from cursor

    def _own(self, n: int) -> frozenset[str]:
        """Give person n's identifiers, in small letters."""
        own: set[str] = set()
        while self.next_held is not None and self.next_held[0] <= n:
            if self.next_held[0] == n:
                own.add(self.next_held[1].lower())
            self.next_held = next(self.held, None)
        return frozenset(own)

    # -- rows --------------------------------------------------------------

    def _rows(
        self, stream: _Stream, n: int, own: frozenset[str]
    ) -> Iterator[tuple[str, tuple[Any, ...]]]:
        names = [column.name for column in stream.table.columns]
        while stream.next is not None and stream.next[0] == n:
            paths, values = stream.next[1], stream.next[2:]
            role = _role(stream, paths)
            row = dict(zip(names, values, strict=True))
            if role == "owner" and len(stream.paths) <= 1:
                shown = tuple(values)
            else:
                shown = tuple(_without_others(stream, row, set(paths), role, own).values())
            if role != "mentioned":
                self._note_objects(stream, row, role)
            stream.advance()
            yield role, shown

    @staticmethod
    def _note_objects(stream: _Stream, row: dict[str, Any], role: str) -> None:
        for column in stream.table.columns:
            key = row[column.name]
            if column.object_store is not None and isinstance(key, str):
                strip = stream.said.columns[column.name].strip
                stream.objects.append(
                    (column.object_store, key.removeprefix(strip), column.category, role)
                )


def _role(stream: _Stream, paths: Sequence[int]) -> str:
    """Give the strongest role in which the person reaches the row."""
    roles = {"owner" if p == PERSON_PATH else stream.paths[p].role for p in paths}
    return next(role for role in ("owner", "co-owner", "mentioned") if role in roles)


def _without_others(
    stream: _Stream, row: dict[str, Any], paths: set[int], role: str, own: frozenset[str]
) -> dict[str, Any]:
    """Mask what tells of other people; of a row that is somebody else's show the link alone."""
    mine = {name for p in paths if p >= 0 for name in _local(stream.paths[p])}
    if role == "mentioned":
        row = {name: value if name in mine else None for name, value in row.items()}
    for number, path in enumerate(stream.paths):
        term = path.via[0].start
        for name in term.used:
            if row.get(name) is None:
                continue
            if term.columns:
                if number not in paths and name not in mine and _links_to_people(path):
                    row[name] = SOMEBODY_ELSE
            else:
                row[name] = _only_own(row[name], term, own)
    if role != "owner":
        row = {name: _mask_text(value, own) for name, value in row.items()}
    return row


def _local(path: Path) -> tuple[str, ...]:
    where = path.via[0].where
    return (*path.via[0].start.used, *(test.column for test in (where.tests if where else ())))


def _links_to_people(path: Path) -> bool:
    """Say whether the path's local column names somebody directly."""
    return len(path.via) == 1 and not path.via[0].start.is_many


def _only_own(value: Any, term: Term, own: frozenset[str]) -> Any:  # noqa: ANN401  a column's value
    """Mask the elements or JSON values at `term` that are not the person's own."""
    if term.array is not None and isinstance(value, list):
        return [_own_or_else(item, own) for item in value]
    if term.list_column is not None and isinstance(value, str):
        parts = [part.strip() for part in value.split(term.separator)]
        return term.separator.join(str(_own_or_else(part, own)) for part in parts if part)
    return _only_own_json(value, term.path, own)


def _only_own_json(value: Any, path: Sequence[str], own: frozenset[str]) -> Any:  # noqa: ANN401  JSON
    if not path:
        return _own_or_else(value, own)
    step, rest = path[0], path[1:]
    if step == "[*]" and isinstance(value, list):
        return [_only_own_json(item, rest, own) for item in value]
    if isinstance(value, dict) and step in value:
        return {**value, step: _only_own_json(value[step], rest, own)}
    return value


def _own_or_else(item: Any, own: frozenset[str]) -> Any:  # noqa: ANN401  an element
    return item if item is None or str(item).lower() in own else SOMEBODY_ELSE


def _mask_text(value: Any, own: frozenset[str]) -> Any:  # noqa: ANN401  a column's value
    """Mask addresses and numbers of other people in text that is not the person's alone."""
    if isinstance(value, str):
        for pattern in (_EMAIL, _PHONE):
            value = pattern.sub(
                lambda found: found[0] if found[0].lower() in own else SOMEBODY_ELSE, value
            )
        return value
    if isinstance(value, list):
        return [_mask_text(item, own) for item in value]
    if isinstance(value, dict):
        return {key: _mask_text(item, own) for key, item in value.items()}
    return value


def snapshot(conn: psycopg.Connection[Any]) -> None:
    """Open the transaction that all of a reading happens in."""
    conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
