"""Plain-text dumps and the interactive shell: PostgreSQL's own programs, passwords kept apart."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Final

from psycopg.conninfo import make_conninfo

from upheld.database.binaries import postgres_tool
from upheld.database.conninfo import split_secret
from upheld.errors import StoreError

__all__ = ["dump", "dump_schema", "postgres_tool", "shell"]

_CHUNK: Final = 1 << 20


def dump(conninfo: str, out: IO[bytes]) -> None:
    """Write a plain-text dump of the database to `out` as it comes.

    Raises `StoreError` when `pg_dump` fails; `out` then holds a part at most.
    """
    _run_dump(conninfo, [], out)


def dump_schema(conninfo: str) -> str:
    """Give the schema alone, without owners, comments of pg_dump and session settings."""
    with tempfile.TemporaryFile() as out:
        _run_dump(conninfo, ["--schema-only", "--no-owner"], out)
        out.seek(0)
        kept = [
            line
            for line in out.read().decode().splitlines()
            if not line.startswith(("\\", "SET ", "SELECT pg_catalog.set_config", "--"))
        ]
    text = "\n".join(kept).strip() + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def shell(conninfo: str) -> int:
    """Open psql on this terminal; give its exit status."""
    argv, environment = _call("psql", conninfo)
    return subprocess.run(argv, check=False, env=environment).returncode  # noqa: S603  the wheel's own program


def copy_out(conninfo: str, queries: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    """Stream the rows of some `COPY … TO STDOUT`, in blocks of whole lines.

    Gives (number of the query, block). psql pumps the bytes, so that no row
    passes through Python by itself. Raises `StoreError` when a query fails.
    """
    argv, environment = _call("psql", conninfo)
    words = ["-X", "-q", "-v", "ON_ERROR_STOP=1"]
    for number, query in enumerate(queries):
        # In COPY's text a backslash is doubled, so that no row looks like this line.
        words += ["-c", query, "-c", f"\\echo '\\\\.{number}'"]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(  # noqa: S603  the wheel's own program
            [*argv, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        ) as program,
    ):
        try:
            yield from _numbered(program)
        except BaseException:
            program.terminate()  # the reader is gone
            raise
        if program.wait():
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            raise StoreError(
                f"reading the database failed: {said[0] if said else 'psql gave no reason'}",
                help="see whether the server runs and the user may read every table",
            )


def _numbered(program: subprocess.Popen[bytes]) -> Iterator[tuple[int, bytes]]:
    """Cut psql's output at the marks between queries; blocks end at line ends."""
    # `rest` starts with the end of a line, so that a mark is only found at a line's start.
    number, rest = 0, b"\n"
    while block := (program.stdout.read(_CHUNK) if program.stdout else b""):
        rest += block
        while (end := rest.find(mark := b"\n\\.%d\n" % number)) >= 0:
            yield number, rest[1 : end + 1]
            rest = rest[end + len(mark) - 1 :]
            number += 1
        cut = rest.rfind(b"\n")
        if cut:
            yield number, rest[1 : cut + 1]
            rest = rest[cut:]


def _run_dump(conninfo: str, options: list[str], out: IO[bytes]) -> None:
    """Run pg_dump into `out`."""
    argv, environment = _call("pg_dump", conninfo)
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(  # noqa: S603  the wheel's own program
            [*argv, *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        ) as program,
    ):
        if program.stdout is None:
            raise StoreError("pg_dump gives no output")
        try:
            shutil.copyfileobj(program.stdout, out, _CHUNK)
        except BaseException:
            program.terminate()  # the reader is gone, or the disk is full
            raise
        status = program.wait()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip().splitlines()
    if status:
        reason = said[-1] if said else f"exit status {status}"
        raise StoreError(f"cannot dump the database: {reason}")


def _call(name: str, conninfo: str) -> tuple[list[str], dict[str, str]]:
    """Give arguments and environment of a program; the process list shows the arguments."""
    parameters, secret = split_secret(conninfo)
    if "sslpassword" in parameters:
        raise StoreError(
            "the database URL holds `sslpassword`, which the process list would show",
            help="use a key without a passphrase, in a file of mode 0600",
        )
    environment = dict(os.environ)
    if secret is not None:
        environment["PGPASSWORD"] = secret
    return [str(postgres_tool(name)), f"--dbname={make_conninfo('', **parameters)}"], environment
