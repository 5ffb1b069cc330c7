"""The demo: a service with 2,000 people, 50 accesses and 50 erasures in one batch, and the proof.

What happens to the data is done by the `upheld` command, run as a user would.
What is claimed of it is checked here, without the engine: see `demo_proof.py`.
It exits 0 only if every claim holds.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import psycopg  # noqa: E402  after the path to Studio is known
from demo_proof import (  # noqa: E402
    Person,
    check_dumps,
    check_objects,
    check_packages,
    compare,
    people_of,
    snapshot,
)
from rich.console import Console  # noqa: E402
from rich.progress import Progress  # noqa: E402
from rich.table import Table  # noqa: E402
from studio.fill import fill  # noqa: E402

from upheld.database.embedded import open_server  # noqa: E402

HOME = ROOT / ".upheld"
DEMO = HOME / "demo"
BATCH = 50
SEED = 20260930


@dataclass(frozen=True)
class Chosen:
    """Who asks for what."""

    access: list[str]
    erase: list[str]


class Demo:
    """One run. `console` shows it to people, and keeps it for a picture."""

    def __init__(self, people: int, seed: int, console: Console) -> None:
        self.people = people
        self.seed = seed
        self.console = console
        self.conninfo = ""

    def run(self) -> None:
        """Do it all; raise SystemExit where a claim does not hold."""
        shutil.rmtree(DEMO, ignore_errors=True)
        DEMO.mkdir(parents=True)
        with open_server(HOME) as server:
            with psycopg.connect(server.conninfo("postgres"), autocommit=True) as conn:
                conn.execute("DROP DATABASE IF EXISTS studio WITH (FORCE)")
            server.ensure_database("studio")
            self.conninfo = server.conninfo("studio")
            self.fill()
            chosen = self.choose()
            self.access(chosen)
            self.erase(chosen)

    def fill(self) -> None:
        """Fill Studio with people and real objects."""
        what = f"Filling Studio with {self.people:,} people and their files"
        with self.step(what), Progress(console=self.console, transient=True) as bars:
            tasks: dict[str, Any] = {}

            def report(part: str, done: int, total: int) -> None:
                if part not in tasks:
                    tasks[part] = bars.add_task(part, total=total)
                bars.update(tasks[part], completed=done, total=total)

            made = fill(
                self.conninfo,
                DEMO / "objects",
                people=self.people,
                seed=self.seed,
                progress=report,
            )
        self.say(
            f"  {sum(made.rows.values()):,} rows in {len(made.rows)} tables, "
            f"{made.objects:,} files."
        )

    def choose(self) -> Chosen:
        """Draw the batch: some who make it hard, the rest at random."""
        rng = random.Random(self.seed)
        with psycopg.connect(self.conninfo) as conn:
            hard = [row[0] for row in conn.execute((HERE / "demo_hard.sql").read_bytes())]
            all_ = [
                row[0]
                for row in conn.execute(
                    "SELECT email FROM account a WHERE role = 'person' AND NOT EXISTS (SELECT 1 "
                    "FROM account_email e WHERE lower(e.email) = lower(a.email)) ORDER BY id"
                )
            ]
        rest = [email for email in all_ if email not in set(hard)]
        rng.shuffle(rest)
        erase = [*hard, *rest[: BATCH - len(hard)]]
        chosen = Chosen(access=rest[BATCH : 2 * BATCH], erase=erase)
        (DEMO / "access.txt").write_text("\n".join(chosen.access) + "\n", encoding="utf-8")
        (DEMO / "erase.txt").write_text("\n".join(chosen.erase) + "\n", encoding="utf-8")
        return chosen

    def access(self, chosen: Chosen) -> None:
        """Let people ask for their data, and open what they get."""
        with self.step(f"{len(chosen.access)} people ask for their data"):
            packages = self.upheld(
                "request",
                "access",
                "--from",
                DEMO / "access.txt",
                "--out",
                DEMO / "packages",
                "--json",
            )
        files = check_packages([Path(p["package"]) for p in packages])
        rows = sum(p["rows"] for p in packages)
        self.say(
            f"  {len(packages)} packages: {rows:,} rows and {files:,} files,\n"
            "  each checked against the SHA-256 in its manifest."
        )

    def erase(self, chosen: Chosen) -> None:
        """Let people ask to be erased, and prove that it was done, and nothing else."""
        with psycopg.connect(self.conninfo) as conn:
            erased = people_of(conn, chosen.erase)
            before = snapshot(conn, DEMO / "objects")
        with self.step(f"{len(chosen.erase)} people ask to be erased: the plan, nothing done yet"):
            self.upheld("request", "erase", "--from", DEMO / "erase.txt", "--dry-run", "--json")
        with psycopg.connect(self.conninfo) as conn:
            if snapshot(conn, DEMO / "objects") != before:
                self.fail("the dry run changed something")
        with self.step("Erasing them in every table and file, and searching again"):
            done = self.upheld(
                "request",
                "erase",
                "--from",
                DEMO / "erase.txt",
                "--out",
                DEMO / "receipts",
                "--json",
            )
        with psycopg.connect(self.conninfo) as conn:
            after = snapshot(conn, DEMO / "objects")
        report = [json.loads(line) for line in Path(done["report"]).read_text().splitlines()]
        self.show_rows(done)
        untouched, changed = compare(before, after, report, erased)
        if untouched["before"] != untouched["after"]:
            self.fail(
                "rows or files of other people differ, and no entry tells of it",
                untouched["unexplained"],
            )
        kept = [
            {k: line[k] for k in ("table", "key", "basis", "until")}
            for line in report
            if line["what"] == "kept"
        ]
        self.check(chosen, erased, kept, done)
        self.write_report(erased, kept, changed, untouched, done)

    def check(self, chosen: Chosen, erased: list[Person], kept: list[Any], done: Any) -> None:  # noqa: ANN401  JSON
        """Check each claim, without the engine."""
        with self.step("Looking for them in dumps of both databases and in every file"):
            studio = self.raw("db", "dump", "--system", "studio")
            engine = self.raw("db", "dump")
            found = check_dumps(studio, engine, erased, kept, chosen.access)
            found += check_objects(DEMO / "objects", erased)
        if found or any(done["residue"].values()):
            self.fail("something of theirs is left", found)
        receipts = sorted((DEMO / "receipts").glob("*.json"))
        with self.step(f"Verifying {len(receipts)} receipts with the public key alone"):
            self.upheld("verify", *receipts, "--key", HOME / "keys" / "log.pub", "--json")
            log = self.upheld("log", "verify", "--json")
        if len(receipts) != len(chosen.erase) or not log["ok"]:
            self.fail("a receipt is missing, or the log is not whole")
        self.say(
            f"  Nothing of theirs is left outside {len(kept)} rows that the law keeps.\n"
            f"  {len(receipts)} receipts verified; the log of {log['leaves']} entries is whole."
        )

    def show_rows(self, done: Any) -> None:  # noqa: ANN401  JSON
        """Show rows and objects per table."""
        kinds = done["rows"]["studio"]
        table = Table(title="What became of the rows", title_justify="left")
        for name in ("table", "erased", "anonymised", "kept", "links cut", "passed on"):
            table.add_column(name, justify="left" if name == "table" else "right")
        for name in sorted({t for counts in kinds.values() for t in counts}):
            cells = [
                kinds.get(kind, {}).get(name, 0)
                for kind in ("erased", "anonymise", "kept", "detach", "pass")
            ]
            table.add_row(name, *(f"{cell:,}" if cell else "·" for cell in cells))
        self.console.print(table)
        removed = sum(done["objects_removed"].values())
        self.say(f"  {removed:,} files removed. Residue: {sum(done['residue'].values())}.")

    def write_report(
        self,
        erased: list[Person],
        kept: list[Any],
        changed: list[Any],
        untouched: Any,  # noqa: ANN401  JSON
        done: Any,  # noqa: ANN401  JSON
    ) -> None:
        """Leave what was claimed, for whoever wants to check it again."""
        report = {
            "people": self.people,
            "objects_dir": str(DEMO / "objects"),
            "packages_dir": str(DEMO / "packages"),
            "receipts_dir": str(DEMO / "receipts"),
            "public_key": (HOME / "keys" / "log.pub").read_text(encoding="utf-8").strip(),
            "erased": [person.as_json() for person in erased],
            "kept": kept,
            "residue": sum(done["residue"].values()),
            "changed": changed,
            "untouched": {k: v for k, v in untouched.items() if k != "unexplained"},
        }
        (DEMO / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
        self.say(
            f"  {untouched['rows']:,} rows and {untouched['objects']:,} files of other people\n"
            f"  are the same to the byte, save {len(changed):,} listed changes."
        )
        self.say(f"\nAll of it is in {(DEMO / 'report.json').relative_to(ROOT)}.")

    # -- running the command -----------------------------------------------

    def raw(self, *words: object) -> bytes:
        """Run `upheld` and give what it prints."""
        command = [sys.executable, "-m", "upheld.cli", *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603  our own
        if done.returncode:
            self.fail(f"`upheld {' '.join(map(str, words[:2]))}` failed", [done.stderr.decode()])
        return done.stdout

    def upheld(self, *words: object) -> Any:  # noqa: ANN401  JSON
        """Run `upheld` and give the JSON that it prints."""
        return json.loads(self.raw(*words))

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is done and how long it took."""
        start = time.monotonic()
        yield
        self.console.print(f"[bold green]✓[/] {what} [dim]({time.monotonic() - start:.1f} s)[/]")

    def say(self, text: str) -> None:
        """Print for people."""
        self.console.print(text, highlight=False)

    def fail(self, why: str, details: list[str] | None = None) -> None:
        """Say which claim does not hold, and stop."""
        self.console.print(f"[bold red]✗ {why}[/]")
        for line in (details or [])[:20]:
            self.console.print(f"    {line}", markup=False, highlight=False)
        raise SystemExit(1)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--picture", type=Path, help="write what was shown as an SVG picture")
    options = parser.parse_args()
    console = Console(record=True, width=92)
    Demo(options.people, options.seed, console).run()
    if options.picture:
        # Without the web fonts that the library would fetch: a picture must not phone anybody.
        picture = re.sub(
            r"@font-face \{.*?\}", "", console.export_svg(title="make demo"), flags=re.DOTALL
        )
        options.picture.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
