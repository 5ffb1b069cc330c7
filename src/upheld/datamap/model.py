"""The data map as frozen values: what docs/datamap.md describes, once read.

Nothing here knows a database. Shorthand of the text is unfolded by the
validators, so that the rest of the code sees one form of each thing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Scalar = str | int | float | bool | None
WhenGone = Literal["detach", "pass", "go"]
_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")


class _Value(BaseModel):
    """A strict, frozen value; `shorthand` adds a short form to its JSON Schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """Give JSON Schemas of the short forms that the validators unfold."""
        return []

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the short forms, so that editors accept what the loader does."""
        schema = handler(core_schema)
        short = cls.shorthand()
        return {"anyOf": [*short, schema]} if short else schema


class Test(_Value):
    """One column's condition: its value is among `values`, or, negated, is not."""

    __test__ = False  # pytest: not a test class

    column: str
    values: tuple[Scalar, ...]
    negated: bool = False


class Condition(_Value):
    """All of `tests` hold. Written as a mapping of column to value."""

    tests: tuple[Test, ...]

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """Any mapping of column to value, list of values, or `{not: …}`."""
        return [{"type": "object", "minProperties": 1}]

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        if not isinstance(data, Mapping) or "tests" in data:
            return data
        tests = []
        for column, wanted in data.items():
            negated = isinstance(wanted, Mapping) and set(wanted) == {"not"}
            value = wanted["not"] if negated else wanted
            values = tuple(value) if isinstance(value, list) else (value,)
            if not values or any(isinstance(v, Mapping | list) for v in values):
                message = "a condition is a value, a list of values, or {not: …} of these"
                raise ValueError(message)
            tests.append({"column": column, "values": values, "negated": negated})
        return {"tests": tuple(tests)}


class Term(_Value):
    """One side of a join, in one table. Exactly one of the four kinds is set."""

    columns: tuple[str, ...] = ()
    json_column: str | None = Field(None, alias="json")
    path: tuple[str, ...] = ()
    array: str | None = None
    list_column: str | None = Field(None, alias="list")
    separator: str = ","

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """Allow a column's name, several names, or `{column: …}`."""
        return [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
            {"type": "object"},
        ]

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        if isinstance(data, str):
            return {"columns": (data,)}
        if isinstance(data, list):
            return {"columns": tuple(data)}
        if not isinstance(data, Mapping):
            return data
        words = dict(data)
        if "column" in words:
            words["columns"] = (words.pop("column"),)
        if isinstance(words.get("columns"), list):
            words["columns"] = tuple(words["columns"])
        if isinstance(words.get("path"), str):
            words["path"] = tuple(_json_steps(words["path"]))
        return words

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [
            bool(self.columns),
            self.json_column is not None,
            self.array is not None,
            self.list_column is not None,
        ]
        if sum(kinds) != 1:
            message = "say exactly one of column, columns, json, array, list"
            raise ValueError(message)
        if (self.json_column is None) == bool(self.path):
            message = "`path` goes with `json`, and `json` with `path`"
            raise ValueError(message)
        if self.list_column is not None and not self.separator:
            message = "`separator` must not be empty"
            raise ValueError(message)
        return self

    @property
    def is_many(self) -> bool:
        """Say whether one row can give several values."""
        return bool(self.array or self.list_column or "[*]" in self.path)

    @property
    def used(self) -> tuple[str, ...]:
        """Give the columns that the term reads."""
        one = self.json_column or self.array or self.list_column
        return (one,) if one else self.columns


class Far(_Value):
    """The far side of a step: a table and a term in it."""

    table: str
    term: Term

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """`table.column`, or a mapping with `table` and a term's words."""
        return [
            {"type": "string", "pattern": r"^[^.]+\.[^.]+(\.[^.]+)?$"},
            {"type": "object", "required": ["table"]},
        ]

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        if isinstance(data, str):
            table, dot, column = data.rpartition(".")
            if not (dot and table and column):
                message = "write `table.column`"
                raise ValueError(message)
            return {"table": table, "term": {"column": column}}
        if isinstance(data, Mapping) and "term" not in data:
            words = dict(data)
            return {"table": words.pop("table", None), "term": words}
        return data


class Step(_Value):
    """One join of a path, or its end in an identifier."""

    start: Term = Field(alias="from")
    to: Far | None = None
    identifier: str | None = None
    match: Literal["exact", "casefold"] = "exact"
    where: Condition | None = None
    to_where: Condition | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.to is None) == (self.identifier is None):
            message = "say either `to` or `identifier`"
            raise ValueError(message)
        if self.to is None and self.to_where is not None:
            message = "`to_where` goes with `to`"
            raise ValueError(message)
        if (
            self.to is not None
            and len(self.start.columns) != len(self.to.term.columns)
            and (len(self.start.columns) > 1 or len(self.to.term.columns) > 1)
        ):
            message = "both sides need the same number of columns"
            raise ValueError(message)
        if self.identifier is not None and len(self.start.columns) > 1:
            message = "an identifier is one value"
            raise ValueError(message)
        return self


_STEP_WORDS = frozenset({"from", "to", "identifier", "match", "where", "to_where"})


class Link(_Value):
    """What paths and references share: what becomes of the link."""

    when_gone: WhenGone = "detach"
    value: Scalar = None

    @property
    def has_value(self) -> bool:
        """Say whether the map gives a value for the detached column."""
        return "value" in self.model_fields_set


class Path(Link):
    """How a row reaches its people."""

    role: Literal["owner", "co-owner", "mentioned"] = "owner"
    via: tuple[Step, ...]

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """With one step, its words stand in the path itself."""
        return [{"type": "object", "required": ["from"]}]

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        if not isinstance(data, Mapping):
            return data
        words = dict(data)
        if "via" not in words:
            step = {word: words.pop(word) for word in list(words) if word in _STEP_WORDS}
            words["via"] = (step,)
        elif isinstance(words["via"], list):
            words["via"] = tuple(words["via"])
        return words

    @model_validator(mode="after")
    def _ends_once(self) -> Self:
        if not self.via:
            message = "a path needs a step"
            raise ValueError(message)
        if any(step.identifier is not None for step in self.via[:-1]):
            message = "only the last step may end in an identifier"
            raise ValueError(message)
        return self

    @property
    def is_owner(self) -> bool:
        """Say whether the path makes owners (and not mentions)."""
        return self.role != "mentioned"


class Reference(Link):
    """A link that says nothing of ownership: `from` here `to` there."""

    start: Term = Field(alias="from")
    to: Far
    match: Literal["exact", "casefold"] = "exact"
    where: Condition | None = None
    to_where: Condition | None = None

    @property
    def step(self) -> Step:
        """Give the link as a step."""
        return Step.model_construct(
            start=self.start,
            to=self.to,
            match=self.match,
            where=self.where,
            to_where=self.to_where,
        )


class Column(_Value):
    """What a column holds."""

    category: str
    identifier: str | None = None
    same_person: bool = False
    object: str | None = None
    strip: str = ""
    export: bool = True
    search: bool = True
    note: str | None = None

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """Allow the category's name alone."""
        return [{"type": "string"}]

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        return {"category": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.strip and self.object is None:
            message = "`strip` goes with `object`"
            raise ValueError(message)
        return self


class Person(_Value):
    """A table whose rows in scope are people's accounts."""

    kind: str = Field(alias="as")
    where: Condition | None = None


class Anonymise(_Value):
    """Columns that change; `auto` asks for a valid replacement."""

    columns: tuple[tuple[str, Scalar], ...]

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """Allow a list of columns, or a mapping of column to value."""
        return [{"type": "array", "items": {"type": "string"}}, {"type": "object"}]

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        if isinstance(data, list):
            return {"columns": tuple((column, "auto") for column in data)}
        if isinstance(data, Mapping) and "columns" not in data:
            return {"columns": tuple(data.items())}
        return data


class Until(_Value):
    """When a kept row goes: a date, or a column plus a period."""

    date: dt.date | None = None
    column: str | None = None
    years: int = 0
    months: int = 0
    days: int = 0

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """Allow a date, or `{column: …, plus: 10 years}`."""
        return [
            {"type": "string", "format": "date"},
            {"type": "object", "required": ["column", "plus"]},
        ]

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        if isinstance(data, dt.date):
            return {"date": data}
        if isinstance(data, Mapping) and "plus" in data:
            found = re.fullmatch(r"(\d+) (day|month|year)s?", str(data["plus"]))
            if not found or set(data) != {"column", "plus"}:
                message = "write {column: NAME, plus: 10 years} (days, months, years)"
                raise ValueError(message)
            return {"column": data["column"], f"{found[2]}s": int(found[1])}
        return data

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.date is None) == (self.column is None):
            message = "write a date, or {column: NAME, plus: 10 years}"
            raise ValueError(message)
        return self


class Keep(_Value):
    """Rows that stay on a legal basis until a date."""

    basis: str = Field(min_length=1)
    until: Until
    anonymise: Anonymise | None = None


class Erase(_Value):
    """What erasure does to a row whose people have all left."""

    keep: Keep | None = None
    anonymise: Anonymise | None = None

    @classmethod
    def shorthand(cls) -> list[dict[str, Any]]:
        """`delete`."""
        return [{"const": "delete"}]

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        return {} if data == "delete" else data

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.keep is not None and self.anonymise is not None:
            message = "say one of keep, anonymise"
            raise ValueError(message)
        return self

    @property
    def deletes(self) -> bool:
        """Say whether the row goes."""
        return self.keep is None and self.anonymise is None


class Table(_Value):
    """What a table holds, how its rows reach people, and what erasure does."""

    nobody: bool = False
    person: Person | None = None
    columns: dict[str, Column] = Field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    references: tuple[Reference, ...] = ()
    erase: Erase = Erase()
    note: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:  # noqa: ANN401  raw YAML
        if not isinstance(data, Mapping):
            return data
        words = dict(data)
        for word in ("paths", "references"):
            if isinstance(words.get(word), list):
                words[word] = tuple(words[word])
        return words

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.nobody and (self.person or self.paths or self.references):
            message = "a table with `nobody: true` has no person, paths or references"
            raise ValueError(message)
        return self

    @property
    def owner_paths(self) -> tuple[Path, ...]:
        """Give the paths that make owners."""
        return tuple(path for path in self.paths if path.is_owner)

    def identifiers(self) -> Iterator[tuple[str, Column]]:
        """Give the columns that hold an identifier of the row's owner."""
        for name, column in self.columns.items():
            if column.identifier is not None:
                yield name, column


class IdentifierKind(_Value):
    """How values of a kind compare, and whether they are searched for."""

    match: Literal["exact", "casefold"] = "exact"
    search: bool = True


class ObjectStore(_Value):
    """An object store that columns point to."""

    title: str


class Operator(_Value):
    """Who operates a system, and in which role (GDPR Art. 4(7) and (8), 26)."""

    name: str
    role: Literal["controller", "joint-controller", "processor"]


class DataMap(_Value):
    """One system's data map."""

    upheld: Literal["datamap/1"]
    system: Annotated[str, Field(pattern=_NAME.pattern.replace(r"\Z", "$"))]
    title: str = ""
    store: Literal["postgres"] = "postgres"
    region: str
    operator: Operator
    identifiers: dict[str, IdentifierKind] = Field(default_factory=dict)
    objects: dict[str, ObjectStore] = Field(default_factory=dict)
    tables: dict[str, Table]

    def kind(self, name: str) -> IdentifierKind:
        """Give a kind; those that person tables make are exact and not searched for."""
        return self.identifiers.get(name) or IdentifierKind(search=False)

    def kinds(self) -> tuple[str, ...]:
        """Give every kind's name."""
        made = [table.person.kind for table in self.tables.values() if table.person]
        return tuple(dict.fromkeys([*made, *self.identifiers]))


def _json_steps(path: str) -> Iterator[str]:
    for part in path.split("."):
        name, bracket, rest = part.partition("[*]")
        if rest or (not name and not bracket):
            message = "a JSON path is written key.key[*].key"
            raise ValueError(message)
        if name:
            yield name
        if bracket:
            yield "[*]"
