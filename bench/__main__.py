"""`python -m bench`: every claim of speed as a ratio to a baseline in the same run."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from studio.fill import fill

from bench import erasing, reading
from bench.measuring import MAP, Bench
from upheld.database.embedded import open_server
from upheld.datamap import load_map
from upheld.requests.stores import Stores
from upheld.stores.objects import Objects

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Fill, measure, print, write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth; written only with --out")
    parser.add_argument("--out", type=Path, help=f"where to write; {RESULTS.name} beside this file")
    options = parser.parse_args()
    out = options.out or (None if options.quick else RESULTS)
    people, count = (20_000, 1_000) if options.quick else (200_000, 10_000)
    console = Console(width=100)
    with tempfile.TemporaryDirectory(prefix="upheld-bench-") as folder:
        home = Path(folder)
        with open_server(home / "home") as server:
            bench = Bench(server, console, people, home / "keys")
            _fill(bench, "large", people, None)
            whole = erasing.batch(bench, count, repeats=3)
            erasing.single(bench, repeats=15)
            erasing.linear(bench, (count // 4, count // 2, count), whole)
            erasing.search(bench, count, repeats=3)
            erasing.memory(bench, tuple(sorted({100, 1_000, count})))
            _packages(bench, home, 2_000, 1_000)
    _show(bench)
    if out is not None:
        figures = [one.as_json() for one in bench.figures]
        text = json.dumps(figures, indent=1, ensure_ascii=False)
        out.write_text(text + "\n", encoding="utf-8")


def _fill(bench: Bench, name: str, people: int, objects: Path | None) -> None:
    bench.server.ensure_database(name)
    with bench.console.status(f"filling {name} with {people:,} people"):
        made = fill(bench.server.conninfo(name), objects, people=people)
        with psycopg.connect(bench.server.conninfo(name), autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")
    bench.console.print(f"{name}: {people:,} people, {sum(made.rows.values()):,} rows")


def _packages(bench: Bench, home: Path, people: int, count: int) -> None:
    _fill(bench, "small", people, home / "objects")
    conninfo = bench.server.conninfo("small")
    with erasing.stores(bench, conninfo) as wired:
        objects = Objects("media", f"file://{home / 'objects'}")
        whole = Stores(
            wired.conn,
            wired.keys,
            {"studio": load_map(MAP)},
            wired.systems,
            {"media": objects},
            wired.reports,
            wired.clock,
        )
        reading.packages(bench, whole, conninfo, count)
        reading.memory(bench, conninfo, home / "objects", (count // 10, count))


def _show(bench: Bench) -> None:
    table = Table(title="Measured in one run", title_justify="left")
    for name in ("what", "value", "baseline", "ratio", "aim"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for one in bench.figures:
        baseline = f"{one.baseline:,.2f} {one.unit}" if one.baseline else "-"
        ratio = f"{one.ratio:.2f}" if one.ratio else "-"
        table.add_row(one.name, f"{one.value:,.2f} {one.unit}", baseline, ratio, one.aim)
    bench.console.print(table)


if __name__ == "__main__":
    main()
