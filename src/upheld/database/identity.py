"""As whom the server runs. PostgreSQL refuses root, and some programs need an account's name.

In order of preference:

- `same`: the caller's own user, when it is an ordinary one with an account.
- `namespace`: a user namespace in which the caller is `nobody`. Outside it the
  files stay the caller's own, so nothing is opened to anybody, and the server
  has no privilege although root started it.
- `account`: where the system refuses namespaces (many containers do), a plain
  numeric user that nobody has; root alone can do that.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from upheld.database import keeper
from upheld.errors import StoreError

Kind = Literal["same", "namespace", "account"]

OWN_SERVER_HELP: Final = "set UPHELD_DATABASE_URL to a PostgreSQL server of your own"

# Reserved by Debian's policy and given out by no system that we know.
_FREE_USERS: Final = range(30_000, 60_000)
_NO_LOGIN: Final = ("nologin", "false")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the server is: `uid` and `gid` as it sees itself."""

    kind: Kind
    uid: int
    gid: int

    @property
    def owner(self) -> int:
        """The user to whom its files belong outside."""
        return self.uid if self.kind == "account" else os.geteuid()

    @property
    def group(self) -> int:
        """The group to which its files belong outside."""
        return self.gid if self.kind == "account" else os.getegid()

    def as_order(self) -> dict[str, Any]:
        """Give the form that the keeper reads."""
        return asdict(self)

    def reaches(self, paths: Iterable[Path]) -> bool:
        """Say whether this identity can be had here and can read and enter all `paths`."""
        return _reach(self, paths) == 0

    def available(self) -> bool:
        """Say whether the system lets the caller take on this identity."""
        return _reach(self, ()) == 0


def keeper_command(verb: str, order: dict[str, Any]) -> list[str]:
    """Give the command that carries out `verb`; see `keeper`."""
    return [sys.executable, "-I", "-S", keeper.__file__, verb, json.dumps(order)]


def choose_identity(home: Path, wanted: Kind | None = None) -> Identity:
    """Choose as whom a new cluster for `home` runs; `wanted` forces one kind."""
    for candidate in _candidates(home):
        if wanted in (None, candidate.kind) and candidate.available():
            return candidate
    raise StoreError(
        "this system lets PostgreSQL run neither as this user, nor in a user namespace, "
        "nor as an unused user",
        help=OWN_SERVER_HELP,
    )


def initdb_account() -> Identity:
    """Give an account without log-in and without processes: `initdb` wants a user with a name."""
    busy = _users_of_processes()
    for entry in sorted(pwd.getpwall(), key=lambda entry: entry.pw_name != "nobody"):
        shell = entry.pw_shell.rpartition("/")[2]
        if entry.pw_uid and shell in _NO_LOGIN and entry.pw_uid not in busy:
            return Identity("account", entry.pw_uid, entry.pw_gid)
    raise StoreError(
        "no account without log-in and without processes is left to make the database with",
        help=OWN_SERVER_HELP,
    )


def has_account(uid: int) -> bool:
    """Say whether somebody has the user number `uid`."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _candidates(home: Path) -> Iterator[Identity]:
    """Give the identities in order of preference."""
    if os.geteuid() and has_account(os.geteuid()):
        yield Identity("same", os.geteuid(), os.getegid())
    inner = next(
        (
            entry
            for entry in sorted(pwd.getpwall(), key=lambda entry: entry.pw_name != "nobody")
            if entry.pw_uid
        ),
        None,
    )
    if inner:
        yield Identity("namespace", inner.pw_uid, inner.pw_gid)
    if os.geteuid() == 0:
        yield _unused_user(home)


def _unused_user(home: Path) -> Identity:
    """Give a user number that no account and no process has; the same for the same home."""
    busy = _users_of_processes()
    start = int.from_bytes(hashlib.sha256(os.fsencode(home)).digest()[:4])
    for step in range(len(_FREE_USERS)):
        uid = _FREE_USERS[(start + step) % len(_FREE_USERS)]
        if uid not in busy and not has_account(uid):
            return Identity("account", uid, uid)
    raise StoreError("every user number is taken", help=OWN_SERVER_HELP)


def _users_of_processes() -> set[int]:
    """Give the users that own a process now."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                found.add(entry.stat().st_uid)
            except FileNotFoundError:
                continue
    return found


def _reach(identity: Identity, paths: Iterable[Path]) -> int:
    """Ask the keeper's `reach`."""
    order = {"identity": identity.as_order(), "paths": [str(path) for path in paths]}
    command = keeper_command("reach", order)
    return subprocess.run(  # noqa: S603  our own interpreter and script
        command, check=False, cwd="/", stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ).returncode
