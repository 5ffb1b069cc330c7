"""What names a row: its key's columns, or, where it has none, a digest of the whole row.

The digest goes with the row's place (ctid), which finds it fast and tells equal
rows apart; a row that has moved since is not met, and the next round sees it.
Equal rows reach the same people, since ownership follows from what a row
holds, so they share a fate.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from upheld.datamap.live import LiveTable
from upheld.footprint.server import server_text


@dataclass(frozen=True, slots=True)
class RowKey:
    """A table's key: names and SQL types; `columns` is empty for a digest."""

    columns: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def is_digest(self) -> bool:
        """Say whether rows are named by a digest of all they hold."""
        return not self.columns

    @property
    def names(self) -> tuple[str, ...]:
        """Give the key's column names in work tables: k1, k2 and so on."""
        return tuple(f"k{index + 1}" for index in range(len(self.types)))

    def definition(self) -> sql.Composable:
        """Give the column definitions for a work table."""
        return sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), server_text(kind))
            for name, kind in zip(self.names, self.types, strict=True)
        )

    def list(self, alias: str | None = None) -> sql.Composable:
        """Give the work table's key columns, listed."""
        return sql.SQL(", ").join(
            sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in self.names
        )

    def of(self, alias: str) -> sql.Composable:
        """Give the key of the row `alias` of the table itself, listed."""
        return sql.SQL(", ").join(self.parts(alias))

    def parts(self, alias: str) -> tuple[sql.Composable, ...]:
        """Give the key's expressions for the row `alias` of the table itself."""
        if self.is_digest:
            digest = sql.SQL("sha256(convert_to(({})::text, 'UTF8'))").format(sql.Identifier(alias))
            places = ("ctid", "tableoid")[: len(self.types) - 1]
            return (digest, *(sql.Identifier(alias, place) for place in places))
        return tuple(sql.Identifier(alias, name) for name in self.columns)

    def match(self, alias: str, work: str) -> sql.Composable:
        """Say that the row `alias` is the one that the work row `work` names."""
        pairs = list(zip(self.parts(alias), self.names, strict=True))
        equal = [sql.SQL("{} = {}").format(p, sql.Identifier(work, name)) for p, name in pairs]
        if self.is_digest:
            # Not an equality: else the planner may digest every row of the table to join by it.
            part, name = pairs[0]
            equal[0] = sql.SQL("{} IS NOT DISTINCT FROM {}").format(
                part, sql.Identifier(work, name)
            )
        return sql.SQL(" AND ").join(equal)

    def same(self, left: str, right: str) -> sql.Composable:
        """Say that two work rows name the same row."""
        return sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name))
            for name in self.names
        )

    def shown(self, work: str) -> sql.Composable:
        """Give the key as one JSON text, for reports."""
        names: tuple[str, ...] = self.columns or ("sha256",)
        pairs = sql.SQL(", ").join(
            sql.SQL("{}, {}").format(sql.Literal(name), sql.Identifier(work, key))
            for name, key in zip(names, self.names, strict=False)
        )
        return sql.SQL("jsonb_build_object({})::text").format(pairs)


def row_key(table: LiveTable) -> RowKey:
    """Give the key of a live table."""
    if table.key:
        return RowKey(table.key, tuple(table.columns[name].type for name in table.key))
    return RowKey((), ("bytea", "tid", "oid") if table.partitioned else ("bytea", "tid"))
