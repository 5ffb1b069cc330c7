"""Search a whole database for identifiers, and mask them where they stand.

One COPY per table streams keys and searchable columns past one automaton, in
blocks that psql pumps. Only rows that it points at are read again, decided
exactly, and rewritten under a guard, so that a row that somebody else changed
meanwhile is left for the next search. Memory stays flat: a block at a time.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from upheld.database.dump import copy_out
from upheld.datamap.live import LiveColumn, LiveSchema, LiveTable
from upheld.datamap.model import DataMap
from upheld.footprint.joins import table_name
from upheld.footprint.keys import RowKey, row_key
from upheld.footprint.server import server_text
from upheld.search.needles import MASK, Needles
from upheld.stores.postgres.footprint import Workspace
from upheld.stores.postgres.worklist import Plan, Progress

_BATCH_ROWS = 500
_NIL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Mention:
    """A column of a row that holds identifiers; `new` is what masking makes of it."""

    column: str
    old: Any
    new: Any
    identifiers: frozenset[int]


@dataclass(frozen=True, slots=True)
class RowHit:
    """A row that mentions somebody."""

    table: str
    key: tuple[Any, ...]
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Masked:
    """How many rows mention somebody, and how many of them were rewritten."""

    found: int
    changed: int


class Sweep:
    """A search of one database for the needles; `plan` names the rows that are kept."""

    def __init__(
        self, conn: psycopg.Connection[Any], datamap: DataMap, live: LiveSchema, plan: Plan
    ) -> None:
        self.conn = conn
        self.datamap = datamap
        self.live = live
        self.plan = plan
        self.workspace = Workspace(plan.run)
        self.members = dict(plan.members)

    def search(self, needles: Needles, progress: Progress) -> Iterator[RowHit]:
        """Give every row that stays, is not kept, and holds an identifier as a whole token."""
        tables = [t for t in self.live.tables.values() if self.columns(t)]
        total = int(sum(max(t.rows, 1) for t in tables))
        done, so_far, near = 0, 0, list[tuple[str, ...]]()
        for number, block in self._blocks(tables) if len(needles) else ():
            while done < number:
                yield from self._exactly(tables[done], near, needles)
                so_far += int(max(tables[done].rows, 1))
                progress(tables[done].name, so_far, total)
                done, near = done + 1, []
            near += _keys_near(block, needles, len(row_key(tables[done]).types))
        for table in tables[done:]:
            yield from self._exactly(table, near, needles)
            near = []
        progress("search", total, total)

    def _blocks(self, tables: Sequence[LiveTable]) -> Iterator[tuple[int, bytes]]:
        """Stream keys and searchable columns of each table, in blocks of whole lines."""
        info = self.conn.info
        conninfo = make_conninfo("", **info.get_parameters(), password=info.password or None)
        queries = [self._query(table).as_string(self.conn) for table in tables]
        return copy_out(conninfo, queries)

    def columns(self, table: LiveTable) -> tuple[LiveColumn, ...]:
        """Give the columns that are searched."""
        said = self.datamap.tables.get(table.name)
        skipped = {n for n, c in said.columns.items() if not c.search} if said else set()
        return tuple(
            column
            for column in table.columns.values()
            if column.name not in skipped
            and not column.generated
            and not column.labels
            and (
                column.is_text
                or column.is_json
                or column.is_text_array
                or column.base in {"bytea", "uuid", "_uuid"}
            )
        )

    def _query(self, table: LiveTable) -> sql.Composed:
        key = row_key(table)
        return sql.SQL(
            "COPY (SELECT {key}, {columns} FROM {table} AS t0 WHERE {stays}) TO STDOUT"
        ).format(
            key=sql.SQL(", ").join(sql.SQL("{}::text").format(p) for p in key.parts("t0")),
            columns=sql.SQL(", ").join(self._shown(column) for column in self.columns(table)),
            table=table_name(table),
            stays=self._not_kept(table, key),
        )

    @staticmethod
    def _shown(column: LiveColumn) -> sql.Composable:
        name = sql.Identifier("t0", column.name)
        if column.base == "bytea":
            # Printable bytes as they are, so that text within is found as text.
            return sql.SQL("encode({}, 'escape')").format(name)
        return name

    def _not_kept(self, table: LiveTable, key: RowKey) -> sql.Composable:
        said = self.datamap.tables.get(table.name)
        if said is None or said.erase.keep is None or table.name not in self.members:
            return sql.SQL("true")
        return sql.SQL("NOT EXISTS (SELECT 1 FROM {} w WHERE w.fate = 'k' AND {})").format(
            self.workspace.name(self.members[table.name]), key.match("t0", "w")
        )

    def _exactly(
        self, table: LiveTable, near: Sequence[tuple[str, ...]], needles: Needles
    ) -> Iterator[RowHit]:
        for start in range(0, len(near), _BATCH_ROWS):
            yield from self._batch(table, near[start : start + _BATCH_ROWS], needles)

    def _batch(
        self, table: LiveTable, near: Sequence[tuple[str, ...]], needles: Needles
    ) -> Iterator[RowHit]:
        """Read rows again and decide; equal rows of a table without a key come once."""
        columns, key = self.columns(table), row_key(table)
        shown = [
            sql.SQL("{}::text").format(sql.Identifier("t0", c.name))
            if c.is_json
            else sql.SQL("{}::text[]").format(sql.Identifier("t0", c.name))
            if c.kind == "A"
            else sql.SQL("{}::text").format(sql.Identifier("t0", c.name))
            if c.base != "bytea"
            else sql.Identifier("t0", c.name)
            for c in columns
        ]
        arrays = sql.SQL(", ").join(
            sql.SQL("%s::text[]::{}[]").format(server_text(kind)) for kind in key.types
        )
        query = sql.SQL(
            "SELECT DISTINCT ON ({key}) {key}, {columns} FROM unnest({arrays}) AS w({names}), "
            "{table} AS t0 WHERE {match}"
        ).format(
            key=key.list("w"),
            columns=sql.SQL(", ").join(shown),
            arrays=arrays,
            names=key.list(),
            table=table_name(table),
            match=key.match("t0", "w"),
        )
        lists = [list(values) for values in zip(*near, strict=True)]
        width = len(key.types)
        for row in self.conn.execute(query, lists).fetchall():
            mentions = tuple(
                mention
                for column, value in zip(columns, row[width:], strict=True)
                if value is not None
                and (mention := _mention(table, column, value, needles)) is not None
            )
            if mentions:
                yield RowHit(table.name, tuple(row[:width]), mentions)

    # -- masking -----------------------------------------------------------

    def mask(self, needles: Needles, progress: Progress) -> Masked:
        """Mask every mention, a batch of rows at a time, each with its entry in the report."""
        hits = list(self.search(needles, progress))
        self.conn.commit()
        changed = 0
        for start in range(0, len(hits), _BATCH_ROWS):
            batch = hits[start : start + _BATCH_ROWS]
            try:
                with self.conn.transaction():
                    changed += sum(self._rewrite(hit) for hit in batch)
            except (psycopg.IntegrityError, psycopg.DataError):
                changed += self._one_by_one(batch)
        return Masked(len(hits), changed)

    def _one_by_one(self, batch: list[RowHit]) -> int:
        """Rewrite what can be; what a constraint refuses stays, and the next search says so."""
        changed = 0
        for hit in batch:
            try:
                with self.conn.transaction():
                    changed += self._rewrite(hit)
            except (psycopg.IntegrityError, psycopg.DataError):
                continue
        return changed

    def _rewrite(self, hit: RowHit) -> int:
        table = self.live.tables[hit.table]
        key = row_key(table)
        changeable = [m for m in hit.mentions if m.new is not m.old]
        if not changeable:
            return 0
        sets, guards, values, olds = [], [], [], []
        for mention in changeable:
            column = table.columns[mention.column]
            kind = server_text(column.type)
            name = sql.Identifier(column.name)
            sets.append(sql.SQL("{} = %s::{}").format(name, kind))
            if column.kind == "A":
                guards.append(sql.SQL("t0.{}::text[] = %s::text[]").format(name))
            elif column.base == "bytea":
                guards.append(sql.SQL("t0.{} = %s::bytea").format(name))
            else:
                guards.append(sql.SQL("t0.{}::text = %s").format(name))
            values.append(mention.new)
            olds.append(mention.old)
        match = sql.SQL(" AND ").join(
            sql.SQL("{} = %s::{}").format(part, server_text(kind))
            for part, kind in zip(key.parts("t0"), key.types, strict=True)
        )
        rows = self.conn.execute(
            sql.SQL("UPDATE {} AS t0 SET {} WHERE {} AND {}").format(
                table_name(table), sql.SQL(", ").join(sets), match, sql.SQL(" AND ").join(guards)
            ),
            [*values, *hit.key, *olds],
        ).rowcount
        if rows and not self._is_own(table, hit):
            self._report(table, hit, changeable)
        return min(rows, 1)

    def _is_own(self, table: LiveTable, hit: RowHit) -> bool:
        """Say whether the row is one of the leavers' own, anonymised and kept in place."""
        if table.name not in self.members:
            return False
        key = row_key(table)
        match = sql.SQL(" AND ").join(
            sql.SQL("{} = %s::{}").format(sql.Identifier(name), server_text(kind))
            for name, kind in zip(key.names, key.types, strict=True)
        )
        return (
            self.conn.execute(
                sql.SQL("SELECT 1 FROM {} WHERE fate = 'a' AND {} LIMIT 1").format(
                    self.workspace.name(self.members[table.name]), match
                ),
                list(hit.key),
            ).fetchone()
            is not None
        )

    def _report(self, table: LiveTable, hit: RowHit, mentions: list[Mention]) -> None:
        key = row_key(table)
        names: tuple[str, ...] = key.columns or ("sha256",)
        pairs = sql.SQL(", ").join(
            sql.SQL("{}, %s::{}").format(sql.Literal(name), server_text(kind))
            for name, kind in zip(names, key.types, strict=False)
        )
        for mention in mentions:
            self.conn.execute(
                sql.SQL(
                    "INSERT INTO upheld_work.changed VALUES ({}, {}, "
                    "jsonb_build_object({})::text, {}, 'mask')"
                ).format(
                    sql.Literal(self.plan.run),
                    sql.Literal(table.name),
                    pairs,
                    sql.Literal(mention.column),
                ),
                list(hit.key[: len(names)]),
            )


def _keys_near(data: bytes, needles: Needles, width: int) -> Iterator[tuple[str, ...]]:
    """Give the keys of the lines in which something like an identifier begins."""
    end = 0
    for offset in needles.near(data):
        if offset < end:
            continue
        start = data.rfind(b"\n", 0, offset) + 1
        end = data.find(b"\n", offset) + 1 or len(data)
        fields = data[start:end].rstrip(b"\n").split(b"\t", width)[:width]
        yield tuple(_unescape(field) for field in fields)


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COPY = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _unescape(field: bytes) -> str:
    """Undo COPY's text escapes."""
    text = field.decode()
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _COPY.get(found[1], found[1]), text)


def _mention(
    table: LiveTable,
    column: LiveColumn,
    value: Any,  # noqa: ANN401  a column's value
    needles: Needles,
) -> Mention | None:
    """Decide one column; `new` is `old` itself where it cannot be masked."""
    if column.base == "bytea":
        data, hits = needles.mask_bytes(bytes(value))
        found = frozenset(hit.identifier for hit in hits)
        return Mention(column.name, bytes(value), data, found) if found else None
    if column.kind == "A":
        parts = [needles.mask(item) if item is not None else (None, []) for item in value]
        found = frozenset(hit.identifier for _, hits in parts for hit in hits)
        masked = [
            _fits_uuid(new, old) if column.base == "_uuid" else new
            for (new, _), old in zip(parts, value, strict=True)
        ]
        return Mention(column.name, value, masked, found) if found else None
    if column.base == "uuid":
        hits = needles.find(value)
        if not hits:
            return None
        new: Any = None if column.nullable else _NIL
        if table.is_unique(column.name) or (new is not None and table.foreign_keys_of(column.name)):
            new = value
        return Mention(column.name, value, new, frozenset(hit.identifier for hit in hits))
    # In a unique column two masks must not meet.
    mask = f"[erased-{secrets.token_hex(8)}]" if table.is_unique(column.name) else MASK
    masked_text, hits = (
        needles.mask_json(value, mask) if column.is_json else needles.mask(value, mask)
    )
    if not hits:
        return None
    if column.max_length and len(masked_text) > column.max_length:
        masked_text = masked_text.replace(mask, mask[: min(h.end - h.start for h in hits)])
    return Mention(column.name, value, masked_text, frozenset(h.identifier for h in hits))


def _fits_uuid(new: str | None, old: str | None) -> str | None:
    if new is None or new == old:
        return old
    return str(uuid.UUID(_NIL))
