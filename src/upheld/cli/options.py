"""Options that several commands share, and the engine that they open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from upheld.engine import Upheld, open_engine
from upheld.settings import Project, find_project, load_project

ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="The project's folder; else UPHELD_PROJECT, else ./privacy."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
EmailOption = Annotated[
    list[str] | None, typer.Option("--email", help="An e-mail address; may be said again.")
]
AccountOption = Annotated[
    list[str] | None, typer.Option("--account", help="A key of the person table; may repeat.")
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", help="A file with one person a line: an e-mail, or kind:value."),
]


@contextmanager
def engine(project: Path | None) -> Iterator[Upheld]:
    """Open the engine of the project that the options and the environment name."""
    with open_engine(project, os.environ, Path.cwd()) as upheld:
        yield upheld


def read_project(project: Path | None) -> Project:
    """Read the project alone, without opening anything."""
    return load_project(find_project(project, os.environ, Path.cwd()), os.environ)
