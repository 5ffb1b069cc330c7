"""`upheld db dump` and `upheld db shell`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from upheld.cli.options import ProjectOption, engine
from upheld.database.conninfo import Conninfo
from upheld.database.dump import dump as dump_database
from upheld.database.dump import shell as open_shell
from upheld.engine import Upheld
from upheld.errors import RequestError
from upheld.located import did_you_mean

app = typer.Typer(no_args_is_help=True, help="The engine's database, or a governed one.")
SystemOption = Annotated[
    str | None, typer.Option("--system", help="A governed system; else the engine's own.")
]


@app.command()
def dump(system: SystemOption = None, project: ProjectOption = None) -> None:
    """Print a plain-text dump."""
    with engine(project) as upheld:
        dump_database(_chosen(upheld, system), sys.stdout.buffer)


@app.command()
def shell(system: SystemOption = None, project: ProjectOption = None) -> None:
    """Open psql."""
    with engine(project) as upheld:
        status = open_shell(_chosen(upheld, system))
    raise typer.Exit(status)


def _chosen(upheld: Upheld, system: str | None) -> Conninfo:
    if system is None:
        return upheld.conninfo
    if system not in upheld.systems:
        message = f"there is no system `{system}`"
        raise RequestError(
            message,
            help=did_you_mean(system, upheld.systems) or f"systems: {', '.join(upheld.systems)}",
        )
    return upheld.systems[system]
