"""Processes of a server under test: found through /proc, waited for through pidfd."""

from __future__ import annotations

import fcntl
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

# Generous: a server on a busy machine may take seconds; a test that hangs here has found a bug.
PATIENCE_SECONDS = 120

CLIENT = """
import sys
import time
from pathlib import Path
from upheld.database.embedded import open_server

server = open_server(Path(sys.argv[1]), durable=False)
server.ensure_database()
print("open", flush=True)
sys.stdin.read()
server.close()
"""


def start_client(home: Path) -> subprocess.Popen[str]:
    """Start a process that holds the server of `home` open until its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def await_open(client: subprocess.Popen[str]) -> None:
    assert client.stdout is not None
    assert client.stdout.readline() == "open\n"


def end_client(client: subprocess.Popen[str]) -> None:
    client.communicate(timeout=PATIENCE_SECONDS)
    assert client.returncode == 0


def await_stopped(base: Path) -> None:
    """Wait until no keeper and no server of the cluster in `base` is left."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for name in ("keeper.lock", "server.lock"):
        with (base / name).open("rb") as file:
            while not is_free(file.fileno()):
                assert time.monotonic() < deadline, f"{name} is still held"
                time.sleep(0.02)


def is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Process:
    """A process that is not our child, held by a descriptor that no other process can inherit."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._descriptor = os.pidfd_open(number)

    def has_ended(self, seconds: float) -> bool:
        """Wait at most `seconds` for its end."""
        waiter = select.poll()
        waiter.register(self._descriptor, select.POLLIN)
        return bool(waiter.poll(seconds * 1000))


def postmaster(data: Path) -> Process:
    lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    return Process(int(lines[0]))


def keeper(server: Process) -> Process:
    """Give the keeper: the server's parent."""
    status = Path(f"/proc/{server.number}/status").read_text(encoding="utf-8")
    found = re.search(r"^PPid:\t(\d+)$", status, re.MULTILINE)
    assert found
    return Process(int(found[1]))
