"""`upheld map scan`, `upheld map check` and `upheld map schema`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from upheld.cli.options import JsonOption, ProjectOption, engine
from upheld.cli.output import progress_bars, say, say_json, say_table
from upheld.database.conninfo import connect
from upheld.datamap import json_schema
from upheld.datamap.check import check_map
from upheld.errors import StoreError
from upheld.settings import resolve_url
from upheld.stores.postgres.catalog import read_schema
from upheld.stores.postgres.sampling import scan as scan_database

app = typer.Typer(no_args_is_help=True, help="Data maps.")


@app.command()
def scan(
    url: Annotated[
        str, typer.Argument(help="The database to read: a PostgreSQL URL, or env:NAME.")
    ],
    system: Annotated[str, typer.Option("--system", help="The system's name.")] = "main",
    region: Annotated[str, typer.Option("--region", help="Where it runs.")] = "unknown",
    out: Annotated[Path | None, typer.Option("--out", help="The file to write.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a map from a live schema: each guess with its reason and confidence."""
    with connect(resolve_url(url, os.environ)) as conn, progress_bars(quiet=as_json) as progress:
        draft = scan_database(conn, system, region, progress)
    if as_json:
        say_json(draft.as_json())
    elif out is None:
        typer.echo(draft.to_yaml(), nl=False)
    else:
        if out.exists():
            message = f"`{out}` is there already"
            raise StoreError(message, help="choose another file: a reviewed map is not replaced")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(draft.to_yaml(), encoding="utf-8")
        say(f"Wrote {out}. Review each guess, then run: upheld map check")


@app.command()
def check(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Hold the maps against the live schemas; exit 1 on errors."""
    findings = []
    with engine(project) as upheld:
        for system, datamap in upheld.maps.items():
            with connect(upheld.systems[system]) as conn:
                live = read_schema(conn)
            findings += [{"system": system, **asdict(f)} for f in check_map(datamap, live)]
    if as_json:
        say_json(findings)
    elif findings:
        say_table(
            f"{len(findings)} findings",
            ("severity", "rule", "what", "what to do"),
            [(f["severity"], f["rule"], f["message"], f["help"]) for f in findings],
        )
    else:
        say("The maps fit their databases.")
    if any(f["severity"] == "error" for f in findings):
        raise typer.Exit(1)


@app.command()
def schema(as_json: JsonOption = True) -> None:  # noqa: ARG001  it is JSON either way
    """Print the JSON Schema of the map language, for editors."""
    say_json(json_schema())
