"""Erasure against hand-written SQL: a batch, one person, the search, and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from bench.measuring import ROOT, Bench, digests, map_without_files, median, timed
from upheld.database.conninfo import Conninfo, connect
from upheld.database.dump import postgres_tool
from upheld.database.migrations import migrate
from upheld.evidence import ensure_keys
from upheld.requests.asking import Ask
from upheld.requests.erasure import Erasing
from upheld.requests.stores import Stores
from upheld.search.needles import Needles
from upheld.stores.postgres.erasure import Erasure, silent
from upheld.stores.postgres.sweep import Sweep
from upheld.stores.postgres.worklist import Execution

BASELINE = Path(__file__).with_name("baseline.sql")


@contextmanager
def stores(bench: Bench, conninfo: str) -> Iterator[Stores]:
    """Wire an engine to one copy of Studio, with an engine database of its own."""
    bench.server.ensure_database("upheld")
    with (
        connect(bench.server.conninfo("upheld"), autocommit=True) as conn,
        tempfile.TemporaryDirectory() as folder,
    ):
        migrate(conn)
        yield Stores(
            conn=conn,
            keys=ensure_keys(bench.keys, "bench.example"),
            maps={"studio": map_without_files()},
            systems={"studio": Conninfo(conninfo)},
            objects={},
            reports=Path(folder),
            clock=lambda: datetime.now(UTC),
        )


def people(conninfo: str, count: int, skip: int = 100) -> list[str]:
    """Give the addresses of `count` people, spread over all of them."""
    with psycopg.connect(conninfo) as conn:
        rows = conn.execute(
            "SELECT email FROM account WHERE role = 'person' AND id %% 19 = 3 ORDER BY id "
            "LIMIT %s OFFSET %s",
            (count, skip),
        ).fetchall()
        if len(rows) < count:
            rows = conn.execute(
                "SELECT email FROM account WHERE role = 'person' ORDER BY id LIMIT %s OFFSET %s",
                (count, skip),
            ).fetchall()
        return [row[0] for row in rows]


def asks(emails: list[str]) -> list[Ask]:
    """Give the same as requests."""
    return [Ask((("email", email),)) for email in emails]


def by_hand(conninfo: str, emails: list[str]) -> None:
    """Erase by the hand-written script, in one transaction."""
    with psycopg.connect(conninfo) as conn:
        conn.execute("CREATE TEMP TABLE who (email text PRIMARY KEY) ON COMMIT DROP")
        with conn.cursor().copy("COPY who FROM STDIN") as copy:
            for email in {email.lower() for email in emails}:
                copy.write_row((email,))
        conn.execute("ANALYZE who")
        conn.execute(BASELINE.read_bytes())


def batch(bench: Bench, count: int, repeats: int) -> None:
    """Measure a batch without the identifier search, plan, evidence and receipts included."""
    ours, theirs, equal = [], [], True
    for _ in range(repeats):
        with bench.copy("large") as conninfo:
            emails = people(conninfo, count)
            theirs.append(timed(partial(by_hand, conninfo, emails)))
            wanted = digests(conninfo)
        with bench.copy("large") as conninfo, stores(bench, conninfo) as wired:
            erasing = Erasing(wired, silent, search=False)
            ours.append(timed(partial(erasing.erase, asks(emails))))
            found = digests(conninfo)
            differing = [table for table in wanted if wanted[table] != found[table]]
            equal = not differing
            if differing:
                bench.console.print(f"  [bold red]digests differ in {', '.join(differing)}[/]")
    bench.add(
        "batch erasure",
        (median(ours), median(theirs)),
        "s",
        "≤ 1.25",
        subjects=count,
        of=bench.people,
        equal_digests=equal,
        repeats=repeats,
    )


def single(bench: Bench, repeats: int) -> None:
    """Measure one person at a time, without the identifier search."""
    ours, theirs = [], []
    with bench.copy("large") as one, bench.copy("large") as other, stores(bench, one) as wired:
        erasing = Erasing(wired, silent, search=False)
        for email in people(one, repeats, skip=2_000):
            ours.append(timed(partial(erasing.erase, asks([email]))))
            theirs.append(timed(partial(by_hand, other, [email])))
        if digests(one) != digests(other):
            bench.console.print("  [bold red]digests differ[/]")
    bench.add(
        "one median erasure",
        (median(ours) * 1000, median(theirs) * 1000),
        "ms",
        "≤ 2, < 100 ms",
        of=bench.people,
        repeats=repeats,
    )


def search(bench: Bench, count: int) -> None:
    """Measure the identifier search against COPY of the same tables through grep -F -f."""
    with bench.copy("large") as conninfo, connect(conninfo, autocommit=True) as conn:
        erasure = Erasure(conn, map_without_files(), "bench", bytes, bytes)
        prepared = erasure.prepare(
            [[("email", email)] for email in people(conninfo, count)], datetime.now(UTC).date()
        )
        # As it is done: their own rows are gone, and what others wrote is looked for.
        Execution(conn, erasure.live, prepared.plan).run(silent)
        needles = erasure.needles(prepared.held)
        sweep = Sweep(conn, erasure.datamap, erasure.live, prepared.plan)
        found: list[int] = []
        ours = timed(lambda: found.append(sum(1 for _ in sweep.search(needles, silent))))
        conn.commit()
        theirs = timed(lambda: _grep(conninfo, needles))
    bench.add(
        "identifier search",
        (ours, theirs),
        "s",
        "≤ 1",
        identifiers=len(needles),
        rows_found=found[0],
        subjects=count,
    )


def _grep(conninfo: str, needles: Needles) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as patterns:
        patterns.write("\n".join(needles.values) + "\n")
        patterns.flush()
        with psycopg.connect(conninfo) as conn:
            tables = [
                row[0]
                for row in conn.execute(
                    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND "
                    "relkind IN ('r', 'p') AND NOT relispartition"
                ).fetchall()
            ]
        copies = [
            word
            for table in tables
            for word in (
                "-c",
                sql.SQL("COPY (SELECT * FROM {}) TO STDOUT")
                .format(sql.Identifier(table))
                .as_string(None),
            )
        ]
        environment = {**os.environ, "LC_ALL": "C"}
        with subprocess.Popen(
            [postgres_tool("psql"), conninfo, "-q", *copies], stdout=subprocess.PIPE
        ) as copy:
            subprocess.run(
                ["/usr/bin/env", "grep", "-c", "-i", "-F", "-f", patterns.name],
                stdin=copy.stdout,
                stdout=subprocess.DEVNULL,
                check=False,
                env=environment,
            )


def memory(bench: Bench, counts: tuple[int, ...]) -> None:
    """Measure the peak memory of a process that erases, for growing batches."""
    peaks: list[float] = []
    for count in counts:
        with bench.copy("large") as conninfo:
            done = subprocess.run(
                [sys.executable, "-m", "bench.alone", str(bench.keys), str(conninfo), str(count)],
                capture_output=True,
                check=True,
                cwd=ROOT,
                env={**os.environ, "ENGINE": bench.server.conninfo("upheld")},
            )
            peaks.append(json.loads(done.stdout)["peak_mb"])
        bench.add(
            f"peak memory, {count:,} subjects", (peaks[-1], peaks[0]), "MB", "flat", subjects=count
        )
