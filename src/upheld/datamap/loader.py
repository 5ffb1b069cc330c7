"""Read a data map from YAML: strict, with file and line in every error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from upheld.datamap.model import Condition, DataMap, Path, Reference, Step, Table, Term
from upheld.errors import MapError
from upheld.located import Located, did_you_mean, first_problem, read_located

_Where = Sequence[str | int]
_Report = Callable[[str, _Where, str | None], None]


def load_map(file: FilePath) -> DataMap:
    """Read the map in `file`; raise MapError where it is missing or wrong."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as problem:
        message = f"cannot read the data map `{file}`: {problem.strerror}"
        raise MapError(message, help="`upheld map scan URL` drafts one") from None
    except UnicodeDecodeError:
        message = f"the data map `{file}` is not UTF-8"
        raise MapError(message) from None
    return load_map_text(text, file)


def load_map_text(text: str, file: FilePath) -> DataMap:
    """Read a map from `text`; `file` names it in errors."""
    located = read_located(text, file, MapError)
    if not isinstance(located.value, dict):
        message = "a data map is a mapping that starts with `upheld: datamap/1`"
        raise MapError(message, where=located.place(()))
    try:
        datamap = DataMap.model_validate(located.value)
    except ValidationError as problem:
        raise first_problem(problem, located, MapError, _WORDS) from None
    _check_names(datamap, located)
    return datamap


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of the language, for editors."""
    schema = DataMap.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


_WORDS = [
    "upheld",
    "system",
    "title",
    "store",
    "region",
    "operator",
    "identifiers",
    "objects",
    "tables",
    "nobody",
    "person",
    "columns",
    "paths",
    "references",
    "erase",
    "note",
    "as",
    "where",
    "category",
    "identifier",
    "same_person",
    "object",
    "strip",
    "export",
    "search",
    "role",
    "via",
    "from",
    "to",
    "match",
    "to_where",
    "when_gone",
    "value",
    "json",
    "path",
    "array",
    "list",
    "separator",
    "column",
    "keep",
    "anonymise",
    "basis",
    "until",
    "plus",
    "name",
    "table",
]


def _check_names(datamap: DataMap, located: Located) -> None:
    """Refuse names that the map uses and nowhere says."""

    def report(message: str, where: _Where, advice: str | None) -> None:
        raise MapError(message, where=located.place(where), help=advice)

    kinds = datamap.kinds()
    for name, table in datamap.tables.items():
        at = ("tables", name)
        for column, said in table.identifiers():
            if said.identifier not in kinds:
                _unknown(
                    "identifier kind", str(said.identifier), kinds, (*at, "columns", column), report
                )
        for column, said in table.columns.items():
            if said.object is not None and said.object not in datamap.objects:
                _unknown(
                    "object store", said.object, datamap.objects, (*at, "columns", column), report
                )
        for index, path in enumerate(table.paths):
            _check_path(datamap, table, path, (*at, "paths", index), report)
        for index, reference in enumerate(table.references):
            _check_step(datamap, table, reference.step, (*at, "references", index), report)
            _check_link(datamap, reference, (*at, "references", index), report)
        _check_erase(table, at, report)
        if table.person and table.person.where:
            _check_condition(table, table.person.where, (*at, "person", "where"), report)
    _check_circles(datamap, report)


def _check_path(datamap: DataMap, table: Table, path: Path, at: _Where, report: _Report) -> None:
    here = table
    for index, step in enumerate(path.via):
        step_at = (*at, "via", index)
        _check_step(datamap, here, step, step_at, report)
        if step.identifier is not None and step.identifier not in datamap.kinds():
            _unknown(
                "identifier kind",
                step.identifier,
                datamap.kinds(),
                (*step_at, "identifier"),
                report,
            )
        if step.to is not None:
            here = datamap.tables[step.to.table]
    _check_link(datamap, path, at, report)


def _check_step(datamap: DataMap, here: Table, step: Step, at: _Where, report: _Report) -> None:
    _check_term(here, step.start, (*at, "from"), report)
    if step.where is not None:
        _check_condition(here, step.where, (*at, "where"), report)
    if step.to is None:
        return
    far = datamap.tables.get(step.to.table)
    if far is None:
        _unknown("table", step.to.table, datamap.tables, (*at, "to"), report)
        return
    _check_term(far, step.to.term, (*at, "to"), report)
    if step.to_where is not None:
        _check_condition(far, step.to_where, (*at, "to_where"), report)


def _check_term(table: Table, term: Term, at: _Where, report: _Report) -> None:
    for column in term.used:
        if column not in table.columns:
            _unknown("column", column, table.columns, at, report)


def _check_condition(table: Table, condition: Condition, at: _Where, report: _Report) -> None:
    for test in condition.tests:
        if test.column not in table.columns:
            _unknown("column", test.column, table.columns, at, report)


def _check_link(datamap: DataMap, link: Path | Reference, at: _Where, report: _Report) -> None:
    step = link.via[0] if isinstance(link, Path) else link.step
    if link.when_gone != "pass":
        return
    far = datamap.tables[step.to.table] if step.to else None
    if len(step.start.columns) != 1 or far is None or far.person is None:
        report(
            "`when_gone: pass` needs one column that points to a person table",
            (*at, "when_gone"),
            "use `detach` or `go`, or point `to` at the person table",
        )


def _check_erase(table: Table, at: _Where, report: _Report) -> None:
    keep, plain = table.erase.keep, table.erase.anonymise
    until = keep.until.column if keep is not None else None
    if until is not None and until not in table.columns:
        _unknown("column", until, table.columns, (*at, "erase", "keep", "until"), report)
    for anonymise, where in (
        (plain, (*at, "erase", "anonymise")),
        (keep.anonymise if keep else None, (*at, "erase", "keep", "anonymise")),
    ):
        for column, _ in anonymise.columns if anonymise else ():
            if column not in table.columns:
                _unknown("column", column, table.columns, where, report)


def _check_circles(datamap: DataMap, report: _Report) -> None:
    """Refuse paths that lead in a circle: nobody could say where they end."""
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            circle = " -> ".join(f"`{step}`" for step in (*trail[trail.index(name) :], name))
            report(
                f"paths lead in a circle: {circle}",
                ("tables", name, "paths"),
                "give one of these tables a path of its own to its people",
            )
        if name in done:
            return
        for far in _leads_to(datamap.tables[name]):
            visit(far, (*trail, name))
        done.add(name)

    for name in datamap.tables:
        visit(name, ())


def _leads_to(table: Table) -> Iterator[str]:
    for path in table.owner_paths:
        last = path.via[-1]
        if last.to is not None:
            yield last.to.table


def _unknown(
    what: str, name: str, known: Sequence[str] | dict[str, Any], at: _Where, report: _Report
) -> None:
    advice = did_you_mean(name, known)
    if advice is None and what == "identifier kind":
        advice = "declare it under `identifiers`"
    if advice is None and what in {"table", "column"}:
        advice = f"the map must list the {what}"
    message = f"unknown {what} `{name}`"
    report(re.sub(r"\s+", " ", message), at, advice)
