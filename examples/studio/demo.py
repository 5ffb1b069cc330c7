"""The demo: a service with 2,000 people, 50 accesses and 50 erasures in one batch, and the proof.

What happens to the data is done by the `upheld` command, run as a user would.
What is claimed of it is checked here, without the engine: see `demo_proof.py`
and `demo_compare.py`. It exits 0 only if every claim holds.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import psycopg  # noqa: E402  after the path to Studio is known
from demo_compare import Comparing, Comparison, Row, snapshot  # noqa: E402
from demo_proof import (  # noqa: E402
    Person,
    forms,
    identifiers,
    look_in_engine,
    look_in_files,
    look_in_studio,
    open_packages,
    people_of,
)
from rich.box import SIMPLE_HEAD  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.padding import Padding  # noqa: E402
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: E402
from rich.table import Table  # noqa: E402
from studio.fill import fill  # noqa: E402

from upheld.database.embedded import EmbeddedServer, open_server  # noqa: E402

BATCH = 50
SEED = 20260930
SMALLEST = 4 * BATCH
WIDTH = 88


@dataclass(frozen=True)
class Chosen:
    """Who asks for what, and why some of them make it hard."""

    access: list[str]
    erase: list[str]
    hard: Counter[str]


class Demo:
    """One run in one home. `console` shows it to people, and keeps it for a picture."""

    def __init__(self, people: int, seed: int, home: Path, console: Console) -> None:
        self.people = people
        self.seed = seed
        self.home = home
        self.folder = home / "demo"
        self.console = console
        self.conninfo = ""

    def run(self) -> None:
        """Do it all; raise SystemExit where a claim does not hold."""
        start = time.monotonic()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        with open_server(self.home) as server:
            self.make_databases(server)
            self.fill()
            chosen = self.choose()
            self.access(chosen)
            self.erase(chosen)
        self.console.print(
            f"\n[bold green]Every claim holds.[/] [dim]{time.monotonic() - start:.0f} s in all. "
            f"The report: {self.shown(self.folder / 'report.json')}[/]",
            highlight=False,
        )

    # -- the service ---------------------------------------------------------

    def make_databases(self, server: EmbeddedServer) -> None:
        """Make Studio's database anew; the engine keeps its log, unless a batch was cut short."""
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as conn:
            conn.execute("DROP DATABASE IF EXISTS studio WITH (FORCE)")
            if _cut_short(server):
                # What it was working on is gone, so nobody can finish it.
                conn.execute("DROP DATABASE upheld WITH (FORCE)")
                self.say("A former run was stopped in the middle: starting with an empty log.")
        server.ensure_database("studio")
        self.conninfo = str(server.conninfo("studio"))

    def fill(self) -> None:
        """Fill Studio with people and real objects."""
        self.title("A service that makes pictures and sounds")
        with self.step() as done, self.bars() as bars:
            tasks: dict[str, Any] = {}

            def report(what: str, made: int, total: int) -> None:
                what = "rows" if what.startswith(("table", "indexes")) else what
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=total)
                bars.update(tasks[what], completed=made, total=total)

            made = fill(
                self.conninfo,
                self.folder / "objects",
                people=self.people,
                seed=self.seed,
                progress=report,
            )
            done.append(
                f"Studio: {self.people:,} people, {sum(made.rows.values()):,} rows, "
                f"{made.objects:,} pictures, sounds and texts"
            )

    def choose(self) -> Chosen:
        """Draw the batch: some who make it hard, the rest at random."""
        rng = random.Random(self.seed)
        with psycopg.connect(self.conninfo) as conn:
            hard = conn.execute((HERE / "demo_hard.sql").read_bytes()).fetchall()
            everybody = conn.execute(
                "SELECT email FROM account a WHERE role = 'person' AND NOT EXISTS (SELECT 1 FROM "
                "account_email e WHERE lower(e.email) = lower(a.email)) ORDER BY id"
            ).fetchall()
        erase = list(dict.fromkeys(email for email, _ in hard))
        rest = [email for (email,) in everybody if email not in set(erase)]
        rng.shuffle(rest)
        erase += rest[BATCH : 2 * BATCH - len(erase)]
        chosen = Chosen(rest[:BATCH], erase, Counter(why for _, why in hard))
        (self.folder / "access.txt").write_text("\n".join(chosen.access) + "\n", encoding="utf-8")
        (self.folder / "erase.txt").write_text("\n".join(chosen.erase) + "\n", encoding="utf-8")
        return chosen

    # -- access --------------------------------------------------------------

    def access(self, chosen: Chosen) -> None:
        """Let people ask for their data, and open what they get."""
        self.title(f"{len(chosen.access)} people ask for their data")
        out = self.folder / "packages"
        with self.step() as done:
            packages = self.upheld(
                "request", "access", "--from", self.folder / "access.txt", "--out", out
            )
            rows, objects = (sum(p[what] for p in packages) for what in ("rows", "objects"))
            done.append(f"{len(packages)} packages: {rows:,} rows, {objects:,} objects")
        with self.step() as done, self.wait("opening the packages"):
            files = open_packages({p["person"]: Path(p["package"]) for p in packages})
            done.append(f"opened: all {files:,} files have the SHA-256 of their manifest")
        if len(packages) != len(chosen.access):
            self.fail("somebody got no package")

    # -- erasure -------------------------------------------------------------

    def erase(self, chosen: Chosen) -> None:
        """Let people ask to be erased, and prove that it was done, and nothing else."""
        self.title(f"{len(chosen.erase)} people ask to be erased, in one batch")
        for why, count in chosen.hard.items():
            self.say(f"  {count} {why}")
        file, out = self.folder / "erase.txt", self.folder / "receipts"
        with psycopg.connect(self.conninfo) as conn:
            erased = people_of(conn, chosen.erase)
            before = snapshot(conn, self.folder / "objects")
            with self.step() as done:
                plan = self.upheld("request", "erase", "--from", file, "--dry-run")
                goes = sum(row["rows"] for row in plan["rows"] if row["fate"] == "goes")
                done.append(f"planned, nothing done yet: {goes:,} rows go")
            if snapshot(conn, self.folder / "objects") != before:
                self.fail("the dry run changed something")
            with self.step() as done:
                outcome = self.upheld("request", "erase", "--from", file, "--out", out)
                residue = sum(outcome["residue"].values())
                done.append(f"erased, and searched again: residue {residue}")
            after = snapshot(conn, self.folder / "objects")
        report = [json.loads(line) for line in Path(outcome["report"]).read_text().splitlines()]
        with self.wait("comparing every row and file"):
            result = Comparing(
                before,
                after,
                report,
                identifiers(erased),
                (device.lower() for person in erased for device in person.shared_devices),
                forms({*identifiers(erased), *(c for p in erased for c in p.customers)}),
            ).compare()
        kept = [
            {k: line[k] for k in ("table", "key", "basis", "until")}
            for line in report
            if line["what"] == "kept"
        ]
        self.show_rows(report, result)
        self.show_kept(kept)
        self.title("Is that true? Checked without Upheld")
        self.check_untouched(result)
        self.check_traces(chosen, erased, kept, residue)
        self.title("Can anybody check it?")
        self.check_evidence(chosen)
        self.write_report(erased, kept, result, residue)

    def show_rows(self, report: list[Row], result: Comparison) -> None:
        """Show rows and files per table."""
        counts: dict[str, Counter[str]] = {}
        for line in report:
            if line["what"] in ("erased", "anonymised", "kept"):
                counts.setdefault(line["table"], Counter())[line["what"]] += 1
        for change in result.changed:
            if change["rule"] != "trigger":
                name = str(change["table"]).replace("(objects)", "(text files)")
                counts.setdefault(name, Counter())[change["rule"]] += 1
        for name, files in result.files_gone.items():
            counts[name]["files"] += files
        columns = {
            "erased": "erased",
            "files": "files",
            "anonymised": "made\nanonymous",
            "kept": "kept",
            "": "",
            "detach": "links\ncut",
            "pass": "passed\non",
            "go": "gone\ntoo",
            "mask": "masked",
        }
        table = Table(
            box=SIMPLE_HEAD,
            show_footer=True,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            border_style="dim",
        )
        table.add_column("\ntable", footer="all", no_wrap=True)
        for name, shown in columns.items():
            total = sum(count[name] for count in counts.values())
            head = shown if "\n" in shown else f"\n{shown}"
            table.add_column(head, justify="right", footer=f"{total:,}" if name else "")
        for name in sorted(counts):
            cells = (_cell(column, counts[name][column]) for column in columns)
            table.add_row(name, *cells)
        self.say("\nRows per table: their own on the left, changes to other people's on the right.")
        self.console.print(table, highlight=False)

    def show_kept(self, kept: list[Row]) -> None:
        """Show what must stay, on which basis and until when."""
        for basis in sorted({line["basis"] for line in kept}):
            lines = [line for line in kept if line["basis"] == basis]
            until = sorted(line["until"] for line in lines)
            tables = ", ".join(sorted({line["table"] for line in lines}))
            text = (
                f"{len(lines)} rows are kept ({tables}), the first until {until[0]}, "
                f"the last until {until[-1]}: {basis}."
            )
            self.console.print(Padding(text, (0, 0, 0, 2)), highlight=False)

    # -- the proof -----------------------------------------------------------

    def check_untouched(self, result: Comparison) -> None:
        """See that nobody else's row or file differs, save what is listed."""
        said = result.untouched()
        if result.unexplained or said["before"] != said["after"]:
            self.fail("something differs, and no entry tells of it", result.unexplained)
        self.tick(
            f"{result.rows:,} rows and {result.files:,} files of others are the same to the byte,\n"
            f"  save {len(result.changed):,} listed changes"
        )

    def check_traces(
        self, chosen: Chosen, erased: list[Person], kept: list[Row], residue: int
    ) -> None:
        """Look for the erased in dumps of both databases and in every file."""
        wanted = identifiers(erased)
        with self.step() as done, self.wait("looking for them in dumps and files"):
            found = look_in_studio(self.raw("db", "dump", "--system", "studio"), erased, kept)
            found += look_in_files(self.folder / "objects", erased)
            found += look_in_engine(self.raw("db", "dump"), erased, chosen.access)
            if found or residue:
                self.fail("something of theirs is left", found)
            done.append(
                f"none of their {len(wanted)} addresses, handles, phone numbers and devices\n"
                "  is in a file, in a dump of Studio (save kept rows) or in one of Upheld"
            )

    def check_evidence(self, chosen: Chosen) -> None:
        """Verify the receipts with the public key alone, away from the project."""
        key = self.home / "keys" / "log.pub"
        receipts = sorted((self.folder / "receipts").glob("*.json"))
        with tempfile.TemporaryDirectory() as elsewhere:
            there = Path(elsewhere)
            with self.step() as done:
                verified = self.upheld(
                    "verify", self.folder / "receipts", "--key", key, elsewhere=there
                )
                done.append(f"{len(verified)} receipts verified, with the public key alone")
            forged = there / "forged.json"
            forged.write_bytes(receipts[0].read_bytes().replace(b"erasure", b"erasurf", 1))
            refused = self.command("verify", forged, "--key", key, elsewhere=there).returncode
        with self.step() as done:
            log = self.upheld("log", "verify")
            done.append(f"a forged one is refused; the log of {log['leaves']:,} entries is whole")
        if len(verified) != len(chosen.erase) or refused != 1 or not log["ok"]:
            self.fail("a receipt is missing, a forged one passes, or the log is not whole")

    def write_report(
        self, erased: list[Person], kept: list[Row], result: Comparison, residue: int
    ) -> None:
        """Leave what was claimed, for whoever wants to check it again."""
        report = {
            "people": self.people,
            "objects_dir": str(self.folder / "objects"),
            "packages_dir": str(self.folder / "packages"),
            "receipts_dir": str(self.folder / "receipts"),
            "public_key": str(self.home / "keys" / "log.pub"),
            "erased": [person.as_json() for person in erased],
            "kept": kept,
            "residue": residue,
            "changed": result.changed,
            "untouched": result.untouched(),
        }
        (self.folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")

    # -- running the command -------------------------------------------------

    def command(
        self, *words: object, elsewhere: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `upheld`, as a user of this project would, or `elsewhere`, where there is none."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith("UPHELD_")}
        if elsewhere is None and self.home != ROOT / ".upheld":
            environ["UPHELD_PROJECT"] = str(self.home / "privacy")
        return subprocess.run(  # noqa: S603  our own command
            [sys.executable, "-m", "upheld.cli", *map(str, words)],
            cwd=elsewhere or ROOT,
            env=environ,
            capture_output=True,
            check=False,
        )

    def raw(self, *words: object, elsewhere: Path | None = None) -> bytes:
        """Run `upheld` and give what it prints; stop where it fails."""
        done = self.command(*words, elsewhere=elsewhere)
        if done.returncode:
            self.fail(f"`{_line(*words)}` failed", done.stderr.decode().splitlines())
        return done.stdout

    def upheld(self, *words: object, elsewhere: Path | None = None) -> Any:  # noqa: ANN401  JSON
        """Run `upheld`, saying so, and give the JSON that it prints."""
        shown = _line(*(self.shown(w) if isinstance(w, Path) else w for w in words))
        self.console.print(f"  [dim]$ {shown}[/]", highlight=False, soft_wrap=True)
        with self.wait("working"):
            return json.loads(self.raw(*words, "--json", elsewhere=elsewhere))

    # -- saying it -----------------------------------------------------------

    def shown(self, path: Path) -> str:
        """Give a path as short as it is clear."""
        return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)

    def title(self, text: str) -> None:
        """Begin a part."""
        self.console.print(f"\n[bold]{text}[/]", highlight=False)

    @contextmanager
    def step(self) -> Iterator[list[str]]:
        """Say what was done, which the block appends, and how long it took."""
        start, said = time.monotonic(), list[str]()
        yield said
        self.tick(f"{said[0]} [dim]({time.monotonic() - start:.1f} s)[/]")

    def tick(self, text: str) -> None:
        """Say that something is done or holds."""
        self.console.print(f"[bold green]✓[/] {text}", highlight=False)

    def say(self, text: str) -> None:
        """Print for people."""
        self.console.print(text, highlight=False)

    @contextmanager
    def wait(self, what: str) -> Iterator[None]:
        """Turn a wheel while something runs, where there is a terminal to see it."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(f"[dim]{what}[/]"):
            yield

    def bars(self) -> Progress:
        """Give progress bars that go when they are done."""
        columns = (TextColumn("  {task.description:<10}"), BarColumn(), TaskProgressColumn())
        unseen = not self.console.is_terminal
        return Progress(*columns, console=self.console, transient=True, disable=unseen)

    def fail(self, why: str, details: list[str] | None = None) -> None:
        """Say which claim does not hold, and stop."""
        self.console.print(f"[bold red]✗ {why}[/]")
        for line in (details or [])[:20]:
            self.console.print(f"    {line[:600]}", markup=False, highlight=False)
        raise SystemExit(1)


def _cell(column: str, number: int) -> str:
    return f"{number:,}" if number else "[dim]·[/]" if column else ""


def _line(*words: object) -> str:
    return shlex.join(["upheld", *map(str, words)])


def _cut_short(server: EmbeddedServer) -> bool:
    """Tell whether a former run left a batch that it began."""
    try:
        with psycopg.connect(server.conninfo("upheld")) as conn:
            found = conn.execute("SELECT 1 FROM upheld.batch WHERE state <> 'done'").fetchone()
    except (psycopg.errors.InvalidCatalogName, psycopg.errors.UndefinedTable):
        return False
    except psycopg.OperationalError:  # the engine has no database yet
        return False
    return found is not None


def _write_project(home: Path) -> None:
    """Write a project for a home of its own: the committed one, with other places."""
    project = home / "privacy"
    shutil.copytree(HERE / "privacy" / "maps", project / "maps", dirs_exist_ok=True)
    settings = (HERE / "privacy" / "settings.yaml").read_text(encoding="utf-8")
    (project / "settings.yaml").write_text(
        settings.replace("../../../.upheld", ".."), encoding="utf-8"
    )


def _save_picture(console: Console, file: Path) -> None:
    """Save what was shown, without the web fonts that a viewer would fetch: it phones nobody."""
    picture = console.export_svg(title="make demo")
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    file.write_text(re.sub(r"[ \t]+$", "", picture, flags=re.MULTILINE), encoding="utf-8")


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one demo at a time work in a home; SystemExit for a second."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another demo runs in `{home}`; wait until it is done") from None
        yield


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=2_000, help=f"how many, {SMALLEST} or more")
    parser.add_argument("--seed", type=int, default=SEED, help="the same gives the same people")
    parser.add_argument("--home", type=Path, default=ROOT / ".upheld", help="where it all goes")
    parser.add_argument("--picture", type=Path, help="save what was shown as an SVG picture")
    options = parser.parse_args()
    if options.people < SMALLEST:
        parser.error(f"--people must be {SMALLEST} or more")
    home = options.home.resolve()
    console = Console(record=True, width=WIDTH)
    with _alone(home):
        if home != ROOT / ".upheld":
            _write_project(home)
        Demo(options.people, options.seed, home, console).run()
    if options.picture:
        _save_picture(console, options.picture)


if __name__ == "__main__":
    main()
