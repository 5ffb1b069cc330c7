"""How the oracle reads a map and follows its paths, one row at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.property.erasure.model import Case, Row, Table

Element = tuple[str, ...]  # what a term gives, as text: one value, or several together
Place = tuple[str, int]  # table, position of the row in it


@dataclass(frozen=True)
class Account:
    """An end of a path: a person row in scope."""

    table: str
    index: int


@dataclass(frozen=True)
class Held:
    """An end of a path: the value of an identifier, folded where its kind says so."""

    kind: str
    text: str


End = Account | Held


@dataclass(frozen=True)
class Path:
    """A path or a reference, its steps in one list."""

    steps: tuple[dict[str, Any], ...]
    role: str = "owner"
    when_gone: str = "detach"
    has_value: bool = False
    value: Any = None

    @property
    def first(self) -> dict[str, Any]:
        return self.steps[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """Give the columns of the first step where it is made of columns."""
        return columns_of(self.first["from"])


def columns_of(term: Any) -> tuple[str, ...]:  # noqa: ANN401  a term is whatever YAML holds
    if isinstance(term, str):
        return (term,)
    if isinstance(term, list):
        return tuple(term)
    return ()


def read_path(written: dict[str, Any]) -> Path:
    """Read a path or a reference as the map writes it."""
    words = ("from", "to", "identifier", "match", "where", "to_where")
    steps = written.get("via") or [{word: written[word] for word in words if word in written}]
    return Path(
        steps=tuple(steps),
        role=written.get("role", "owner"),
        when_gone=written.get("when_gone", "detach"),
        has_value="value" in written,
        value=written.get("value"),
    )


def far_term(to: Any) -> tuple[str, Any]:  # noqa: ANN401  a term is whatever YAML holds
    """Give the table and the term of the far side of a step."""
    if isinstance(to, str):
        table, _, column = to.rpartition(".")
        return table, column
    if "column" in to:
        return to["table"], to["column"]
    if "columns" in to:
        return to["table"], to["columns"]
    return to["table"], {word: part for word, part in to.items() if word != "table"}


def holds(condition: dict[str, Any] | None, row: Row) -> bool:
    """Tell whether a row meets a condition."""
    return all(_one_holds(wanted, row[column]) for column, wanted in (condition or {}).items())


def _one_holds(wanted: Any, found: Any) -> bool:  # noqa: ANN401  any cell
    if isinstance(wanted, dict):
        return not _one_holds(wanted["not"], found)
    if isinstance(wanted, list):
        return any(_one_holds(one, found) for one in wanted)
    if wanted is None or found is None:
        return wanted is None and found is None
    return as_text(wanted) == as_text(found)


def as_text(value: Any) -> str:  # noqa: ANN401  any cell
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def elements(term: Any, row: Row) -> list[Element]:  # noqa: ANN401  a term is whatever YAML holds
    """Give what a term finds in a row; null is nothing."""
    if isinstance(term, str):
        return [] if row[term] is None else [(as_text(row[term]),)]
    if isinstance(term, list):
        several = [row[column] for column in term]
        return [] if None in several else [tuple(as_text(one) for one in several)]
    if "array" in term:
        return [(as_text(one),) for one in row[term["array"]] or [] if one is not None]
    if "list" in term:
        parts = [part.strip() for part in (row[term["list"]] or "").split(term["separator"])]
        return [(part,) for part in parts if part]
    if row[term["json"]] is None:
        return []
    return [(text,) for text in _json_texts(json.loads(row[term["json"]]), json_steps(term))]


def json_steps(term: dict[str, Any]) -> list[str]:
    """Split `to[*].email` into `to`, `[*]`, `email`."""
    steps: list[str] = []
    for part in term["path"].split("."):
        key = part.removesuffix("[*]")
        steps += [key] if key else []
        steps += ["[*]"] if part.endswith("[*]") else []
    return steps


def _json_texts(value: Any, steps: list[str]) -> Iterator[str]:  # noqa: ANN401  any JSON value
    if not steps:
        if value is not None and not isinstance(value, dict | list):
            yield as_text(value)
    elif steps[0] == "[*]":
        for one in value if isinstance(value, list) else []:
            yield from _json_texts(one, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from _json_texts(value[steps[0]], steps[1:])


def without(term: dict[str, Any], text: str, gone: set[Element]) -> Any:  # noqa: ANN401  JSON
    """Give JSON with the values at a path that are gone made null, or their elements left out."""
    return _json_without(json.loads(text), json_steps(term), gone)


def _json_without(value: Any, steps: list[str], gone: set[Element]) -> Any:  # noqa: ANN401  JSON
    if not steps:
        is_gone = not isinstance(value, dict | list) and (as_text(value),) in gone
        return None if is_gone and value is not None else value
    if steps[0] == "[*]":
        if not isinstance(value, list):
            return value
        return [
            one for one in value if not any((text,) in gone for text in _json_texts(one, steps[1:]))
        ]
    if isinstance(value, dict) and steps[0] in value:
        return {**value, steps[0]: _json_without(value[steps[0]], steps[1:], gone)}
    return value


@dataclass
class Reader:
    """Reads one case: owners of rows and claims of values."""

    case: Case
    _owners: dict[Place, frozenset[End]] = field(default_factory=dict)

    def entry(self, table: str) -> dict[str, Any]:
        found: dict[str, Any] = self.case.map["tables"][table]
        return found

    def paths(self, table: str) -> list[Path]:
        return [read_path(path) for path in self.entry(table).get("paths", [])]

    def places(self) -> Iterator[tuple[str, int, Row]]:
        for table, rows in self.case.rows.items():
            if table in self.case.map["tables"]:
                for index, row in enumerate(rows):
                    yield table, index, row

    def shape(self, table: str) -> Table:
        return self.case.tables[table]

    def key(self, table: str, row: Row) -> tuple[str, ...]:
        return tuple(as_text(row[column]) for column in self.shape(table).key)

    def in_scope(self, table: str, row: Row) -> bool:
        person = self.entry(table).get("person")
        return person is not None and holds(person.get("where"), row)

    def fold(self, kind: str, text: str) -> str:
        kinds = self.case.map.get("identifiers", {})
        return text.lower() if kinds.get(kind, {}).get("match") == "casefold" else text

    def held(self, kind: str, text: str) -> Held:
        return Held(kind, self.fold(kind, text))

    def owners(self, table: str, index: int) -> frozenset[End]:
        """Give the ends of a row's owner and co-owner paths, and itself where it is a person."""
        place = (table, index)
        if place not in self._owners:
            row = self.case.rows[table][index]
            ends: set[End] = {Account(*place)} if self.in_scope(table, row) else set()
            for path in self.paths(table):
                if path.role in ("owner", "co-owner"):
                    for element in elements(path.first["from"], row):
                        ends |= self.ends(path, row, element)
            self._owners[place] = frozenset(ends)
        return self._owners[place]

    def ends(self, path: Path, row: Row, element: Element) -> set[End]:
        """Give where one value of a path's local term leads."""
        return self._follow(path.steps, row, element)

    def _follow(self, steps: tuple[dict[str, Any], ...], row: Row, element: Element) -> set[End]:
        step, rest = steps[0], steps[1:]
        if not holds(step.get("where"), row):
            return set()
        if "identifier" in step:
            return {self.held(step["identifier"], element[0])}
        found: set[End] = set()
        for table, index in self.joined(step, element):
            if not rest:
                found |= self.owners(table, index)
                continue
            far = self.case.rows[table][index]
            for onward in elements(rest[0]["from"], far):
                found |= self._follow(rest, far, onward)
        return found

    def far_rows(self, path: Path, row: Row, element: Element) -> list[Place]:
        """Give the rows that a path's last step reaches from one value of its local term."""
        at = [(row, element)]
        places: list[Place] = []
        for number, step in enumerate(path.steps):
            places = [
                place
                for here, one in at
                if holds(step.get("where"), here)
                for place in self.joined(step, one)
            ]
            if number + 1 < len(path.steps):
                onward = path.steps[number + 1]["from"]
                at = [
                    (self.case.rows[table][index], one)
                    for table, index in places
                    for one in elements(onward, self.case.rows[table][index])
                ]
        return places

    def joined(self, step: dict[str, Any], element: Element) -> list[Place]:
        """Give the rows on the far side of a step."""
        table, term = far_term(step["to"])
        fold = step.get("match") == "casefold"
        wanted = tuple(part.lower() for part in element) if fold else element
        result = []
        for index, far in enumerate(self.case.rows[table]):
            for other in elements(term, far):
                seen = tuple(part.lower() for part in other) if fold else other
                if seen == wanted and holds(step.get("to_where"), far):
                    result.append((table, index))
                    break
        return result

    def claims(self) -> list[tuple[Held, Place]]:
        """Give every claim: a value in an identifier column, or a person row's own key."""
        result = []
        for table, index, row in self.places():
            entry = self.entry(table)
            if self.in_scope(table, row):
                kind = entry["person"]["as"]
                result.append((self.held(kind, self.key(table, row)[0]), (table, index)))
            for name, column in entry.get("columns", {}).items():
                kind = column.get("identifier") if isinstance(column, dict) else None
                if kind is None or row[name] is None:
                    continue
                many = row[name] if isinstance(row[name], list) else [row[name]]
                result += [
                    (self.held(kind, as_text(one)), (table, index))
                    for one in many
                    if one is not None
                ]
        return result
