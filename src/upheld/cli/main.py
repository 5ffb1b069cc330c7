"""The `upheld` command: groups, and one place where errors become exit codes."""

from __future__ import annotations

import sys

import click
import typer

from upheld.cli import database, evidence, maps, requests
from upheld.cli.output import say_error
from upheld.errors import UpheldError

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

_USAGE = 2


def main() -> None:
    """Run the command; exit 1 on an error of ours, 2 on wrong usage, 130 when interrupted."""
    try:
        status = app(standalone_mode=False)
    except UpheldError as error:
        say_error(error, as_json="--json" in sys.argv)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(_USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
