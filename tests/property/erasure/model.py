"""The values that a case of the erasure property is made of: schema, rows, map, batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

# What a cell holds: the Python value that psycopg gives, save JSON, which stays text.
Cell = Any
Row = dict[str, Any]
Identifier = tuple[str, str]  # kind, value

# Name of a check -> its SQL over `{0}` and the same in Python.
CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "positive": ("{0} > 0", lambda value: value > 0),
    "natural": ("{0} >= 0", lambda value: value >= 0),
    "no stub": ("{0} NOT LIKE 'erased%'", lambda value: not value.startswith("erased")),
}

# Name of a generated column's function -> its SQL over `{0}` and the same in Python.
GENERATED: dict[str, tuple[str, Callable[[str], Any]]] = {
    "length": ("length({0})", len),
    "double": ("{0} || '/' || {0}", lambda value: f"{value}/{value}"),
}

MOODS = ("calm", "glad", "wild")


@dataclass(frozen=True)
class Column:
    """A column; `check` and `generated` name entries of CHECKS and GENERATED."""

    name: str
    type: str
    nullable: bool = True
    unique: bool = False
    check: str | None = None
    generated: tuple[str, str] | None = None  # function, column that it is made from


@dataclass(frozen=True)
class ForeignKey:
    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]
    on_delete: str = "NO ACTION"
    deferrable: bool = False


@dataclass(frozen=True)
class Table:
    """A table; without `key` its rows are told apart by nothing."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    unique_sets: tuple[tuple[str, ...], ...] = ()
    trigger: str | None = None  # "idle": a BEFORE UPDATE that changes nothing; "audit": logs

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def in_foreign_key(self, name: str) -> bool:
        return any(name in key.columns for key in self.foreign_keys)

    def is_unique(self, name: str) -> bool:
        """Tell whether the column is part of a unique key."""
        sets = (self.key, *self.unique_sets)
        return self.column(name).unique or any(name in columns for columns in sets)


@dataclass(frozen=True)
class Case:
    """One drawn case: everything that the engine and the oracle get."""

    tables: dict[str, Table]
    rows: dict[str, list[Row]]
    map: dict[str, Any]
    batch: list[list[Identifier]]
    today: date
    shapes: frozenset[str] = frozenset()  # what occurs in it, for the coverage test
    ignored: frozenset[str] = frozenset()  # tables that triggers write to


@dataclass(frozen=True)
class FreeText:
    """Stands for `erased-` and sixteen hexadecimal digits."""


@dataclass(frozen=True)
class Free:
    """Stands for a number or a UUID that the column did not hold before."""

    taken: frozenset[Any]


@dataclass(frozen=True)
class MaskedApart:
    """Stands for a masked cell of a unique column: each mask has digits of its own."""

    cell: Any


@dataclass(frozen=True)
class SameJson:
    """Stands for JSON text of equal meaning, whatever its blanks."""

    value: Any


@dataclass(frozen=True)
class SameList:
    """Stands for separated text with these elements, whatever the blanks."""

    elements: tuple[str, ...]
    separator: str


@dataclass(frozen=True)
class Change:
    """A change to a row that is not the batch's alone; `column` is None where the row goes."""

    table: str
    key: tuple[str, ...]
    column: str | None
    rules: frozenset[str]


@dataclass(frozen=True)
class Prediction:
    rows: dict[str, list[Row]]
    changes: frozenset[Change]
    kept: frozenset[tuple[str, tuple[str, ...]]]
    searched: frozenset[str] = field(default_factory=frozenset)  # identifiers that nothing may hold
