"""A live schema as values: what a database says of itself.

Read by a store (`stores.postgres.catalog`), used by pure code that plans.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column.

    `kind` is PostgreSQL's type category (S text, N number, A array and so on).

    `base` is the type's short name (`int8`, `_text`, `jsonb`); `max_length` is
    in characters, for varchar(n) and char(n).
    """

    name: str
    type: str
    kind: str
    base: str
    nullable: bool
    generated: bool = False
    identity: str = ""
    has_default: bool = False
    max_length: int | None = None
    labels: tuple[str, ...] = ()
    comment: str | None = None

    @property
    def is_text(self) -> bool:
        """Say whether values are text that can be searched and rewritten."""
        return self.kind == "S" or self.base == "citext"

    @property
    def is_json(self) -> bool:
        """Say whether the column is json or jsonb."""
        return self.base in {"json", "jsonb"}

    @property
    def is_text_array(self) -> bool:
        """Say whether the column is an array of text."""
        return self.base in {"_text", "_varchar", "_bpchar", "_citext"}


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; `on_delete` is PostgreSQL's letter: a, r, c, n, d."""

    name: str
    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]
    on_delete: str
    deferrable: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint and the columns that it reads."""

    name: str
    columns: tuple[str, ...]
    expression: str


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table or a partitioned table; `name` is as a data map writes it."""

    name: str
    schema: str
    relation: str
    partitioned: bool
    rows: float
    columns: dict[str, LiveColumn]
    primary_key: tuple[str, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    fks: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    comment: str | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Give the columns that name a row: the primary key, or a unique key never null.

        Empty where there is none and equal rows may stand side by side.
        """
        if self.primary_key:
            return self.primary_key
        for columns in self.uniques:
            if all(not self.columns[name].nullable for name in columns):
                return columns
        return ()

    def is_unique(self, column: str) -> bool:
        """Say whether a unique key holds `column`."""
        return any(column in columns for columns in (self.primary_key, *self.uniques))

    def foreign_keys_of(self, column: str) -> tuple[ForeignKey, ...]:
        """Give the foreign keys that `column` is part of."""
        return tuple(key for key in self.fks if column in key.columns)


@dataclass(frozen=True, slots=True)
class LiveSchema:
    """Every table of a database, by its name in a data map."""

    tables: dict[str, LiveTable] = field(default_factory=dict)
