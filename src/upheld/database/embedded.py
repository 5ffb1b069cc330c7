"""The engine's own PostgreSQL server, shared by every process that has it open.

Nobody but this user can reach it: it listens on no network address, its socket
stands in a folder of mode 0700, and every connection proves a random password
of 256 bits (SCRAM, RFC 7677). The server lives while at least one process holds
it open, however that process ends; see `keeper`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from psycopg import sql
from psycopg.conninfo import make_conninfo

from upheld.database.cluster import (
    PORT,
    PRIVATE_ROOT,
    SUPERUSER,
    Cluster,
    check_identity,
    check_socket_folder,
    find_cluster,
    make_cluster,
    reachable_programs,
    server_command,
    socket_folder,
    socket_path,
    turn_log,
    write_settings,
)
from upheld.database.conninfo import Conninfo, connect
from upheld.database.folders import open_private, private_folder
from upheld.database.identity import OWN_SERVER_HELP, Kind, keeper_command
from upheld.errors import StoreError

ENGINE_DATABASE: Final = "upheld"

_KEEPER_LOCK: Final = "keeper.lock"
_SERVER_LOCK: Final = "server.lock"
_ATTEMPTS: Final = 3
_START_SECONDS: Final = 900.0  # recovery after a crash replays up to max_wal_size
_PAUSE_SECONDS: Final = 0.005
_PID_FILE_STATUS_LINE: Final = 8
_PID_FILE_SOCKET_LINE: Final = 5


class EmbeddedServer:
    """An open server; closing it, or the end of this process, lets go of it."""

    def __init__(self, cluster: Cluster, lease: int, folder: Path) -> None:
        """Take over `lease`, the descriptor that keeps the server alive."""
        self._cluster = cluster
        self._lease: int | None = lease
        self._socket_folder = folder

    def __enter__(self) -> Self:
        """Give the server itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the server."""
        self.close()

    def __repr__(self) -> str:
        """Name the home; never the password."""
        return f"EmbeddedServer({str(self._cluster.home)!r})"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._cluster.log

    def conninfo(self, dbname: str = ENGINE_DATABASE) -> Conninfo:
        """Give the connection string for `dbname`, password included; its repr hides that."""
        return Conninfo(
            make_conninfo(
                "",
                host=str(self._socket_folder),
                port=PORT,
                user=SUPERUSER,
                dbname=dbname,
                password=self._cluster.password(),
                require_auth="scram-sha-256",
                sslmode="disable",
                gssencmode="disable",
            )
        )

    def ensure_database(self, name: str = ENGINE_DATABASE) -> None:
        """Make the database `name` unless it is there."""
        known = "select from pg_database where datname = %s"
        with connect(self.conninfo("postgres"), autocommit=True) as conn:
            # Two that make the same one at once would fail on its catalogue's index.
            conn.execute("select pg_advisory_lock(hashtext(%s))", [name])
            if conn.execute(known, [name]).fetchone() is None:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))

    def close(self) -> None:
        """Let go of the server; the last to do so lets it stop. Does not wait for that."""
        if self._lease is not None:
            os.close(self._lease)  # not LOCK_UN: a forked child may still hold the same lease
            self._lease = None

    def close_and_wait(self) -> None:
        """Let go of the server and wait for its end: for one that nobody else has open."""
        self.close()
        for name in (_KEEPER_LOCK, _SERVER_LOCK):
            with _descriptor(self._cluster.base / name) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextlib.contextmanager
def temporary_server() -> Iterator[EmbeddedServer]:
    """Give a server of its own in a temporary folder; both are gone after the block."""
    with tempfile.TemporaryDirectory(prefix="upheld-") as folder:
        server = open_server(Path(folder) / "home", durable=False)
        try:
            yield server
        finally:
            server.close_and_wait()


def open_server(
    home: Path,
    *,
    durable: bool = True,
    run_as: Kind | None = None,
    private_root: Path = PRIVATE_ROOT,
) -> EmbeddedServer:
    """Open the server of `home` (the project's `.upheld`), starting it if nobody has.

    `durable=False` gives up safety against a crash of the machine, for tests.
    `run_as` and `private_root` are for tests too: they force the identity of a
    new cluster and the place of data that cannot lie below `home`.

    Raises `StoreError` when there can be no server here; its help says what then.
    """
    if sys.platform != "linux":
        raise StoreError("the embedded PostgreSQL runs on Linux only", help=OWN_SERVER_HELP)
    home = home.resolve()
    try:
        return _open(home, durable=durable, run_as=run_as, private_root=private_root)
    except OSError as error:
        raise StoreError(
            f"cannot keep a database in `{home}`: {error.strerror}",
            help=f"make room or mend the folder, or {OWN_SERVER_HELP}",
        ) from error


def _open(home: Path, *, durable: bool, run_as: Kind | None, private_root: Path) -> EmbeddedServer:
    """Take a lease, then find or start the server."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    base = private_folder(home / "pg", os.geteuid())
    with _descriptor(base / "start.lock") as turn:
        # One client at a time looks and starts. The keeper never takes this lock.
        fcntl.flock(turn, fcntl.LOCK_EX)
        lease = open_private(base / "lease.lock")
        try:
            # Waits while a keeper that holds it alone is still stopping the server.
            fcntl.flock(lease, fcntl.LOCK_SH)
            cluster = find_cluster(home, private_root, run_as)
            folder = _ensure_running(cluster, durable=durable)
        except BaseException:
            os.close(lease)
            raise
        return EmbeddedServer(cluster, lease, folder)


def _ensure_running(cluster: Cluster, *, durable: bool) -> Path:
    """Have the server run; give the folder of its socket."""
    for _ in range(_ATTEMPTS):
        folder = _attend(cluster, durable=durable)
        if folder:
            check_socket_folder(cluster, folder)
            return folder
    raise StoreError(
        f"the database in `{cluster.data}` does not start: {_last_words(cluster)}",
        help=f"see `{cluster.log}`, or {OWN_SERVER_HELP}",
    )


@contextlib.contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    """Open a lock file for the length of a block."""
    descriptor = open_private(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _attend(cluster: Cluster, *, durable: bool) -> Path | None:
    """Start the server unless it runs; give its socket folder, None if it ended meanwhile."""
    with (
        _descriptor(cluster.base / _KEEPER_LOCK) as keeper_lock,
        _descriptor(cluster.base / _SERVER_LOCK) as server_lock,
    ):
        if _try_lock(keeper_lock):
            if not _try_lock(server_lock):
                _stop_orphan(cluster)
                fcntl.flock(server_lock, fcntl.LOCK_EX)
            _start(cluster, keeper_lock, server_lock, durable=durable)
        elif _try_lock(server_lock):
            # The server has died under its keeper, who is on the way out.
            fcntl.flock(keeper_lock, fcntl.LOCK_EX)
            _start(cluster, keeper_lock, server_lock, durable=durable)
    return _await_ready(cluster)


def _start(cluster: Cluster, keeper_lock: int, server_lock: int, *, durable: bool) -> None:
    """Start keeper and server, which inherit both locks. Nobody runs on this cluster now."""
    pid_file = cluster.data / "postmaster.pid"
    stranger = _postmaster(cluster)
    if stranger is not None:
        raise StoreError(
            f"another server (process {stranger}) already runs on `{cluster.data}`",
            help=f"stop it: `kill -INT {stranger}`",
        )
    check_identity(cluster)
    programs = reachable_programs(cluster)
    # Both locks are ours, so whatever these files say is over, even if their
    # process number has been given to somebody else since.
    folder = socket_folder(cluster)
    socket_file = socket_path(folder)
    for stale in (pid_file, socket_file, socket_file.with_name(f"{socket_file.name}.lock")):
        stale.unlink(missing_ok=True)
    make_cluster(cluster, programs, durable=durable)
    write_settings(cluster, durable=durable)
    turn_log(cluster)
    order = {
        "identity": cluster.identity.as_order(),
        "argv": server_command(cluster, programs, folder),
        "lease": str(cluster.base / "lease.lock"),
        "log": str(cluster.log),
        "socket_folder": str(folder),
        "keeper_lock": keeper_lock,
        "server_lock": server_lock,
    }
    with subprocess.Popen(  # noqa: S603  our own interpreter and script
        keeper_command("keep", order),
        pass_fds=(keeper_lock, server_lock),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    ) as launcher:
        launcher.wait()  # it forks the keeper proper and ends at once


def _await_ready(cluster: Cluster) -> Path | None:
    """Wait until the server takes connections; None if its keeper ends before that."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        folder = _ready_folder(cluster)
        if folder and _answers(folder):
            return folder
        with _descriptor(cluster.base / _KEEPER_LOCK) as keeper_lock:
            if _try_lock(keeper_lock):
                return None
        time.sleep(_PAUSE_SECONDS)
    raise StoreError(
        f"the database in `{cluster.data}` is still not ready after {_START_SECONDS:.0f} s",
        help=f"see `{cluster.log}`",
    )


def _ready_folder(cluster: Cluster) -> Path | None:
    """Give the socket folder that the server announced, once it says that it is ready."""
    lines = _pid_file(cluster)
    if len(lines) < _PID_FILE_STATUS_LINE or lines[_PID_FILE_STATUS_LINE - 1].strip() != "ready":
        return None
    return Path(lines[_PID_FILE_SOCKET_LINE - 1])


def _answers(folder: Path) -> bool:
    """Say whether somebody listens on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(socket_path(folder)))
        except OSError:
            return False
    return True


def _stop_orphan(cluster: Cluster) -> None:
    """Ask a server without keeper to stop; the kernel has as a rule done so already."""
    process = _postmaster(cluster)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGINT)


def _postmaster(cluster: Cluster) -> int | None:
    """Give the process that runs on the data folder now; a reused number does not fool it."""
    lines = _pid_file(cluster)
    if not lines or not lines[0].strip().isdecimal():
        return None
    process = int(lines[0])
    try:
        here = Path(f"/proc/{process}/cwd").readlink()
    except OSError:
        return None
    return process if here == cluster.data else None


def _pid_file(cluster: Cluster) -> list[str]:
    """Read `postmaster.pid`; no lines if there is none."""
    try:
        return (cluster.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _try_lock(descriptor: int) -> bool:
    """Take the exclusive lock if nobody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_words(cluster: Cluster) -> str:
    """Give the last complaint in the server's log."""
    try:
        lines = cluster.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    complaints = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return complaints[-1].partition(":  ")[2] if complaints else "no reason given"
