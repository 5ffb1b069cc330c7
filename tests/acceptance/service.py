"""Studio and a project of its own in a folder, and `upheld` run on it as a user would."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
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
    """One copy of Studio (database and files) under one project."""

    folder: Path
    home: Path
    server: EmbeddedServer
    database: str

    @property
    def conninfo(self) -> str:
        return self.server.conninfo(self.database)

    @property
    def objects(self) -> Path:
        return self.folder / "objects"

    @property
    def project(self) -> Path:
        return self.folder / "privacy"

    def write_project(self, **settings: str) -> None:
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

    def start(self, *words: object) -> subprocess.Popen[bytes]:
        """Start `upheld`, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "upheld.cli", *map(str, words), "--project", str(self.project)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            start_new_session=True,
        )

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run `upheld` to its end."""
        process = self.start(*words)
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
        with psycopg.connect(self.server.conninfo("upheld")) as conn:
            return conn.execute(query.encode()).fetchall()

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
