"""The one root of every error that Upheld raises on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; `line` counts from 1."""

    file: Path
    line: int

    def __str__(self) -> str:
        """Give `file:line`, which editors open."""
        return f"{self.file}:{self.line}"


class UpheldError(Exception):
    """Something is wrong and the person can mend it.

    `message` says what, in lower case and on one line, with user input in
    backticks; `where` is the file and line; `help` says what to do next.
    `code` is stable and names the kind of error for machines. Personal data
    never goes into any of them, save what the person typed on this very call.
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        where: Place | None = None,
        help: str | None = None,  # noqa: A002  the field's own word; shadowing ends with this line
    ) -> None:
        """Keep the three parts apart, so that printers can lay them out."""
        super().__init__(message)
        self.message = message
        self.where = where
        self.help = help

    def __str__(self) -> str:
        """Give the whole on one to two lines: `file:line: message` and `help: …`."""
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  help: {self.help}" if self.help else head

    def as_json(self) -> dict[str, Any]:
        """Give the same for machines."""
        return {
            "error": self.code,
            "message": self.message,
            "where": str(self.where) if self.where else None,
            "help": self.help,
        }


class ProjectError(UpheldError):
    """The project (policy, maps, settings) cannot be read."""

    code = "project"


class MapError(ProjectError):
    """The data map is wrong, or does not fit the live schema."""

    code = "map"


class StoreError(UpheldError):
    """A store is down, refuses, or is not what the map says."""

    code = "store"


class PlanError(UpheldError):
    """What is asked cannot be done without breaking a promise or a constraint."""

    code = "plan"


class RequestError(UpheldError):
    """The request itself is malformed or names nobody."""

    code = "request"


class EvidenceError(UpheldError):
    """Evidence does not verify, or cannot be read."""

    code = "evidence"
