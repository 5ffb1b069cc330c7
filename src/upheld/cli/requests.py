"""`upheld footprint`, `upheld request access` and `upheld request erase`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from upheld.cli.options import (
    AccountOption,
    EmailOption,
    FromOption,
    JsonOption,
    ProjectOption,
    engine,
)
from upheld.cli.output import count_of, progress_bars, say, say_json, say_table
from upheld.requests.access import readings, write_packages_for
from upheld.requests.asking import read_asks
from upheld.requests.erasure import Erased, Erasing, Planned

app = typer.Typer(no_args_is_help=True, help="Carry out people's requests.")
OutOption = Annotated[Path, typer.Option("--out", help="The folder to write into.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan; change nothing.")]
_FATES = {"g": "goes", "a": "anonymised", "k": "kept", "s": "stays, shared", "m": "mentions"}


def footprint(
    email: EmailOption = None,
    account: AccountOption = None,
    from_: FromOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count the rows that are these people's, per person and table."""
    with engine(project) as upheld:
        asks = read_asks(email or (), account or (), from_, upheld.maps.values())
        rows: list[dict[str, Any]] = []
        with readings(upheld.stores, asks) as found:
            for system, reading in found.items():
                rows += [
                    {"person": asks[n - 1].label, "system": system, "table": table, "rows": count}
                    for n, table, count in reading.footprint.counts()
                ]
    if as_json:
        say_json(rows)
        return
    say_table(
        "Footprint",
        ("person", "system", "table", "rows"),
        [tuple(row.values()) for row in sorted(rows, key=lambda r: r["person"])],
    )


@app.command()
def access(
    email: EmailOption = None,
    account: AccountOption = None,
    from_: FromOption = None,
    out: OutOption = Path("packages"),
    dry_run: DryRunOption = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a package of everything held about each person, with a receipt."""
    if dry_run:
        footprint(email, account, from_, project, as_json)
        return
    with engine(project) as upheld, progress_bars(quiet=as_json) as progress:
        asks = read_asks(email or (), account or (), from_, upheld.maps.values())
        packages = write_packages_for(upheld.stores, asks, out, progress)
    rows: list[dict[str, Any]] = []
    for ask, package in zip(asks, packages, strict=True):
        receipt = out / f"receipt-{package.request}.json"
        receipt.write_bytes(package.receipt)
        rows.append(
            {
                "person": ask.label,
                "request": str(package.request),
                "package": str(package.file),
                "receipt": str(receipt),
                "rows": sum(package.summary.rows.values()),
                "objects": package.summary.objects,
                "bytes": package.summary.bytes,
            }
        )
    if as_json:
        say_json(rows)
        return
    say_table(
        f"{count_of(len(rows), 'access package')} in {out}",
        ("person", "package", "rows", "files", "MB"),
        [
            (
                r["person"],
                Path(r["package"]).name,
                r["rows"],
                r["objects"],
                f"{r['bytes'] / 1e6:.2f}",
            )
            for r in rows
        ],
    )
    say("Beside each package is its receipt; check them: upheld verify " + str(out))


@app.command()
def erase(
    email: EmailOption = None,
    account: AccountOption = None,
    from_: FromOption = None,
    out: OutOption = Path("receipts"),
    dry_run: DryRunOption = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase people in every store, search again, and give each a receipt.

    A run that was interrupted is finished first. Who was erased already gets
    the same receipt again.
    """
    with engine(project) as upheld, progress_bars(quiet=as_json) as progress:
        asks = read_asks(email or (), account or (), from_, upheld.maps.values())
        erasing = Erasing(upheld.stores, progress)
        if dry_run:
            _say_plan(erasing.plan(asks), as_json=as_json)
            return
        resumed = erasing.resume()
        erased = erasing.erase(asks)
    out.mkdir(parents=True, exist_ok=True)
    for proof in (proof for one in (*resumed, erased) for proof in one.receipts):
        (out / f"receipt-{proof.request}.json").write_bytes(proof.receipt)
    _say_erased(erased, resumed, out, as_json=as_json)


def _say_plan(planned: Planned, *, as_json: bool) -> None:
    fates = [
        (system, table, _FATES[fate], rows)
        for (system, table, fate), rows in sorted(planned.fates.items())
    ]
    changes = [(*key, rows) for key, rows in sorted(planned.changes.items())]
    objects = sorted(planned.objects.items())
    if as_json:
        say_json(
            {
                "people": planned.people,
                "already_erased": planned.already,
                "rows": [
                    dict(zip(("system", "table", "fate", "rows"), f, strict=True)) for f in fates
                ],
                "changes": [
                    dict(zip(("system", "table", "columns", "rule", "rows"), c, strict=True))
                    for c in changes
                ],
                "objects": dict(objects),
            }
        )
        return
    if planned.people:
        say(f"The plan for {_people(planned.people)}. Nothing has been changed.")
    if planned.already:
        say(f"{_people(planned.already)} erased before, of whom nothing has come back.")
    say_table("Rows", ("system", "table", "fate", "rows"), fates)
    say_table(
        "Links and values that change in rows that stay",
        ("system", "table", "columns", "rule", "rows"),
        changes,
    )
    say_table("Objects that go", ("store", "objects"), objects)


def _say_erased(erased: Erased, resumed: list[Erased], out: Path, *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "batch": str(erased.batch) if erased.batch else None,
                **erased.outcome,
                "resumed": [str(one.batch) for one in resumed],
                "receipts": [
                    {"person": p.person, "receipt": str(out / f"receipt-{p.request}.json")}
                    for p in erased.receipts
                ],
                "report": str(erased.report) if erased.report else None,
            }
        )
        return
    for one in resumed:
        say(f"Finished the interrupted batch {one.batch} first.")
    already = erased.outcome.get("already", 0)
    if already:
        say(f"{_people(already)} erased before; the receipts are the same as then.")
    if erased.batch is not None:
        say(f"Erased {_people(erased.outcome['people'])}.")
        _say_rows(erased.outcome)
        say(f"Report, by table and key: {erased.report}")
    say(f"{count_of(len(erased.receipts), 'receipt')} in {out}; check them: upheld verify {out}")


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


_COLUMNS = ("erased", "anonymise", "kept", "detach", "pass")


def _say_rows(outcome: dict[str, Any]) -> None:
    for system, kinds in outcome["rows"].items():
        tables = sorted({table for counts in kinds.values() for table in counts})
        say_table(
            f"Rows in {system}",
            ("table", "erased", "anonymised", "kept", "detached", "passed on"),
            [
                (table, *(kinds.get(kind, {}).get(table, 0) for kind in _COLUMNS))
                for table in tables
            ],
        )
    say_table(
        "After the second search",
        ("store", "objects removed", "residue"),
        [
            (name, outcome["objects_removed"].get(name, 0), left)
            for name, left in outcome["residue"].items()
        ],
    )
    for name, keys in outcome["objects_to_review"].items():
        say(
            f"{len(keys)} objects in `{name}` that are not text hold an identifier; "
            "the report lists them."
        )
