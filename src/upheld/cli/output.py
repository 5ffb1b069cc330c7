"""How commands print: tables for people, JSON for machines, progress on standard error."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.table import Table

from upheld.errors import UpheldError
from upheld.stores.postgres.worklist import Progress as Report

_UUID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_WIDE = 1_000


def count_of(number: int, thing: str) -> str:
    """Give `1 receipt`, `2,000 receipts`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def say_json(value: Any) -> None:  # noqa: ANN401  anything JSON
    """Print one JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def say(text: str) -> None:
    """Print a line for people."""
    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def say_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table for people; numbers stand right, and nothing where there are no rows.

    Where it is wider than the terminal, UUIDs are cut to the eight characters that
    tell them apart. In a file or a pipe nothing is cut or folded.
    """
    if not rows:
        return
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    numeric = [all(isinstance(row[at], int) for row in rows) for at in range(len(columns))]
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=_WIDE)
    table = _table(title, columns, cells, numeric)
    if Console(width=_WIDE).measure(table).maximum > console.width:
        short = [[_UUID.sub(r"\1…", cell) for cell in row] for row in cells]
        table = _table(title, columns, short, numeric)
    console.print(table)


def _table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]
) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for at, name in enumerate(columns):
        table.add_column(name, justify="right" if numeric[at] else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def say_error(error: UpheldError, *, as_json: bool) -> None:
    """Print an error on standard error."""
    if as_json:
        sys.stderr.write(json.dumps(error.as_json(), ensure_ascii=False) + "\n")
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    where = f"{error.where}: " if error.where else ""
    console.print(f"error: {where}{error.message}", markup=False, style="bold red")
    if error.help:
        console.print(f"  help: {error.help}", markup=False)


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Report]:
    """Show one bar per kind of work on standard error, where that is a terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _what, _done, _total: None
        return
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=max(total, 1))
            bars.update(tasks[what], completed=done, total=max(total, 1))

        yield report
