"""Keeps one PostgreSQL server for as long as anybody holds its lease.

Runs as a script (`python -I -S keeper.py VERB JSON`) and needs nothing but the
standard library. Three verbs:

`keep`
    Start the server and wait. Every client holds a shared lock on the lease
    file; the keeper asks for the exclusive one, which the kernel grants when the
    last client has gone, however it went. Then the server is stopped. If the
    server ends first, the keeper ends too; if the keeper ends first, even by
    SIGKILL, the kernel tells the server to stop (`PR_SET_PDEATHSIG`).
`enter`
    Take on an identity and run a program (`initdb` refuses root as well).
`reach`
    Take on an identity and say by exit status whether the given paths can be
    read and entered: 0 yes, 3 no, 4 when the identity itself is refused.

Two further locks are inherited from the client that starts the keeper: the
keeper lock lives as long as the keeper, the server lock as long as any process
of the server. So "is it still running" is asked of the kernel, never of a file
that may be stale.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import sys
import threading
from typing import Any, Final, NoReturn

UNREACHABLE: Final = 3
REFUSED: Final = 4
NOT_STARTED: Final = 127

_CLONE_NEWUSER: Final = 0x1000_0000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_FAST_SECONDS: Final = 120.0
_IMMEDIATE_SECONDS: Final = 20.0


def main(arguments: list[str]) -> int:
    """Carry out one verb; see the module."""
    verb, order = arguments[0], json.loads(arguments[1])
    if verb == "keep":
        _keep(order)
    if verb == "enter":
        become(order["identity"])
        os.execve(order["argv"][0], order["argv"], _environment())  # noqa: S606  no shell is the point
    if verb == "reach":
        return _reach(order)
    return REFUSED


def become(identity: dict[str, Any]) -> None:
    """Take on `identity`: `{"kind": "same" | "namespace" | "account", "uid", "gid"}`.

    `namespace` makes a user namespace in which the caller is `uid`; outside it
    remains who it was, but with no privilege at all. `account` gives up root for
    a plain numeric user. Raises `OSError` where the system refuses.
    """
    if identity["kind"] == "namespace":
        _enter_namespace(identity["uid"], identity["gid"])
    elif identity["kind"] == "account":
        os.setgroups([])
        os.setresgid(identity["gid"], identity["gid"], identity["gid"])
        os.setresuid(identity["uid"], identity["uid"], identity["uid"])
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _enter_namespace(uid: int, gid: int) -> None:
    """Be `uid`:`gid` inside a new user namespace; see user_namespaces(7)."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def _prctl(option: int, value: int) -> None:
    """Call prctl(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    unused = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), unused, unused, unused) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _environment() -> dict[str, str]:
    """Give the little that PostgreSQL's programs need; nothing of the caller's leaks in."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **kept}


def _reach(order: dict[str, Any]) -> int:
    """Say whether the identity can be had and can read and enter every path."""
    try:
        become(order["identity"])
    except OSError:
        return REFUSED
    fine = all(os.access(path, os.R_OK | os.X_OK) for path in order["paths"])
    return 0 if fine else UNREACHABLE


def _keep(order: dict[str, Any]) -> NoReturn:
    """Start the server, wait for its end or for the last client to go."""
    if os.fork():
        os._exit(0)  # the client reaps this half at once; init adopts the other
    os.set_inheritable(order["keeper_lock"], False)  # noqa: FBT003  the standard library's own signature
    server = _start(order)
    os.close(order["server_lock"])  # from here on it is the server's alone
    ended = threading.Event()
    try:
        handle = os.pidfd_open(server)
    except OSError:  # before Linux 5.3, or refused by a container
        handle = None
    lease = os.open(order["lease"], os.O_RDWR | os.O_CLOEXEC)
    threading.Thread(
        target=_stop_after_last, args=(lease, server, handle, ended), daemon=True
    ).start()
    os.waitpid(server, 0)
    ended.set()
    with contextlib.suppress(OSError):
        os.rmdir(order["socket_folder"])  # noqa: PTH106  pathlib would double the start-up time
    os._exit(0)


def _stop_after_last(lease: int, server: int, handle: int | None, ended: threading.Event) -> None:
    """Block until no client is left, then stop the server; harder if it does not stop."""
    fcntl.flock(lease, fcntl.LOCK_EX)
    for how, seconds in (
        (signal.SIGINT, _FAST_SECONDS),
        (signal.SIGQUIT, _IMMEDIATE_SECONDS),
        (signal.SIGKILL, None),
    ):
        with contextlib.suppress(ProcessLookupError):
            if handle is None:
                os.kill(server, how)
            else:
                signal.pidfd_send_signal(handle, how)
        if ended.wait(seconds):
            return


def _start(order: dict[str, Any]) -> int:
    """Fork the server and give its process id."""
    keeper = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.umask(0o077)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        log = os.open(order["log"], flags, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        become(order["identity"])
        _prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != keeper:
            os._exit(NOT_STARTED)  # the keeper died before it could be watched
        os.execve(order["argv"][0], order["argv"], _environment())  # noqa: S606  no shell is the point
    except OSError as error:
        os.write(2, f"FATAL:  cannot start the server: {error.strerror}\n".encode())
    os._exit(NOT_STARTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
