"""The `upheld` command: groups, and one place where errors become exit codes."""

from __future__ import annotations

import sys

import psycopg
import typer

from upheld.cli import database, evidence, maps, requests
from upheld.cli.output import say_error
from upheld.errors import StoreError, UpheldError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A privacy policy that runs.",
)
app.add_typer(maps.app, name="map")
app.add_typer(requests.app, name="request")
app.add_typer(evidence.log, name="log")
app.add_typer(database.app, name="db")
app.command()(requests.footprint)
app.command()(evidence.verify)


def main() -> None:
    """Run the command; exit 1 on an error of ours or of a database, 2 on wrong usage."""
    try:
        app()
    except UpheldError as error:
        problem = error
    except psycopg.Error as error:
        # The first line only: what follows quotes values.
        said = error.diag.message_primary or str(error).partition("\n")[0]
        problem = StoreError(
            f"a database refused, or was lost: {said}",
            help="what had begun is not lost: run the command again",
        )
    say_error(problem, as_json="--json" in sys.argv)
    sys.exit(1)
