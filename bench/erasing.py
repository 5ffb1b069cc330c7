"""Erasure against hand-written SQL: a batch, one person, the search, and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from bench.measuring import ROOT, Bench, digests, map_without_files, median, timed
from upheld.database.conninfo import Conninfo, connect
from upheld.database.dump import postgres_tool
from upheld.database.migrations import migrate
from upheld.evidence import ensure_keys
from upheld.requests.asking import Ask
from upheld.requests.erasure import Erased, Erasing
from upheld.requests.stores import Stores
from upheld.search.needles import Needles
from upheld.stores.postgres.erasure import Erasure, silent
from upheld.stores.postgres.sweep import Sweep
from upheld.stores.postgres.worklist import Execution

_Side = tuple[Callable[[], object], list[float]]
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


_OWN = ("generation", "comment", "session", "notification", "credit_entry", "payment", "upload")


def medians(conninfo: str, count: int) -> list[str]:
    """Give the addresses of `count` people with the median number of rows."""
    rows = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT account_id FROM {}").format(sql.Identifier(table)) for table in _OWN
    )
    query = sql.SQL(
        "WITH many AS (SELECT a.id, a.email, count(r.account_id) AS n FROM account a LEFT JOIN "
        "({}) r ON r.account_id = a.id WHERE a.role = 'person' GROUP BY a.id) SELECT email "
        "FROM many, (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY n) AS n FROM many) m "
        "WHERE many.n = m.n ORDER BY hashint8(id) LIMIT {}"
    ).format(rows, sql.Literal(count))
    with psycopg.connect(conninfo) as conn:
        return [row[0] for row in conn.execute(query)]


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


def batch(bench: Bench, count: int, repeats: int) -> tuple[float, int]:
    """Measure a batch without the identifier search, plan, evidence and receipts included.

    Gives the engine's median seconds, and how many rows it went over.
    """
    ours: list[float] = []
    theirs: list[float] = []
    done: list[Erased] = []
    wanted: dict[str, str] = {}
    equal = True
    for _ in range(repeats):
        with bench.copy("large") as conninfo:
            emails = people(conninfo, count)
            theirs.append(timed(partial(by_hand, conninfo, emails)))
            wanted = wanted or digests(conninfo)  # the same each time, from the same master
        with bench.copy("large") as conninfo, stores(bench, conninfo) as wired:
            erasing = Erasing(wired, silent, search=False)
            batch = asks(emails)
            ours.append(timed(lambda: done.append(erasing.erase(batch))))  # noqa: B023  called here
            equal &= _same(bench, wanted, digests(conninfo))
    bench.add(
        "batch erasure",
        (median(ours), median(theirs)),
        "s",
        "≤ 1.25",
        subjects=count,
        of=bench.people,
        rows=_rows(done[0]),
        equal_digests=equal,
        repeats=repeats,
    )
    return median(ours), _rows(done[0])


def _same(bench: Bench, wanted: dict[str, str], found: dict[str, str]) -> bool:
    """Say whether two databases are equal; name the tables that are not."""
    differing = [table for table in wanted if wanted[table] != found[table]]
    if differing:
        bench.console.print(f"  [bold red]digests differ in {', '.join(differing)}[/]")
    return not differing


def linear(bench: Bench, counts: tuple[int, ...], whole: tuple[float, int]) -> None:
    """Measure the engine's time per row for growing batches; `whole` is the largest, measured."""
    done: list[Erased] = []
    times: list[tuple[float, int]] = []
    for count in counts[:-1]:
        with bench.copy("large") as conninfo, stores(bench, conninfo) as wired:
            erasing = Erasing(wired, silent, search=False)
            batch = asks(people(conninfo, count))
            seconds = timed(lambda: done.append(erasing.erase(batch)))  # noqa: B023  called here
            times.append((seconds, _rows(done[-1])))
    each = [seconds / rows * 1e6 for seconds, rows in (*times, whole)]
    for count, value, (seconds, rows) in zip(counts, each, (*times, whole), strict=True):
        bench.add(
            f"time per row, {count:,} subjects",
            (value, each[0]),
            "µs",
            "≤ 1",
            subjects=count,
            rows=rows,
            seconds=round(seconds, 3),
        )


def _rows(erased: Erased) -> int:
    """Give how many rows went, were kept or changed."""
    systems = erased.outcome["rows"].values()
    return sum(n for said in systems for tables in said.values() for n in tables.values())


def _turn(at: int, *sides: _Side) -> tuple[_Side, ...]:
    """Let the sides take turns in who goes first."""
    return sides if at % 2 else sides[::-1]


def single(bench: Bench, repeats: int) -> None:
    """Measure one person at a time, of those with the median number of rows, search apart."""
    ours: list[float] = []
    theirs: list[float] = []
    with bench.copy("large") as one, bench.copy("large") as other, stores(bench, one) as wired:
        erasing = Erasing(wired, silent, search=False)
        for at, email in enumerate(medians(one, repeats)):
            for work, times in _turn(
                at,
                (partial(erasing.erase, asks([email])), ours),
                (partial(by_hand, other, [email]), theirs),
            ):
                times.append(timed(work))
        equal = _same(bench, digests(other), digests(one))
    bench.add(
        "one median erasure",
        (median(ours) * 1000, median(theirs) * 1000),
        "ms",
        "≤ 2, < 100 ms",
        of=bench.people,
        equal_digests=equal,
        repeats=repeats,
    )


def search(bench: Bench, count: int, repeats: int) -> None:
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
        lines: list[int] = []
        ours: list[float] = []
        theirs: list[float] = []
        for at in range(repeats):
            for work, times in _turn(
                at,
                (lambda: found.append(sum(1 for _ in sweep.search(needles, silent))), ours),
                (lambda: lines.append(_grep(conninfo, needles)), theirs),
            ):
                times.append(timed(work))
                conn.commit()
    bench.add(
        "identifier search",
        (median(ours), median(theirs)),
        "s",
        "≤ 1",
        identifiers=len(needles),
        rows_found=found[0],
        lines_found=lines[0],
        forms=len(_patterns(needles)),
        subjects=count,
        repeats=repeats,
    )


def _written(value: str) -> set[str]:
    """Give the forms that a shell user would think of: as it is, in a URL, in JSON, in hex."""
    escaped = "".join(c if c.isalnum() or c in "._-" else f"\\u{ord(c):04x}" for c in value)
    return {value, quote(value, safe=""), escaped, value.encode().hex()}


def _patterns(needles: Needles) -> list[str]:
    return sorted({form for value in needles.values for form in _written(value)})


def _grep(conninfo: str, needles: Needles) -> int:
    """Give the number of lines that COPY of every table through `grep -F -f` finds."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as patterns:
        patterns.write("\n".join(_patterns(needles)) + "\n")
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
        with subprocess.Popen(
            [postgres_tool("psql"), conninfo, "-q", *copies], stdout=subprocess.PIPE
        ) as copy:
            # Counted through a pipe: given /dev/null, grep would stop at the first match.
            done = subprocess.run(
                ["/usr/bin/env", "grep", "-c", "-i", "-F", "-f", patterns.name],
                stdin=copy.stdout,
                stdout=subprocess.PIPE,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
            )
        return int(done.stdout or 0)


def memory(bench: Bench, counts: tuple[int, ...]) -> None:
    """Measure the peak memory of a process that erases, for growing batches."""
    peaks: list[float] = []
    for count in counts:
        with bench.copy("large") as conninfo:
            peaks.append(peak(bench, "erase", conninfo, count))
        name = f"peak memory, erasing {count:,} subjects"
        bench.add(name, (peaks[-1], peaks[0]), "MB", "flat", subjects=count)


def peak(bench: Bench, what: str, conninfo: str, count: int, *files: str) -> float:
    """Give the peak memory (MB) of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.alone", what, bench.keys, conninfo, str(count), *files],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "ENGINE": bench.server.conninfo("upheld")},
    )
    return float(json.loads(done.stdout)["peak_mb"])
