"""A data map held against a live schema: what nobody mapped, what is gone, what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from upheld.datamap.live import LiveSchema, LiveTable
from upheld.datamap.model import Anonymise, DataMap, Table

UNKNOWN_CATEGORY = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: a stable rule id, how bad, where, what, and what to do."""

    rule: str
    severity: Literal["error", "warning"]
    table: str
    column: str | None
    message: str
    help: str


def check_map(datamap: DataMap, live: LiveSchema) -> tuple[Finding, ...]:
    """Give every finding, errors first."""
    found = [*_gone(datamap, live), *_unmapped(datamap, live)]
    for name, table in datamap.tables.items():
        there = live.tables.get(name)
        if there is not None:
            found.extend(_table(name, table, there))
    return tuple(sorted(found, key=lambda f: (f.severity != "error", f.table, f.column or "")))


def _gone(datamap: DataMap, live: LiveSchema) -> Iterator[Finding]:
    for name, table in datamap.tables.items():
        there = live.tables.get(name)
        if there is None:
            yield Finding(
                "map/table-gone",
                "error",
                name,
                None,
                f"the map names the table `{name}`, which the database does not have",
                "remove it from the map, or correct its name",
            )
            continue
        for column in table.columns:
            if column not in there.columns:
                yield Finding(
                    "map/column-gone",
                    "error",
                    name,
                    column,
                    f"the map names the column `{name}.{column}`, which is not there",
                    "remove it from the map, or correct its name",
                )


def _unmapped(datamap: DataMap, live: LiveSchema) -> Iterator[Finding]:
    for name, there in live.tables.items():
        table = datamap.tables.get(name)
        if table is None:
            yield Finding(
                "map/table-unmapped",
                "error",
                name,
                None,
                f"nobody mapped the table `{name}`",
                "map its columns and paths, or say `nobody: true`",
            )
            continue
        if table.nobody and not table.columns:
            continue
        for column in there.columns:
            if column not in table.columns:
                yield Finding(
                    "map/column-unmapped",
                    "error",
                    name,
                    column,
                    f"nobody mapped the column `{name}.{column}`",
                    "give it a category",
                )


def _table(name: str, table: Table, there: LiveTable) -> Iterator[Finding]:
    if not (table.nobody or table.person or table.paths):
        yield Finding(
            "map/no-path",
            "error",
            name,
            None,
            f"`{name}` holds personal data and no path leads to its people",
            "add a path, or say `nobody: true`",
        )
    if table.person is not None and len(there.key) != 1:
        yield Finding(
            "map/person-key",
            "error",
            name,
            None,
            f"the person table `{name}` has no key of one column",
            "point `person` at a table with such a key",
        )
    for column, said in table.columns.items():
        if said.category == UNKNOWN_CATEGORY:
            yield Finding(
                "map/unknown-category",
                "warning",
                name,
                column,
                f"the category of `{name}.{column}` is still unknown",
                "review it and name its category",
            )
    keep = table.erase.keep
    for anonymise in (table.erase.anonymise, keep.anonymise if keep else None):
        if anonymise is not None:
            yield from _anonymised(name, anonymise, there)


def _anonymised(name: str, anonymise: Anonymise, there: LiveTable) -> Iterator[Finding]:
    for column, value in anonymise.columns:
        live = there.columns.get(column)
        if live is None:
            continue
        if live.generated:
            yield Finding(
                "map/generated-column",
                "error",
                name,
                column,
                f"`{name}.{column}` is computed and cannot be set",
                "anonymise the columns that it is computed from",
            )
        elif value is None and not live.nullable:
            yield Finding(
                "map/not-null",
                "error",
                name,
                column,
                f"`{name}.{column}` cannot be null",
                "give a value, or write `auto` for a valid replacement",
            )
