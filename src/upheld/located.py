"""YAML text read strictly, with the place of every node.

Stricter than YAML 1.1 where that surprises: only `true`, `false`, `yes` and
`no` in small letters are booleans (Norway's `NO` stays text), a key may stand
once, and anchors are refused, since a few lines of them can unfold to gigabytes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from upheld.errors import Place, ProjectError

_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_MAX_BYTES = 4_000_000


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the narrower booleans."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's own way to say this
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|yes|no)$"), list("tfyn")
)


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML document as plain values, and where each of them stands.

    `lines` maps a path of keys and indexes to a line that counts from 1.
    """

    file: Path
    value: Any
    lines: dict[tuple[str | int, ...], int]

    def place(self, path: Sequence[str | int]) -> Place:
        """Give the place of the deepest node on `path` that the text has."""
        here: tuple[str | int, ...] = ()
        for step in path:
            # Shorthand: a word that the model wraps (`via`, 0) is not in the text.
            if (*here, step) in self.lines:
                here = (*here, step)
        return Place(self.file, self.lines.get(here, 1))


def read_located(text: str, file: Path, error: type[ProjectError] = ProjectError) -> Located:
    """Parse `text` of `file`; raise `error` with file and line where it is not YAML."""
    if len(text) > _MAX_BYTES:
        message = f"the file has more than {_MAX_BYTES:,} characters"
        raise error(message, where=Place(file, 1), help="split it into several files")
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        value = None if node is None else _Reader(loader, file, error, lines).read(node, ())
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        message = f"not valid YAML: {problem.problem or problem.context}"
        raise error(message, where=Place(file, mark.line + 1 if mark else 1)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        message = f"not valid YAML: {str(problem).splitlines()[0]}"
        raise error(message, where=Place(file, 1)) from None
    return Located(file, value, lines)


class _Reader:
    """Turns nodes into values and notes their lines."""

    def __init__(
        self,
        loader: _Loader,
        file: Path,
        error: type[ProjectError],
        lines: dict[tuple[str | int, ...], int],
    ) -> None:
        self.loader = loader
        self.file = file
        self.error = error
        self.lines = lines
        self.seen: set[int] = set()

    def read(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401  YAML holds anything
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self.seen:
            self._refuse("an alias (`*name`) is not allowed here", line, "write the value out")
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.tag == "tag:yaml.org,2002:bool":
            return _BOOLEANS[node.value]
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.loader.construct_object(key_node)
            if isinstance(key, bool) or not isinstance(key, str | int):
                self._refuse(f"`{key}` cannot be a key", line, "write it in quotes")
            key = str(key)
            if key in value:
                self._refuse(f"`{key}` stands twice", line, "keep one of the two")
            self.lines[(*path, key)] = line
            value[key] = self.read(value_node, (*path, key))
        return value

    def _refuse(self, message: str, line: int, advice: str) -> None:
        raise self.error(message, where=Place(self.file, line), help=advice)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Give `did you mean …?` for the nearest of `known`, or None."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else None


def first_problem(
    problem: ValidationError, located: Located, error: type[ProjectError], known: Iterable[str]
) -> ProjectError:
    """Turn pydantic's first complaint into one of ours, with file, line and help."""
    detail = problem.errors(include_url=False)[0]
    path = list(detail["loc"])
    where = located.place(path)
    name = str(path[-1]) if path else "document"
    if detail["type"] == "extra_forbidden":
        advice = did_you_mean(name, known) or "see the reference in docs/datamap.md"
        return error(f"unknown word `{name}`", where=where, help=advice)
    if detail["type"] == "missing":
        return error(f"`{name}` is missing", where=where, help=f"add `{name}:`")
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    shown = detail.get("input")
    if isinstance(shown, str | int | float | bool):
        message = f"{message}, found `{shown}`"
    return error(f"`{name}`: {message}", where=where)
