"""Plain-text dumps and the interactive shell: PostgreSQL's own programs, passwords kept apart."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
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
