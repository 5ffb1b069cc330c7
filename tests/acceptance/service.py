"""Studio and a project of its own in a folder, and `upheld` run on it as a user would."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from upheld.database.embedded import EmbeddedServer

ROOT = Path(__file__).parents[2]
MAPS = ROOT / "examples/studio/privacy/maps"
# Set by Studio's own triggers, to the time of the change.
_TRIGGERED = frozenset({"updated_at"})
_RANDOM = re.compile(r"erased-[0-9a-f]{16}")


@dataclass(frozen=True)
class Service:
    """One copy of Studio (database and files) under one project.

    `engine_database` is the engine's own, on the same server; with None it is
    the one that the engine makes by itself.
    """

    folder: Path
    home: Path
    server: EmbeddedServer
    database: str
    engine_database: str | None = None

    @property
    def conninfo(self) -> str:
        return self.server.conninfo(self.database)

    @property
    def engine_conninfo(self) -> str:
        return self.server.conninfo(self.engine_database or "upheld")

    @property
    def objects(self) -> Path:
        return self.folder / "objects"

    @property
    def project(self) -> Path:
        return self.folder / "privacy"

    def write_project(self, **settings: str | dict[str, str]) -> None:
        """Write the project; a word of `settings` replaces one of the file."""
        self.project.mkdir(exist_ok=True)
        shutil.copytree(MAPS, self.project / "maps", dirs_exist_ok=True)
        said = {
            "upheld": "settings/1",
            "name": "test.example",
            "home": str(self.home),
            "systems": {"studio": f"embedded:{self.database}"},
            "objects": {"media": str(self.objects)},
            **settings,
        }
        (self.project / "settings.yaml").write_text(json.dumps(said), encoding="utf-8")

    def start(self, *words: object, under: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start `upheld`, in a process group of its own; `under` another program."""
        return subprocess.Popen(
            [*under, sys.executable, "-m", "upheld.cli", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self._environment(),
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("UPHELD_")}
        environ["UPHELD_PROJECT"] = str(self.project)
        if self.engine_database is not None:
            environ["UPHELD_DATABASE_URL"] = self.engine_conninfo
        return environ

    def run(self, *words: object, under: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run `upheld` to its end."""
        process = self.start(*words, under=under)
        out, err = process.communicate()
        return subprocess.CompletedProcess(
            [str(word) for word in words], process.returncode, out.decode(), err.decode()
        )

    def json(self, *words: object) -> Any:  # noqa: ANN401  JSON
        """Run `upheld` with --json and give what it prints."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def people(self, first: int, last: int) -> list[str]:
        """Give the addresses of some people."""
        with psycopg.connect(self.conninfo) as conn:
            rows = conn.execute(
                "SELECT email FROM account WHERE role = 'person' ORDER BY id LIMIT %s OFFSET %s",
                (last - first, first),
            )
            return [row[0] for row in rows]

    def state(self) -> dict[str, str]:
        """Digest every table, whatever the order of its rows, and every file."""
        found = {}
        with psycopg.connect(self.conninfo) as conn:
            for (table,) in conn.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND "
                "relkind IN ('r', 'p') AND NOT relispartition"
            ).fetchall():
                query = sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(table))
                rows = sorted(
                    _RANDOM.sub(
                        "erased-", json.dumps({k: v for k, v in r.items() if k not in _TRIGGERED})
                    )
                    for (r,) in conn.execute(query)
                )
                found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        for path in sorted(self.objects.rglob("*")):
            if path.is_file():
                name = str(path.relative_to(self.objects))
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def engine(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the engine's own database."""
        with psycopg.connect(self.engine_conninfo) as conn:
            return conn.execute(query.encode()).fetchall()

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask Studio's database."""
        with psycopg.connect(self.conninfo) as conn:
            return conn.execute(query.encode(), values).fetchall()

    def tell(self, statement: str, *values: object) -> None:
        """Change Studio's database, as the service would."""
        with psycopg.connect(self.conninfo) as conn:
            conn.execute(statement.encode(), values)

    def write_who(self, people: list[str]) -> Path:
        """Write who asks into a file for --from."""
        file = self.folder / "who.txt"
        file.write_text("\n".join(people), encoding="utf-8")
        return file

    def files(self) -> set[str]:
        """Give the names of all objects."""
        return {str(p.relative_to(self.objects)) for p in self.objects.rglob("*") if p.is_file()}

    def left_in_work(self) -> list[str]:
        """Give what is left of worklists in the governed database."""
        with psycopg.connect(self.conninfo) as conn:
            tables = [
                row[0]
                for row in conn.execute(
                    "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace("
                    "'upheld_work') AND relkind = 'r' AND relname LIKE 'r%%_%%'"
                )
                if row[0] != "run"
            ]
            there = conn.execute("SELECT to_regnamespace('upheld_work') IS NOT NULL").fetchone()
            for table in ("run", "mark", "changed") if there and there[0] else ():
                query = sql.SQL("SELECT count(*) FROM upheld_work.{}").format(sql.Identifier(table))
                row = conn.execute(query).fetchone()
                if row and row[0]:
                    tables.append(f"{table}: {row[0]} rows")
        return tables


def kill(process: subprocess.Popen[bytes]) -> bool:
    """Kill the whole process group, as when the machine takes it; say whether it still ran."""
    ran = process.poll() is None
    if ran:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return ran


def wait_for(service: Service, state: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a batch is in this state; fail where the process ends before."""
    query = "SELECT 1 FROM upheld.batch WHERE state = %s"
    with psycopg.connect(service.engine_conninfo, autocommit=True) as conn:
        while conn.execute(query, (state,)).fetchone() is None:
            assert process.poll() is None, f"it was never {state}"
            time.sleep(0.002)


def kill_in(service: Service, state: str, *words: object) -> None:
    """Start `upheld` and kill it while a batch of its is in this state."""
    process = service.start(*words)
    wait_for(service, state, process)
    assert kill(process)
    found = service.engine(f"SELECT 1 FROM upheld.batch WHERE state = '{state}'")  # noqa: S608  the test's own word
    assert found, "it went on meanwhile"
