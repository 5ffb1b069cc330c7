"""A drafted map: what the scan thinks, how sure it is and why; written as YAML with comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from upheld.datamap.scan.samples import Source, Target
from upheld.datamap.scan.vocabulary import word_set

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_TAKEN = word_set(
    """
    true false yes no null on off y n
    """
)
_EVEN = 0.5


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """What a column seems to hold."""

    name: str
    category: str
    confidence: float
    reason: str
    identifier: str | None = None
    object: str | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class DraftPath:
    """One step from a row to its people, or (`role` None) a link that says nothing of ownership."""

    source: Source
    role: str | None
    confidence: float
    reason: str
    to: Target | None = None
    identifier: str | None = None
    todo: str | None = None


@dataclass(frozen=True, slots=True)
class DraftTable:
    """What a table seems to be. With `nobody`, no person can be reached from it."""

    name: str
    columns: tuple[DraftColumn, ...]
    paths: tuple[DraftPath, ...] = ()
    references: tuple[DraftPath, ...] = ()
    nobody: bool = False
    person: str | None = None
    confidence: float = 1.0
    reason: str = ""
    todos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A whole map in draft. Holds names, counts and reasons, and no sampled value."""

    system: str
    region: str
    tables: tuple[DraftTable, ...]
    identifiers: dict[str, str] = field(default_factory=dict)  # kind -> match

    def to_yaml(self) -> str:
        """Write the map in the language of docs/datamap.md, each guess with a comment."""
        return "\n".join(_lines(self)) + "\n"

    def as_json(self) -> dict[str, Any]:
        """Give the draft for machines: per table its columns, paths, references and doubts."""
        return {
            "system": self.system,
            "region": self.region,
            "identifiers": self.identifiers,
            "tables": {table.name: _table_json(table) for table in self.tables},
        }


def _table_json(table: DraftTable) -> dict[str, Any]:
    return {
        "nobody": table.nobody,
        "person": table.person,
        "confidence": round(table.confidence, 2),
        "reason": table.reason,
        "todo": list(table.todos),
        "columns": {
            c.name: {
                "category": c.category,
                "identifier": c.identifier,
                "object": c.object,
                "confidence": round(c.confidence, 2),
                "reason": c.reason,
            }
            for c in table.columns
        },
        "paths": [_path_json(path) for path in table.paths],
        "references": [_path_json(path) for path in table.references],
    }


def _path_json(path: DraftPath) -> dict[str, Any]:
    return {
        "role": path.role,
        **step_json(path),
        "confidence": round(path.confidence, 2),
        "reason": path.reason,
        "todo": path.todo,
    }


def step_json(path: DraftPath) -> dict[str, Any]:
    """Give a path's step in the words of the data map."""
    source, step = path.source, dict[str, Any]()
    match source.kind:
        case "json":
            step["from"] = {"json": source.column, "path": source.dotted}
        case "array":
            step["from"] = {"array": source.column}
        case "list":
            step["from"] = {"list": source.column, "separator": source.separator}
        case "columns":
            step["from"] = list(source.columns)
        case _:
            step["from"] = source.column
    if path.identifier is not None:
        step["identifier"] = path.identifier
    elif path.to is not None:
        several = len(path.to.columns) > 1
        whole = {"table": path.to.table, "columns": list(path.to.columns)}
        step["to"] = whole if several else f"{path.to.table}.{path.to.column}"
        if path.to.casefold:
            step["match"] = "casefold"
    if source.where:
        step["where"] = {source.where[0]: source.where[1]}
    return step


def _lines(draft: Draft) -> Iterator[str]:
    yield "# Drafted from a live database by `upheld map scan`. A comment starts with"
    yield "# the confidence in the guess, from 0 to 1. Read every line; look for TODO first."
    yield "upheld: datamap/1"
    yield f"system: {word(draft.system)}"
    yield "store: postgres"
    yield f"region: {word(draft.region)}"
    yield "# TODO review: who operates this system, and in which role"
    yield "operator: {name: unknown, role: controller}"
    yield ""
    if draft.identifiers:
        yield "identifiers:"
        for kind, match in draft.identifiers.items():
            yield f"  {word(kind)}: {{{'match: casefold' if match == 'casefold' else ''}}}"
        yield ""
    stores = dict.fromkeys(c.object for t in draft.tables for c in t.columns if c.object)
    if stores:
        yield "objects:"
        for store in stores:
            yield "  # TODO review: which object store, and what lies in it"
            yield f"  {word(str(store))}: {{title: {json.dumps('unknown')}}}"
        yield ""
    yield "tables:" if draft.tables else "tables: {}"
    for table in draft.tables:
        yield from _table_lines(table)
        yield ""


def _table_lines(table: DraftTable) -> Iterator[str]:
    if table.reason:
        yield f"  # {table.confidence:.2f}: {_one_line(table.reason)}"
    for todo in table.todos:
        yield f"  # TODO review: {_one_line(todo)}"
    yield f"  {word(table.name)}:"
    if table.nobody:
        yield "    nobody: true"
    if table.person:
        yield f"    person: {{as: {word(table.person)}}}"
    for title, paths in (("paths", table.paths), ("references", table.references)):
        if paths:
            yield f"    {title}:"
        for path in paths:
            yield f"      # {path.confidence:.2f}: {_one_line(path.reason)}"
            if path.todo:
                yield f"      # TODO review: {_one_line(path.todo)}"
            yield f"      - {_flow(_path_words(path))}"
    yield "    columns:" if table.columns else "    columns: {}"
    for column in table.columns:
        yield from _column_lines(column)


def _path_words(path: DraftPath) -> dict[str, Any]:
    role = {} if path.role in {None, "owner"} else {"role": path.role}
    return {**role, **step_json(path)}


def _column_lines(column: DraftColumn) -> Iterator[str]:
    words: dict[str, Any] = {"category": column.category}
    if column.identifier:
        words["identifier"] = column.identifier
    if column.object:
        words["object"] = column.object
    value = word(column.category) if len(words) == 1 else _flow(words)
    if column.secret:
        value = _flow(words)[:-1] + ", export: no, search: no}"
    doubtful = column.category == "unknown" or column.confidence < _EVEN
    doubt = "TODO review: " if doubtful else ""
    note = f"{doubt}{column.confidence:.2f}: {_one_line(column.reason)}"
    yield f"      {word(column.name)}: {value}  # {note}"


def _flow(value: Any) -> str:  # noqa: ANN401  what YAML can hold
    if isinstance(value, dict):
        return "{" + ", ".join(f"{word(str(k))}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return word(value) if isinstance(value, str) else json.dumps(value)


def word(text: str) -> str:
    """Write text as YAML: plain where that cannot be misread, else in quotes."""
    plain = bool(_PLAIN.match(text)) and text.lower() not in _TAKEN
    return text if plain else json.dumps(text)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
