"""Nobody but its user gets into the embedded server; it also fits where root has to live."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.integration.database.processes import PATIENCE_SECONDS, await_stopped, keeper, postmaster
from upheld.database.conninfo import Conninfo
from upheld.database.embedded import EmbeddedServer, open_server
from upheld.database.folders import private_folder
from upheld.database.identity import Kind
from upheld.errors import StoreError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def public() -> Iterator[Path]:
    """Give a folder that every user can enter, so that only our own folders protect."""
    folder = Path(tempfile.mkdtemp(prefix="upheld-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    for lock in folder.rglob("keeper.lock"):
        await_stopped(lock.parent)
    shutil.rmtree(folder)


def as_nobody(action: Callable[[], object]) -> str:
    """Run `action` in a child that is `nobody`; give the name of what it raised, or `done`."""
    nobody = pwd.getpwnam("nobody")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
            os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
            action()
            said = "done"
        except BaseException as error:  # noqa: BLE001  the child reports whatever it met
            said = type(error).__name__
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


def open_for(public: Path, kind: Kind | None) -> EmbeddedServer:
    return open_server(
        public / "home", durable=False, run_as=kind, private_root=public / "elsewhere"
    )


def data_folder(server: EmbeddedServer) -> Path:
    with psycopg.connect(server.conninfo("postgres")) as conn:
        row = conn.execute("show data_directory").fetchone()
    assert row
    return Path(row[0])


@needs_root
@pytest.mark.parametrize("kind", ["namespace", "account"])
def test_another_user_reaches_neither_socket_nor_files(public: Path, kind: Kind) -> None:
    with open_for(public, kind) as server:
        conninfo = server.conninfo("postgres")
        folder = Path(str(conninfo_to_dict(conninfo)["host"]))
        data = data_folder(server)
        assert as_nobody(lambda: list(public.iterdir())) == "done"
        # Even with the right password in hand.
        assert as_nobody(lambda: psycopg.connect(conninfo)) == "OperationalError"
        assert as_nobody(lambda: dial(folder)) == "PermissionError"
        assert as_nobody(lambda: list(folder.iterdir())) == "PermissionError"
        assert as_nobody(lambda: list(data.iterdir())) == "PermissionError"
        assert as_nobody((data / "PG_VERSION").read_text) == "PermissionError"
        assert as_nobody((public / "home/pg/password").read_text) == "PermissionError"
        assert as_nobody(server.log.read_text) == "PermissionError"
        psycopg.connect(conninfo).close()


def dial(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(folder / ".s.PGSQL.5432"))


@pytest.mark.parametrize("password", ["wrong", None])
def test_the_socket_alone_is_not_enough(
    postgres_server: EmbeddedServer, password: str | None
) -> None:
    wrong = make_conninfo(postgres_server.conninfo("postgres"), password=password or "")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)


def test_listens_on_no_network_address(postgres_server: EmbeddedServer) -> None:
    process = postmaster(data_folder(postgres_server))
    sockets = {
        name
        for entry in Path(f"/proc/{process.number}/fd").iterdir()
        if (name := str(entry.readlink())).startswith("socket:")
    }
    assert sockets
    for table in ("tcp", "tcp6", "udp", "udp6"):
        rows = Path("/proc/net", table).read_text(encoding="utf-8").splitlines()[1:]
        assert not sockets & {f"socket:[{row.split()[9]}]" for row in rows}


def test_each_home_has_its_own_password_of_256_bits(tmp_path: Path) -> None:
    words = set()
    for name in ("one", "two"):
        with open_server(tmp_path / name, durable=False):
            file = tmp_path / name / "pg" / "password"
            assert file.stat().st_mode & 0o777 == 0o600
            words.add(file.read_text(encoding="utf-8").strip())
    assert len(words) == 2
    assert all(len(word) == 43 for word in words)  # 32 bytes in base64


def test_no_repr_and_no_process_shows_the_password(postgres_server: EmbeddedServer) -> None:
    conninfo = postgres_server.conninfo()
    password = str(conninfo_to_dict(conninfo)["password"])
    assert password not in repr(postgres_server) + repr(conninfo) + repr([conninfo])
    server = postmaster(data_folder(postgres_server))
    for number in (server.number, keeper(server).number):
        for part in ("cmdline", "environ"):
            assert password.encode() not in Path(f"/proc/{number}/{part}").read_bytes()


def test_what_the_environment_says_about_other_servers_does_not_matter(
    postgres_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGPASSWORD": "other",
        "PGUSER": "other",
        "PGHOST": "other.example",
        "PGPORT": "1",
        "PGSSLMODE": "verify-full",
        "PGREQUIREAUTH": "none",
    }.items():
        monkeypatch.setenv(name, value)
    postgres_server.ensure_database("postgres")


def test_the_log_keeps_no_value_of_a_failed_statement(database: Conninfo) -> None:
    failing = (
        b"select 'ada@people.example'::int",
        b"insert into person values ('ada@people.example'), ('ada@people.example')",
        b"do $$ begin raise exception 'ada@people.example'; end $$",
        b"select ada@people.example",
    )
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("create table person (email text primary key)")
        conn.execute("do $$ begin raise warning 'ada@people.example'; end $$")
        for statement in failing:
            with pytest.raises(psycopg.Error, match="ada"):
                conn.execute(statement)
        row = conn.execute("show data_directory").fetchone()
    assert row
    log = (Path(row[0]).parent / "server.log").read_text(encoding="utf-8")
    assert "ready to accept connections" in log
    assert "ada" not in log


def test_a_home_whose_path_is_too_long_for_a_socket(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 40) / "home"
    with open_server(home, durable=False) as server:
        server.ensure_database()
        folder = Path(str(conninfo_to_dict(server.conninfo())["host"]))
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.stat().st_uid == os.geteuid()
        parent = keeper(postmaster(home / "pg" / "data"))
    assert parent.has_ended(PATIENCE_SECONDS)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["a 'b' \"c\" é", "d\\e", "f,g", "h=i"])
def test_a_home_whose_name_needs_quoting(public: Path, name: str) -> None:
    with open_server(public / name, durable=False) as server:
        server.ensure_database()


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot keep a database in .*Not a directory") as caught:
        open_server(tmp_path / "file" / "home", durable=False)
    assert "UPHELD_DATABASE_URL" in (caught.value.help or "")


@needs_root
def test_root_keeps_its_data_below_a_folder_that_only_root_enters(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with open_server(closed / "home", durable=False) as server:
        assert data_folder(server) == closed / "home" / "pg" / "data"
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
def test_root_in_a_folder_of_another_user_keeps_its_data_elsewhere(public: Path) -> None:
    closed = public / "closed"
    closed.mkdir(mode=0o700)
    os.chown(closed, 12345, 12345)
    with open_server(
        closed / "home",
        durable=False,
        run_as="namespace",
        private_root=public / "elsewhere",
    ) as server:
        assert data_folder(server).is_relative_to(public / "elsewhere")
        assert data_folder(server).stat().st_uid == 0
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
def test_where_nobody_may_run_it_the_help_names_the_url(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="lets PostgreSQL run neither as this user") as caught:
        open_server(tmp_path / "home", durable=False, run_as="same")
    assert "UPHELD_DATABASE_URL" in (caught.value.help or "")


@needs_root
def test_without_namespaces_an_unused_user_runs_it_elsewhere(public: Path) -> None:
    before = os.getgroups()
    os.setgroups([4, 5])  # none of which the server may keep
    try:
        opened = open_for(public, "account")
    finally:
        os.setgroups(before)
    with opened as server:
        server.ensure_database()
        data = data_folder(server)
        owner = data.stat().st_uid
        assert data.is_relative_to(public / "elsewhere")
        assert not list((public / "home/pg").glob("data*"))
        with pytest.raises(KeyError):
            pwd.getpwuid(owner)
        process = postmaster(data)
        parent = keeper(process)
        assert Path(f"/proc/{process.number}").stat().st_uid == owner
        status = Path(f"/proc/{process.number}/status").read_text(encoding="utf-8")
        assert "Groups:\t \n" in status or "Groups:\t\n" in status
        assert "CapEff:\t0000000000000000" in status
    assert parent.has_ended(PATIENCE_SECONDS)
    # What was settled stays, even where namespaces would be had.
    with open_server(public / "home", durable=False) as server:
        assert data_folder(server) == data


@needs_root
def test_programs_out_of_reach_are_copied(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from upheld.database import binaries, cluster  # noqa: PLC0415  replaced below

    hidden = public / "hidden"
    hidden.mkdir(mode=0o700)
    package = binaries.installation().parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, hidden / part.name)
    monkeypatch.setattr(cluster, "installation", lambda: hidden / package.name / "pginstall")
    with open_for(public, "account") as server:
        process = postmaster(data_folder(server))
        program = Path(f"/proc/{process.number}/exe").readlink()
        assert program.is_relative_to(public / "elsewhere")
    assert hidden.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_a_link_or_open_to_others_is_refused(tmp_path: Path) -> None:
    me = os.geteuid()
    (tmp_path / "link").symlink_to(private_folder(tmp_path / "real", me))
    with pytest.raises(StoreError, match="is not a folder"):
        private_folder(tmp_path / "link", me)
    (tmp_path / "wide").mkdir()
    (tmp_path / "wide").chmod(0o750)
    with pytest.raises(StoreError, match="is open to other users"):
        private_folder(tmp_path / "wide", me)


@needs_root
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/pg").mkdir(mode=0o700)
    os.chown(tmp_path / "home/pg", 12345, 12345)
    with pytest.raises(StoreError, match="belongs to another user"):
        open_server(tmp_path / "home", durable=False)


@needs_root
def test_an_ordinary_user_runs_it_too(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The keeper needs the standard library alone, so the system's Python will do.
    monkeypatch.setattr(sys, "executable", system_python())
    home = public / "theirs"
    home.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)

    def use() -> None:
        with open_server(home, durable=False) as server:
            server.ensure_database()
            process = postmaster(data_folder(server))
            assert Path(f"/proc/{process.number}").stat().st_uid == nobody.pw_uid

    assert as_nobody(use) == "done"
    assert (home / "pg/data").stat().st_uid == nobody.pw_uid
    await_stopped(home / "pg")
    with pytest.raises(StoreError, match="belongs to another user"):
        open_server(home, durable=False)


def system_python() -> str:
    """Give an interpreter that every user can start."""
    found = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip("no Python that another user can start")
    return found
