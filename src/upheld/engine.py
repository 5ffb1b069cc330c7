"""The composition root: a project in, a wired engine out. Nothing happens at import."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from upheld.database.connection import engine_conninfo
from upheld.database.conninfo import Conninfo, connect
from upheld.database.embedded import open_server
from upheld.database.migrations import migrate
from upheld.datamap import DataMap
from upheld.errors import ProjectError
from upheld.evidence import Keys, ensure_keys
from upheld.requests.stores import Stores
from upheld.settings import EMBEDDED, Project, find_project, load_project
from upheld.stores.objects import Objects


@dataclass(frozen=True, slots=True)
class Upheld:
    """A wired engine. `clock` gives the time, in UTC."""

    project: Project
    conn: psycopg.Connection[Any]
    conninfo: Conninfo
    keys: Keys
    systems: Mapping[str, Conninfo]
    objects: Mapping[str, Objects]
    clock: Callable[[], datetime]

    @property
    def maps(self) -> Mapping[str, DataMap]:
        """Give the data map of each system."""
        return self.project.maps

    @property
    def stores(self) -> Stores:
        """Give what requests work on."""
        return Stores(
            self.conn,
            self.keys,
            self.project.maps,
            self.systems,
            self.objects,
            self.project.home / "reports",
            self.clock,
        )


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


@contextmanager
def open_engine(
    project: Path | None,
    environ: Mapping[str, str],
    here: Path,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Upheld]:
    """Wire the engine for the length of a block; raise UpheldError where it cannot be."""
    loaded = load_project(find_project(project, environ, here), environ)
    with ExitStack() as stack:
        conninfo = stack.enter_context(engine_conninfo(loaded.engine_url, loaded.home))
        conn = stack.enter_context(connect(conninfo, autocommit=True))
        migrate(conn)
        systems = dict(stack.enter_context(system_conninfos(loaded)))
        yield Upheld(
            project=loaded,
            conn=conn,
            conninfo=conninfo,
            keys=ensure_keys(loaded.home / "keys", loaded.name),
            systems=systems,
            objects={name: Objects(name, url) for name, url in loaded.objects.items()},
            clock=clock,
        )


@contextmanager
def system_conninfos(project: Project) -> Iterator[Mapping[str, Conninfo]]:
    """Give where each system's database is; those that are embedded are held open."""
    found: dict[str, Conninfo] = {}
    with ExitStack() as stack:
        for name, url in project.systems.items():
            if url.startswith(EMBEDDED):
                database = url.removeprefix(EMBEDDED)
                if not database.isidentifier():
                    message = f"`{url}` does not name a database"
                    raise ProjectError(message, help=f"write `{EMBEDDED}NAME`")
                server = stack.enter_context(open_server(project.home))
                server.ensure_database(database)
                found[name] = server.conninfo(database)
            else:
                found[name] = Conninfo(url)
        yield found
