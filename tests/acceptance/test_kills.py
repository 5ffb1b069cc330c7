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
from typing import Any

import psycopg
import pytest
from studio.fill import fill

from tests.acceptance.service import Service, kill, wait_for
from upheld.database.embedded import open_server
from upheld.database.migrations import migrate

KILLS = 25
BATCH = 30
SERVER_KILLS = 4


def erase(service: Service, people: list[str]) -> list[object]:
    return ["request", "erase", "--from", service.write_who(people), "--out", "receipts"]


def steps_done(conn: psycopg.Connection[Any]) -> int:
    """Count the completion marks in the governed database."""
    there = conn.execute("SELECT to_regclass('upheld_work.mark') IS NOT NULL").fetchone()
    if not (there and there[0]):
        return 0
    row = conn.execute("SELECT count(*) FROM upheld_work.mark").fetchone()
    return row[0] if row else 0


def open_batches(conn: psycopg.Connection[Any]) -> set[tuple[Any, ...]]:
    query = "SELECT id, state FROM upheld.batch WHERE state <> 'done'"
    return set(conn.execute(query).fetchall())


def strike(service: Service, words: list[object], aim: str, wait: float) -> tuple[str, int] | None:
    """Kill a run `wait` seconds after what `aim` names; give the state and the steps done.

    Aims: the `start` of the process, a batch newly `received`, one more `step` done.
    None where it ended before; the state is empty where no batch was open yet, or any more.
    """
    with (
        psycopg.connect(service.engine_conninfo, autocommit=True) as engine,
        psycopg.connect(service.conninfo, autocommit=True) as database,
    ):
        known, before = open_batches(engine), steps_done(database)
        process = service.start(*words)
        while process.poll() is None and aim != "start":
            if steps_done(database) > before:
                break
            if aim == "received" and open_batches(engine) - known:
                break
            time.sleep(0.001)
        time.sleep(wait)
        if not kill(process):
            assert process.returncode == 0
            return None
        hit = open_batches(engine)
        return hit.pop()[1] if hit else "", steps_done(database)


def draw_moment(rng: random.Random, whole_run: float) -> tuple[str, float]:
    """Draw an aim and how long to wait after it: steps are short, and most of the work."""
    aim = rng.choices(["start", "received", "step"], [1, 2, 12])[0]
    longest = {"start": whole_run, "received": 0.1, "step": 0.003}[aim]
    return aim, rng.uniform(0, longest)


def test_batches_killed_25_times_end_as_those_that_were_not(
    copy_of_studio: Callable[[str], Service],
) -> None:
    calm, killed = copy_of_studio("calm"), copy_of_studio("killed")
    everybody = calm.people(20, 170)
    rng = random.Random(7)
    hits: list[tuple[str, int]] = []
    erased = 0
    while len(hits) < KILLS:
        people = everybody[erased : erased + BATCH]
        assert len(people) == BATCH, "too few kills met a batch at work"
        erased += BATCH
        start = time.monotonic()
        done = calm.run(*erase(calm, people))
        whole_run = time.monotonic() - start
        assert done.returncode == 0, done.stderr
        words = erase(killed, people)
        # First while it is planned, which a batch is only once.
        hit = strike(killed, words, "received", rng.uniform(0, 0.03))
        while hit is not None:
            hits += [hit] if hit[0] else []
            if len(hits) == KILLS:
                break
            hit = strike(killed, words, *draw_moment(rng, whole_run))
        done = killed.run(*words)
        assert done.returncode == 0, done.stderr
    assert killed.engine("SELECT count(*), count(position) FROM upheld.leaf") == [(erased, erased)]
    assert killed.state() == calm.state()
    assert killed.left_in_work() == []
    undone = "SELECT 1 FROM upheld.batch WHERE state <> 'done' OR sealed IS NOT NULL"
    assert killed.engine(undone) == []
    assert killed.engine("TABLE upheld.masked_object") == []
    receipts = sorted((killed.folder / "receipts").glob("*.json"))
    assert len(receipts) == erased
    assert len(killed.json("verify", *receipts)) == erased
    assert killed.json("log", "verify")["ok"]
    assert {"received", "planned"} <= {state for state, _ in hits}, "kills fall all over the run"
    assert len({steps for _, steps in hits}) >= 5, "and between the steps of its work"


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


def test_a_batch_killed_before_its_plan_is_noted_is_not_forgotten(studio: Service) -> None:
    """The worklist is committed in Studio, and the engine does not know it yet."""
    words = erase(studio, studio.people(20, 30))
    process = studio.start(*words)
    wait_for(studio, "received", process)
    with psycopg.connect(studio.engine_conninfo) as noting:
        noting.execute("LOCK upheld.batch IN SHARE MODE")
        wait_until_held_up(studio, "upheld.batch")
        assert kill(process)
        # Its session would still write the note, as soon as it may.
        noting.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks "
            "WHERE NOT granted AND relation = 'upheld.batch'::regclass"
        )
    assert studio.engine("SELECT state FROM upheld.batch") == [("received",)]
    assert studio.left_in_work()
    assert studio.json(*words)["already"] == 10, "finished first, then found in the ledger"
    assert studio.engine("SELECT count(*), count(position) FROM upheld.leaf") == [(10, 10)]
    assert studio.engine("SELECT 1 FROM upheld.batch WHERE state <> 'done'") == []
    assert studio.left_in_work() == []
    assert studio.json("log", "verify")["ok"]


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
