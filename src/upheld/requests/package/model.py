"""What goes into an access package, and what came of it: values only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column that is shown; `object_store` names the store that its values are keys in."""

    name: str
    category: str
    object_store: str | None


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A table; `title` is for people, `system` and `name` are the data map's."""

    system: str
    name: str
    title: str
    columns: tuple[ExportColumn, ...]


@dataclass(frozen=True, slots=True)
class ExportObject:
    """An object; `open` gives its bytes in chunks, and is called once, when its turn comes.

    `table` is the name of the table whose row points to it, `role` that row's role.
    """

    store: str
    key: str
    table: str
    category: str
    role: str
    open: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class TableRows:
    """A table's rows, read once: (role, one value per column), other people already masked.

    Values are None, bool, int, float, str, Decimal, date, time, datetime,
    timedelta, UUID, bytes, list or dict; anything else is shown as `str` gives it.
    """

    table: ExportTable
    rows: Iterator[tuple[str, tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class About:
    """What the package is; `systems` and `notes` hold one line for people each."""

    request: str
    made_at: datetime
    controller: str
    systems: tuple[str, ...]
    subject_label: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackageJob:
    """The arguments of one `write_package`, for `write_packages`."""

    target: Path
    about: About
    tables: Iterable[TableRows]
    objects: Iterable[ExportObject]


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """What was written.

    `files` counts the files in the zip, `bytes` is the zip's size, `rows` gives
    (system, table) -> rows for every table, empty ones too. `manifest_sha256`
    (hexadecimal) commits to every byte of every file.
    """

    target: Path
    files: int
    bytes: int
    rows: dict[tuple[str, str], int]
    objects: int
    manifest_sha256: str
