"""`upheld verify` and `upheld log verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from upheld.cli.options import JsonOption, ProjectOption, engine, read_project
from upheld.cli.output import count_of, progress_bars, say, say_json, say_table
from upheld.errors import EvidenceError
from upheld.evidence import (
    Identifier,
    ReceiptReport,
    Verifier,
    load_public_key,
    verify_log,
    verify_receipt,
)

log = typer.Typer(no_args_is_help=True, help="The log of evidence.")


def verify(
    receipt: Annotated[list[Path], typer.Argument(help="Receipts, or folders of them.")],
    email: Annotated[
        str | None, typer.Option("--email", help="Prove that it is about this address.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Prove that it is about kind:value.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="The log's public key: its file, log.pub, or the key itself."),
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check receipts offline, with the public key alone; exit 1 unless all of them hold."""
    verifier = _public_key(key, project)
    person = _who(email, account)
    held: list[tuple[Path, ReceiptReport]] = []
    failed: list[tuple[Path, EvidenceError]] = []
    for file in _receipts(receipt):
        try:
            held.append((file, verify_receipt(_read(file), str(verifier), person)))
        except EvidenceError as error:
            failed.append((file, error))
    if len(held) + len(failed) == 1 and failed:
        raise failed[0][1]
    if as_json:
        say_json([*map(_as_json, held), *map(_failure_as_json, failed)])
    else:
        _say_verified(held)
        for file, reason in failed:
            say(f"`{file}` does not hold: {reason.message}")
    if failed:
        message = f"not all receipts hold: {len(failed):,} of {len(held) + len(failed):,} failed"
        raise EvidenceError(
            message, help="treat these as unproven, and ask the service to issue them again"
        )


def _public_key(key: str | None, project: Path | None) -> Verifier:
    """Read the key from its file; or take it as it is: `name+hash+key`, on one line."""
    if key is not None and "+" in key and not Path(key).exists():
        return Verifier.parse(key)
    return load_public_key(Path(key) if key else read_project(project).home / "keys" / "log.pub")


def _who(email: str | None, account: str | None) -> Identifier | None:
    if account:
        kind, colon, value = account.partition(":")
        return Identifier(kind, value) if colon else Identifier("account", kind)
    return Identifier("email", email) if email else None


def _receipts(given: list[Path]) -> list[Path]:
    """Give the files meant: a folder stands for the receipts in it."""
    files: list[Path] = []
    for path in given:
        inside = sorted(path.glob("receipt-*.json")) if path.is_dir() else [path]
        if not inside:
            message = f"there are no receipts in `{path}`"
            raise EvidenceError(message, help="they are named `receipt-….json`")
        files += inside
    return files


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        message = f"cannot read the receipt `{file}`: {problem.strerror}"
        raise EvidenceError(message) from None


def _as_json(one: tuple[Path, ReceiptReport]) -> dict[str, Any]:
    file, report = one
    return {
        "receipt": str(file),
        "ok": True,
        "index": report.index,
        "request": str(report.leaf.request),
        "kind": report.leaf.kind,
        "at": report.leaf.at,
        "checks": list(report.checks),
        "person": report.person,
        "facts": report.leaf.facts,
    }


def _failure_as_json(one: tuple[Path, EvidenceError]) -> dict[str, Any]:
    file, error = one
    return {"receipt": str(file), "ok": False, **error.as_json()}


def _say_verified(held: list[tuple[Path, ReceiptReport]]) -> None:
    """Say what was checked of one receipt; of many, which they are."""
    if len(held) == 1:
        ((file, report),) = held
        say(f"`{file}` holds: {report.leaf.kind}, {report.leaf.at:%Y-%m-%d %H:%M} UTC.")
        for check in report.checks.values():
            say(f"  {check}")
        return
    say_table(
        f"{count_of(len(held), 'receipt')} verified",
        ("request", "kind", "at (UTC)", "leaf"),
        [(r.leaf.request, r.leaf.kind, f"{r.leaf.at:%Y-%m-%d %H:%M}", r.index) for _, r in held],
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
