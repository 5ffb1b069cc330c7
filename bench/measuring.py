"""What all measurements share: databases to work on, digests, and how a figure is written down."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from rich.console import Console

from upheld.database.embedded import EmbeddedServer
from upheld.datamap import DataMap, load_map_text

ROOT = Path(__file__).parents[1]
MAP = ROOT / "examples/studio/privacy/maps/studio.yaml"


def map_without_files() -> DataMap:
    """Read Studio's map without its object columns: the baselines are SQL, and remove no files."""
    return load_map_text(MAP.read_text(encoding="utf-8").replace(", object: media", ""), MAP)


@dataclass(frozen=True)
class Measurement:
    """One figure beside its baseline; `ratio` is value / baseline."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    aim: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the figure with the machine it was measured on."""
        return {**asdict(self), "machine": machine()}


def machine() -> dict[str, Any]:
    """Say on what it was measured."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


@dataclass
class Bench:
    """A server with master databases, and the figures so far."""

    server: EmbeddedServer
    console: Console
    people: int
    keys: Path
    figures: list[Measurement] = field(default_factory=list)

    def add(
        self,
        name: str,
        times: tuple[float, float | None],
        unit: str,
        aim: str,
        **parameters: Any,  # noqa: ANN401  JSON
    ) -> None:
        """Note a figure (value, baseline) and show it."""
        value, baseline = times
        ratio = value / baseline if baseline else None
        self.figures.append(
            Measurement(
                name,
                round(value, 4),
                unit,
                round(baseline, 4) if baseline else None,
                round(ratio, 3) if ratio else None,
                aim,
                parameters,
            )
        )
        shown = f" / baseline {baseline:,.3f} = [bold]{ratio:.2f}[/]" if ratio else ""
        self.console.print(f"  {name}: {value:,.3f} {unit}{shown} (aim {aim})")

    @contextmanager
    def copy(self, master: str) -> Iterator[str]:
        """Give the address of a fresh copy of a master database, warm and checkpointed."""
        name = f"copy_{time.monotonic_ns()}"
        with psycopg.connect(self.server.conninfo("postgres"), autocommit=True) as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(master)
                )
            )
            conn.execute("CHECKPOINT")
        try:
            yield self.server.conninfo(name)
        finally:
            with psycopg.connect(self.server.conninfo("postgres"), autocommit=True) as conn:
                conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def timed(work: Callable[[], object]) -> float:
    """Run `work` and give its seconds."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(values: list[float]) -> float:
    """Give the median."""
    return statistics.median(values)


# Set by Studio's own triggers to the time of the change.
_TIMES = ("updated_at",)


def digests(conninfo: str) -> dict[str, str]:
    """Give a digest per table that does not depend on the order of its rows."""
    found = {}
    with psycopg.connect(conninfo) as conn:
        for (table,) in conn.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND "
            "relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1"
        ).fetchall():
            columns = conn.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
                "AND NOT attisdropped AND attname <> ALL (%s) ORDER BY attnum",
                (table, list(_TIMES)),
            ).fetchall()
            query = sql.SQL(
                "SELECT count(*) || ':' || coalesce(sum(hash_record_extended(t, 0)::numeric), 0) "
                "FROM (SELECT {} FROM {}) t"
            ).format(
                sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns),
                sql.Identifier(table),
            )
            row = conn.execute(query).fetchone()
            found[table] = row[0] if row else ""
    return found
