"""What was seen of a database: values by source, and which of them are keys elsewhere.

Values live here for the length of a scan and go no further: a draft holds counts only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from upheld.datamap.live import LiveColumn, LiveTable
from upheld.datamap.scan.shapes import is_email, is_integer, is_uuid, shapes_of
from upheld.datamap.scan.vocabulary import word_set
from upheld.datamap.scan.words import concept, has, words_of

MAX_ROWS = 2_000  # rows read of a table
MAX_ASKED = 400  # distinct values of a source that are looked for elsewhere
MAX_PROBED = 25  # the same where names say nothing, and every table must be tried
_MAX_PATHS = 80  # more paths than these in one JSON column are keys that are data
_MAX_DEPTH = 6
_FEW_TYPES = 20
_TYPE_WORDS = word_set(
    """
    entidad tipo entity objet object soort
    type typ kind class klasse model modell entity art table tabelle tab objekttyp
    typename objtyp
    """
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Something in a table that gives values: a term of the data map, and a condition."""

    table: str
    column: str
    kind: str = "column"  # column, columns, json, array, list
    path: tuple[str, ...] = ()
    separator: str = ""
    more: tuple[str, ...] = ()  # of `columns`: those after the first
    where: tuple[str, str] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Give the columns that the term reads."""
        return (self.column, *self.more)

    @property
    def dotted(self) -> str:
        """Give the JSON path as a map writes it."""
        text = ""
        for step in self.path:
            text += step if step == "[*]" or not text else f".{step}"
        return text

    @property
    def words(self) -> tuple[str, ...]:
        """Give the words of its name: the column's, or the JSON path's and its column's."""
        if self.kind == "json":
            keys = [step for step in self.path if step != "[*]"]
            return tuple(word for step in keys or [self.column] for word in words_of(step))
        return tuple(word for column in self.columns for word in words_of(column))

    @property
    def label(self) -> str:
        """Name the source in a comment."""
        return f"{self.column}.{self.dotted}" if self.kind == "json" else "+".join(self.columns)


@dataclass(frozen=True)
class Sampled:
    """The values of a source: (number of the sampled row, value), without nulls and blanks."""

    pairs: tuple[tuple[int, str], ...]
    rows: int  # rows sampled of the table

    @cached_property
    def distinct(self) -> tuple[str, ...]:
        """Give the values once each, in the order seen."""
        return tuple(dict.fromkeys(value for _, value in self.pairs))

    @cached_property
    def filled(self) -> int:
        """Count the rows that give a value."""
        return len({row for row, _ in self.pairs})

    @cached_property
    def shapes(self) -> Counter[str]:
        """Count the shapes of the values."""
        return shapes_of(value for _, value in self.pairs[:MAX_ROWS])

    def share(self, *shapes: str) -> float:
        """Give the share of the values that have one of the shapes."""
        seen = sum(self.shapes.values())
        return sum(self.shapes[shape] for shape in shapes) / seen if seen else 0.0

    @property
    def spread(self) -> float:
        """Give how many of the values are distinct, from 0 to 1."""
        return len(self.distinct) / len(self.pairs) if self.pairs else 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """Columns of a table that name its rows, or hold an identifier."""

    table: str
    columns: tuple[str, ...]
    casefold: bool = False
    extras: tuple[str, ...] = ()  # columns read along with each value found

    @property
    def column(self) -> str:
        """Give the only column, or the first."""
        return self.columns[0]


@dataclass(frozen=True, slots=True)
class Question:
    """Which of these values does the target hold? Several columns' are joined by U+001F."""

    target: Target
    values: tuple[str, ...]


# Target -> value found -> the extras' values. A target that could not be asked is not there.
Answers = dict[Target, dict[str, tuple[str | None, ...]]]


@dataclass(frozen=True, slots=True)
class Samples:
    """All that was seen: values by source, answers by target, tables that refused."""

    sources: dict[Source, Sampled] = field(default_factory=dict)
    answers: Answers = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()  # tables whose keys could not be compared with in time
    rows: dict[str, int] = field(default_factory=dict)


def sources_of(table: LiveTable, rows: Sequence[Row]) -> dict[Source, Sampled]:
    """Take the rows of a table apart into sources: columns, JSON paths, elements, typed pairs."""
    found: dict[Source, list[tuple[int, str]]] = {}
    for column in table.columns.values():
        for number, row in enumerate(rows):
            for source, value in _values(table.name, column, row.get(column.name)):
                text = value.strip()
                if text:
                    found.setdefault(source, []).append((number, text))
        found.setdefault(Source(table.name, column.name), [])
    _drop_data_keys(found)
    _add_lists(table, found)
    sampled = {source: Sampled(tuple(pairs), len(rows)) for source, pairs in found.items()}
    sampled.update(_typed_pairs(table, sampled))
    return sampled


def _values(table: str, column: LiveColumn, value: Any) -> Iterable[tuple[Source, str]]:  # noqa: ANN401  any SQL value
    if value is None:
        return
    if column.is_json:
        yield from _walk(Source(table, column.name, "json"), value, ())
    elif isinstance(value, list):
        source = Source(table, column.name, "array")
        yield from ((source, str(item)) for item in value if item is not None)
    elif isinstance(value, bool):
        yield Source(table, column.name), "true" if value else "false"
    else:
        yield Source(table, column.name), str(value)


def _walk(root: Source, value: Any, path: tuple[str, ...]) -> Iterable[tuple[Source, str]]:  # noqa: ANN401  JSON
    if value is None or len(path) > 2 * _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if key and "." not in key and "[*]" not in key:
                yield from _walk(root, inner, (*path, key))
    elif isinstance(value, list):
        if path[-1:] != ("[*]",):  # a map cannot write an array in an array
            for inner in value[:50]:
                yield from _walk(root, inner, (*path, "[*]"))
    elif path:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield Source(root.table, root.column, "json", path), text


def _drop_data_keys(found: dict[Source, list[tuple[int, str]]]) -> None:
    counts = Counter(source.column for source in found if source.kind == "json")
    for source in list(found):
        if source.kind == "json" and counts[source.column] > _MAX_PATHS and len(found[source]) < 3:  # noqa: PLR2004
            del found[source]


def _add_lists(table: LiveTable, found: dict[Source, list[tuple[int, str]]]) -> None:
    """See separated lists in text: every element an e-mail address, a UUID or a number."""
    for column in table.columns.values():
        pairs = found.get(Source(table.name, column.name), [])
        if not column.is_text or not pairs:
            continue
        for separator in (";", "|", ",", " ", "\n"):
            cut = [(n, e.strip()) for n, v in pairs for e in v.split(separator) if e.strip()]
            several = sum(separator in value.strip() for _, value in pairs)
            fit = (is_email, is_uuid, is_integer)
            whole = any(all(test(e) for _, e in cut) for test in fit)
            if several and whole and len(cut) > len(pairs):
                found[Source(table.name, column.name, "list", separator=separator)] = cut
                break


def _typed_pairs(table: LiveTable, sampled: dict[Source, Sampled]) -> dict[Source, Sampled]:
    """Split a key by the type that stands next to it: `subject_type`, `subject_id`."""
    found: dict[Source, Sampled] = {}
    for name in table.columns:
        kinds = sampled[Source(table.name, name)]
        words = words_of(name)
        if not has(words, _TYPE_WORDS) or not 1 <= len(kinds.distinct) <= _FEW_TYPES:
            continue
        stem = tuple(word for word in words if word not in _TYPE_WORDS)
        kind_of = dict(kinds.pairs)
        for other in table.columns:
            if other == name or other in table.primary_key[:1]:
                continue
            there = words_of(other)
            rest = tuple(
                word
                for word in there
                if word not in {"id", "key", "nr", "uuid", "uid", "pk", "ref", "no", "oid"}
            )
            if rest == there or rest not in (stem, words) or table.foreign_keys_of(other):
                continue
            whole = sampled[Source(table.name, other)]
            for kind in kinds.distinct:
                pairs = tuple(pair for pair in whole.pairs if kind_of.get(pair[0]) == kind)
                if pairs:
                    source = Source(table.name, other, where=(name, kind))
                    found[source] = Sampled(pairs, whole.rows)
    return found


def extras_of(table: LiveTable, sampled: Mapping[Source, Sampled]) -> tuple[str, ...]:
    """Name the columns to read along with a row: e-mail addresses, and what may tell staff."""
    found = []
    for name, column in table.columns.items():
        seen = sampled.get(Source(table.name, name), Sampled((), 0))
        mail = seen.share("email") > 0.8 or (concept(name, "email") and column.is_text)  # noqa: PLR2004
        if mail or is_scope(name, column, seen):
            found.append(name)
    return tuple(found[:8])


def is_scope(name: str, column: LiveColumn, seen: Sampled) -> bool:
    """Say whether a column may tell people from staff: a role, a type, `is_staff`."""
    words = words_of(name)
    few = 1 < len(seen.distinct) <= 8  # noqa: PLR2004  roles are few
    named = has(
        words,
        word_set(
            """
    role rolle staff admin type typ kind superuser internal bot
    """
        ),
    )
    return (
        named and few and (column.is_text or column.kind in "EB" or column.base.startswith("int"))
    )


def castable(values: Iterable[str], column: LiveColumn) -> list[str]:
    """Keep the values that the column's type can take."""
    base = column.base
    if base == "uuid":
        return [value for value in values if is_uuid(value)]
    if base in {"int2", "int4", "int8", "numeric"}:
        top = {"int2": 2**15, "int4": 2**31}.get(base, 2**63)
        return [v for v in values if is_integer(v) and abs(int(v)) < top and str(int(v)) == v]
    return [v for v in values if column.is_text and "\x00" not in v]


def is_email_like(seen: Sampled) -> bool:
    """Say whether nearly all values are e-mail addresses."""
    return bool(seen.pairs) and sum(is_email(v) for v in seen.distinct[:200]) >= 0.8 * len(
        seen.distinct[:200]
    )
