"""The embedded server lives exactly as long as somebody holds it open, however they end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psycopg
import pytest

from tests.integration.database.processes import (
    PATIENCE_SECONDS,
    await_open,
    end_client,
    keeper,
    postmaster,
    start_client,
)
from upheld.database.embedded import EmbeddedServer, open_server
from upheld.errors import StoreError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def data_of(home: Path) -> Path:
    return home / "pg" / "data"


def remember(server: EmbeddedServer) -> None:
    """Write something that later starts must find again."""
    with psycopg.connect(server.conninfo("postgres")) as conn:
        conn.execute("create table kept as select 42 as answer")


def recall(home: Path) -> object:
    with (
        open_server(home, durable=False) as server,
        psycopg.connect(server.conninfo("postgres")) as conn,
    ):
        row = conn.execute("select answer from kept").fetchone()
        return row and row[0]


def test_starts_answers_and_is_gone_after_its_only_client(home: Path) -> None:
    with open_server(home, durable=False) as server:
        remember(server)
        process = postmaster(data_of(home))
        parent = keeper(process)
    assert process.has_ended(PATIENCE_SECONDS)
    assert parent.has_ended(PATIENCE_SECONDS)
    assert not (home / "pg" / "socket").exists()
    assert recall(home) == 42


def test_stays_while_a_second_client_holds_it(home: Path) -> None:
    first = start_client(home)
    await_open(first)
    with open_server(home, durable=False) as server:
        process = postmaster(data_of(home))
        end_client(first)
        with psycopg.connect(server.conninfo()) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
        assert not process.has_ended(0)
    assert process.has_ended(PATIENCE_SECONDS)


def test_one_server_for_many_that_start_it_at_once(home: Path) -> None:
    clients = [start_client(home) for _ in range(5)]
    for client in clients:
        await_open(client)
    process = postmaster(data_of(home))
    log = (home / "pg" / "server.log").read_text(encoding="utf-8")
    assert log.count("LOG:  starting PostgreSQL") == 1
    for client in clients:
        assert not process.has_ended(0)
        end_client(client)
    assert process.has_ended(PATIENCE_SECONDS)


def test_opening_again_while_it_stops_always_works(home: Path) -> None:
    with open_server(home, durable=False) as server:
        remember(server)
    for _ in range(10):
        assert recall(home) == 42


def test_goes_with_a_client_that_is_killed(home: Path) -> None:
    client = start_client(home)
    await_open(client)
    process = postmaster(data_of(home))
    client.kill()
    client.communicate(timeout=PATIENCE_SECONDS)
    assert process.has_ended(PATIENCE_SECONDS)
    log = (home / "pg" / "server.log").read_text(encoding="utf-8")
    assert log.rstrip().endswith("database system is shut down")
    with open_server(home, durable=False) as server:
        remember(server)


def test_goes_with_a_keeper_that_is_killed(home: Path) -> None:
    with open_server(home, durable=False) as server:
        remember(server)
        process = postmaster(data_of(home))
        os.kill(keeper(process).number, signal.SIGKILL)
        assert process.has_ended(PATIENCE_SECONDS)
        assert recall(home) == 42


def test_opening_waits_for_a_server_whose_keeper_was_killed(home: Path) -> None:
    with open_server(home, durable=False) as server:
        remember(server)
        process = postmaster(data_of(home))
        parent = keeper(process)
        os.kill(parent.number, signal.SIGKILL)
        assert parent.has_ended(PATIENCE_SECONDS)
        assert recall(home) == 42
        assert process.has_ended(0)
        assert postmaster(data_of(home)).number != process.number


@pytest.mark.parametrize("wait", [True, False])
def test_starts_again_after_the_server_is_killed(home: Path, *, wait: bool) -> None:
    with open_server(home, durable=False) as server:
        remember(server)
        process = postmaster(data_of(home))
        parent = keeper(process)
        os.kill(process.number, signal.SIGKILL)
        assert process.has_ended(PATIENCE_SECONDS)
        if wait:  # else the keeper may still be on its way out
            assert parent.has_ended(PATIENCE_SECONDS)
        assert recall(home) == 42


def test_a_stale_pid_file_whose_number_is_in_use_again_is_mended(home: Path) -> None:
    with open_server(home, durable=False) as server:
        remember(server)
        process = postmaster(data_of(home))
        parent = keeper(process)
        for victim in (parent, process):
            os.kill(victim.number, signal.SIGKILL)
            assert victim.has_ended(PATIENCE_SECONDS)
    pid_file = data_of(home) / "postmaster.pid"
    lines = pid_file.read_text(encoding="utf-8").splitlines()
    lines[0] = str(os.getpid())  # a process that lives and is no PostgreSQL
    pid_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    lock_file = home / "pg" / "socket" / ".s.PGSQL.5432.lock"
    lock_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert recall(home) == 42


def test_a_first_start_that_was_cut_short_is_made_good(home: Path) -> None:
    with open_server(home, durable=False):
        process = postmaster(data_of(home))
    assert process.has_ended(PATIENCE_SECONDS)
    data_of(home).rename(home / "pg" / "staging")
    record = home / "pg" / "cluster.json"
    text = record.read_text(encoding="utf-8")
    assert '"made": true' in text
    record.write_text(text.replace('"made": true', '"made": false'), encoding="utf-8")
    with open_server(home, durable=False) as server:
        remember(server)


def test_lost_data_is_not_taken_for_a_first_start(home: Path) -> None:
    with open_server(home, durable=False):
        process = postmaster(data_of(home))
    assert process.has_ended(PATIENCE_SECONDS)
    data_of(home).rename(home / "moved")
    with pytest.raises(StoreError, match=r"data` is gone"):
        open_server(home, durable=False)


def test_a_project_may_move(home: Path) -> None:
    with open_server(home, durable=False) as server:
        remember(server)
        process = postmaster(data_of(home))
    assert process.has_ended(PATIENCE_SECONDS)
    moved = home.rename(home.with_name("moved"))
    assert recall(moved) == 42


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_running(home: Path) -> None:
    with open_server(home, durable=False):
        process = postmaster(data_of(home))
        parent = keeper(process)
    assert parent.has_ended(PATIENCE_SECONDS)
    (data_of(home) / "postgresql.auto.conf").write_text("shared_buffers = 'x'\n", encoding="utf-8")
    with pytest.raises(StoreError, match=r"does not start: .*errors") as caught:
        open_server(home, durable=False)
    assert "server.log" in (caught.value.help or "")
    assert not (data_of(home) / "postmaster.pid").exists()


def test_data_of_another_version_is_refused_by_name(home: Path) -> None:
    with open_server(home, durable=False):
        process = postmaster(data_of(home))
    assert process.has_ended(PATIENCE_SECONDS)
    (data_of(home) / "PG_VERSION").write_text("9\n", encoding="utf-8")
    with pytest.raises(StoreError, match="is PostgreSQL 9, installed is"):
        open_server(home, durable=False)
