"""A batch that is killed again and again ends as one that was left alone, and is proved once."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from studio.fill import fill

from tests.acceptance.service import Service, kill
from upheld.database.embedded import open_server
from upheld.database.migrations import migrate

KILLS = 25
BATCH = 8
KILLS_PER_BATCH = 6
SERVER_KILLS = 4


def erase(service: Service, people: list[str]) -> list[object]:
    return ["request", "erase", "--from", service.write_who(people), "--out", "receipts"]


def test_batches_killed_25_times_end_as_those_that_were_not(
    copy_of_studio: Callable[[str], Service],
) -> None:
    calm, killed = copy_of_studio("calm"), copy_of_studio("killed")
    everybody = calm.people(20, 170)
    rng = random.Random(7)
    kills = erased = 0
    struck: set[str] = set()
    while kills < KILLS:
        people = everybody[erased : erased + BATCH]
        assert len(people) == BATCH, "too few kills met a running process"
        erased += BATCH
        start = time.monotonic()
        done = calm.run(*erase(calm, people))
        whole_run = time.monotonic() - start
        assert done.returncode == 0, done.stderr
        for _ in range(KILLS_PER_BATCH):
            process = killed.start(*erase(killed, people))
            time.sleep(rng.uniform(0.2, 1) * whole_run)
            kills += kill(process)
            struck |= {s for (s,) in killed.engine("SELECT state FROM upheld.batch")}
        done = killed.run(*erase(killed, people))
        assert done.returncode == 0, done.stderr
    assert {"received", "planned"} <= struck, "the kills fall all over the run"
    assert killed.engine("SELECT count(*), count(position) FROM upheld.leaf") == [(erased, erased)]
    assert killed.state() == calm.state()
    assert killed.left_in_work() == []
    undone = "SELECT 1 FROM upheld.batch WHERE state <> 'done' OR sealed IS NOT NULL"
    assert killed.engine(undone) == []
    receipts = sorted((killed.folder / "receipts").glob("*.json"))
    assert len(receipts) == erased
    assert len(killed.json("verify", *receipts)) == erased
    assert killed.json("log", "verify")["ok"]


def wait_until_held_up(service: Service, table: str) -> None:
    """Wait until `upheld` waits for this table of the engine's."""
    query = (
        "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s) AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with psycopg.connect(service.engine_conninfo, autocommit=True) as conn:
        deadline = time.monotonic() + 60
        while conn.execute(query, (table,)).fetchone() is None:
            assert time.monotonic() < deadline, f"it never came to {table}"
            time.sleep(0.005)


@pytest.mark.parametrize("last", ["checkpoint", "masked_object"])
def test_a_batch_killed_when_it_is_proved_is_proved_once(studio: Service, last: str) -> None:
    """The log is not numbered yet, or nothing is left but to close the batch."""
    words = erase(studio, studio.people(20, 30))
    process = studio.start(*words)
    with psycopg.connect(studio.engine_conninfo) as numbering:
        numbering.execute("LOCK upheld.checkpoint IN SHARE MODE")
        wait_until_held_up(studio, "upheld.checkpoint")
        with psycopg.connect(studio.engine_conninfo) as closing:
            if last == "masked_object":
                closing.execute("LOCK upheld.masked_object IN SHARE MODE")
                numbering.rollback()
                wait_until_held_up(studio, "upheld.masked_object")
            assert kill(process)
    assert studio.engine("SELECT state, count(*) FROM upheld.batch GROUP BY 1") == [("proved", 1)]
    assert bool(studio.left_in_work()) == (last == "checkpoint")
    done = studio.json(*words)
    assert done["already"] == 10
    assert studio.engine("SELECT count(*), count(position) FROM upheld.leaf") == [(10, 10)]
    assert studio.engine("SELECT 1 FROM upheld.batch WHERE state <> 'done'") == []
    assert studio.left_in_work() == []
    assert len(list((studio.folder / "receipts").iterdir())) == 10
    assert studio.json("log", "verify")["ok"]


@pytest.fixture
def own_server(tmp_path: Path) -> Service:
    """Give a small Studio on an embedded server that `upheld` itself must start."""
    folder, home = tmp_path / "killed", tmp_path / "home"
    folder.mkdir()
    with open_server(home, durable=False) as server:
        for database in ("upheld", "studio"):
            server.ensure_database(database)
        with psycopg.connect(server.conninfo("upheld")) as conn:
            migrate(conn)
        fill(server.conninfo("studio"), folder / "objects", people=60)
    service = Service(folder, home, server, "studio")
    service.write_project()
    return service


@contextlib.contextmanager
def calm_copy(service: Service) -> Iterator[Service]:
    """Give the same people in a second database of the same server."""
    folder = service.folder.parent / "calm"
    shutil.copytree(service.folder, folder)
    with open_server(service.home) as server:
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as conn:
            conn.execute("CREATE DATABASE calm TEMPLATE studio")
        calm = Service(folder, service.home, server, "calm")
        calm.write_project()
        yield calm


def kill_server(home: Path) -> None:
    """Kill the embedded server of a home: its children see that, and end."""
    file = next(home.rglob("postmaster.pid"))
    os.kill(int(file.read_text().split()[0]), signal.SIGKILL)


def wait_for_work(service: Service, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process is at work in the governed database."""
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND application_name = 'upheld' "
        "AND query ~ 'upheld_work|uf_'"
    )
    with psycopg.connect(service.server.conninfo("postgres"), autocommit=True) as conn:
        while conn.execute(query, (service.database,)).fetchone() is None:
            assert process.poll() is None, "it ended before"
            time.sleep(0.002)


def test_a_batch_survives_the_death_of_its_database(own_server: Service) -> None:
    service, rng = own_server, random.Random(11)
    with calm_copy(service) as calm:
        people = calm.people(10, 30)
    words = erase(service, people)
    for _ in range(SERVER_KILLS):
        process = service.start(*words)
        with open_server(service.home):  # waits until there is one
            wait_for_work(service, process)
            time.sleep(rng.uniform(0, 0.25))
            kill_server(service.home)
        process.communicate()
        assert process.returncode == 1
    done = service.run(*words)
    assert done.returncode == 0, done.stderr
    with open_server(service.home):
        leaves = "SELECT count(*), count(position) FROM upheld.leaf"
        assert service.engine(leaves) == [(len(people), len(people))]
        assert service.engine("SELECT 1 FROM upheld.batch WHERE state <> 'done'") == []
        assert service.left_in_work() == []
    receipts = sorted((service.folder / "receipts").glob("*.json"))
    assert len(service.json("verify", *receipts)) == len(people)
    assert service.json("log", "verify")["ok"]
    with open_server(service.home):
        assert calm.run(*erase(calm, people)).returncode == 0
        assert service.state() == calm.state()
