"""`upheld verify` and `upheld log verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from upheld.cli.options import JsonOption, ProjectOption, engine, read_project
from upheld.cli.output import progress_bars, say, say_json, say_table
from upheld.errors import EvidenceError
from upheld.evidence import Identifier, load_public_key, verify_log, verify_receipt

log = typer.Typer(no_args_is_help=True, help="The log of evidence.")


def verify(
    receipt: Annotated[list[Path], typer.Argument(help="Receipts, as files.")],
    email: Annotated[
        str | None, typer.Option("--email", help="Prove that it is about this address.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Prove that it is about kind:value.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="The log's public key, log.pub.")
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check receipts offline, with the public key alone."""
    verifier = load_public_key(key or read_project(project).home / "keys" / "log.pub")
    person = Identifier("email", email) if email else None
    if account:
        kind, colon, value = account.partition(":")
        person = Identifier(kind, value) if colon else Identifier("account", kind)
    reports = []
    for file in receipt:
        try:
            data = file.read_bytes()
        except OSError as problem:
            message = f"cannot read the receipt `{file}`: {problem.strerror}"
            raise EvidenceError(message) from None
        reports.append((file, verify_receipt(data, str(verifier), person)))
    if as_json:
        say_json(
            [
                {
                    "receipt": str(file),
                    "index": r.index,
                    "kind": r.leaf.kind,
                    "at": r.leaf.at,
                    "checks": list(r.checks),
                    "person": r.person,
                    "facts": r.leaf.facts,
                }
                for file, r in reports
            ]
        )
        return
    say_table(
        f"{len(reports)} receipts verified",
        ("receipt", "kind", "at", "leaf", "checks"),
        [
            (file.name, r.leaf.kind, str(r.leaf.at), r.index, "; ".join(r.checks))
            for file, r in reports
        ],
    )


@log.command("verify")
def verify_whole_log(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Check the whole log, and name the first leaf that was tampered with."""
    with engine(project) as upheld, progress_bars(quiet=as_json) as progress:
        report = verify_log(
            upheld.conn, upheld.keys.verifier, lambda done, total: progress("leaves", done, total)
        )
    faults = [fault.message for fault in report.faults]
    if as_json:
        say_json(
            {
                "ok": report.ok,
                "leaves": report.size,
                "checkpoints": report.checkpoints,
                "first_tampered_leaf": report.first_leaf,
                "faults": faults,
            }
        )
    elif report.ok:
        say(f"The log is whole: {report.size:,} leaves, {report.checkpoints:,} signed checkpoints.")
    if not report.ok:
        first = (
            f"; the first leaf tampered with is {report.first_leaf}"
            if report.first_leaf is not None
            else ""
        )
        message = f"the log was tampered with: {faults[0]}{first}"
        raise EvidenceError(message, help="compare it with a backup, and keep both")
