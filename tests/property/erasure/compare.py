"""Comparing a database with a prediction, and saying where they differ in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.property.erasure.masking import HEX
from tests.property.erasure.model import (
    Case,
    Column,
    Free,
    FreeText,
    MaskedApart,
    Prediction,
    Row,
    SameJson,
    SameList,
    Table,
)
from tests.property.erasure.reading import as_text


@dataclass(frozen=True)
class Difference:
    """One thing that is not as predicted; `column` is None where a whole row is meant."""

    table: str
    key: str
    column: str | None
    expected: str
    found: str

    def __str__(self) -> str:
        where = f"{self.table}[{self.key}]" + (f".{self.column}" if self.column else "")
        return f"{where}: expected {self.expected}, found {self.found}"


def same_cell(  # noqa: PLR0911  one return for each kind of prediction
    column: Column,
    expected: Any,  # noqa: ANN401  any cell
    found: Any,  # noqa: ANN401  any cell
) -> bool:
    """Tell whether a cell is what was predicted."""
    if isinstance(expected, MaskedApart):
        return same_cell(column, expected.cell, _one_mask(found))
    if isinstance(expected, FreeText):
        return isinstance(found, str) and re.fullmatch(r"erased-[0-9a-f]{16}", found) is not None
    if isinstance(expected, Free):
        return found is not None and found not in expected.taken
    if isinstance(expected, SameJson):
        return found is not None and _same_json(expected.value, json.loads(found))
    if isinstance(expected, SameList):
        parts = (found or "").split(expected.separator)
        return tuple(part.strip() for part in parts if part.strip()) == expected.elements
    if isinstance(expected, str) and isinstance(found, str):
        if column.type == "jsonb":
            return _same_json(json.loads(expected), json.loads(found))
        return _one_case(expected) == _one_case(found)
    return type(expected) is type(found) and bool(expected == found)


def _one_mask(found: Any) -> Any:  # noqa: ANN401  any cell
    """Read the masks of a unique column as if they were all alike."""
    if isinstance(found, bytes):
        return _one_mask(found.decode("latin-1")).encode("latin-1")
    if isinstance(found, list):
        return [_one_mask(one) for one in found]
    if not isinstance(found, str):
        return found
    found = re.sub(r"\[erased-[0-9a-f]{16}\]", "[erased]", found)
    found = re.sub(r"%5Berased-[0-9a-f]{16}%5D", "%5Berased%5D", found)
    return re.sub(HEX[:-2] + "2d[0-9a-f]{32}5d", HEX, found)


def _same_json(one: Any, other: Any) -> bool:  # noqa: ANN401  any JSON value
    """Compare JSON, where `true` is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _one_case(text: str) -> str:
    """Read the hexadecimal and the URL form of the mask in small letters."""
    text = re.sub(HEX, HEX, text, flags=re.IGNORECASE)
    return re.sub("%5Berased%5D", "%5Berased%5D", text, flags=re.IGNORECASE)


def same_row(table: Table, expected: Row, found: Row) -> bool:
    return all(
        same_cell(column, expected.get(column.name), found[column.name]) for column in table.columns
    )


def differences(
    case: Case, expected: dict[str, list[Row]], found: dict[str, list[Row]]
) -> list[Difference]:
    """Give everything in which a database is not as predicted."""
    result: list[Difference] = []
    for name, table in case.tables.items():
        if name in case.ignored:
            continue
        # A masked key is no longer the key that was predicted.
        named = table.key and not any(
            isinstance(row[column], MaskedApart) for row in expected[name] for column in table.key
        )
        compare = _by_key if named else _as_bag
        result += compare(table, expected[name], found[name])
    return result


def _by_key(table: Table, expected: list[Row], found: list[Row]) -> Iterable[Difference]:
    wanted = {_key(table, row): row for row in expected}
    seen = {_key(table, row): row for row in found}
    for key in sorted(wanted.keys() - seen.keys()):
        yield Difference(table.name, key, None, "the row stays", "no row")
    for key in sorted(seen.keys() - wanted.keys()):
        yield Difference(table.name, key, None, "no row", _show(seen[key]))
    for key in sorted(seen.keys() & wanted.keys()):
        for column in table.columns:
            want, see = wanted[key].get(column.name), seen[key][column.name]
            if not same_cell(column, want, see):
                yield Difference(table.name, key, column.name, repr(want), repr(see))


def _key(table: Table, row: Row) -> str:
    return ", ".join(as_text(row[name]) for name in table.key)


def _as_bag(table: Table, expected: list[Row], found: list[Row]) -> Iterable[Difference]:
    """Compare rows that nothing tells apart: each must have its partner."""
    left = list(found)
    for want in expected:
        partner = next((row for row in left if same_row(table, want, row)), None)
        if partner is None:
            yield Difference(table.name, "no key", None, _show(want), "no such row")
        else:
            left.remove(partner)
    for row in left:
        yield Difference(table.name, "no key", None, "no such row", _show(row))


def _show(row: Row) -> str:
    return "{" + ", ".join(f"{name}: {cell!r}" for name, cell in row.items()) + "}"


def changed_differences(case: Case, predicted: Prediction, reported: Iterable[Any]) -> list[str]:
    """Hold the changes that the engine reports against those predicted.

    A cell that two rules change may be reported under either. Columns that the database
    makes from others change by themselves and are no change of their own.
    """
    wanted: dict[tuple[str, tuple[str, ...], str | None], list[frozenset[str]]] = {}
    for change in predicted.changes:
        wanted.setdefault((change.table, change.key, change.column), []).append(change.rules)
    seen: dict[tuple[str, tuple[str, ...], str | None], set[str]] = {}
    for one in reported:
        table = case.tables[one.table]
        column = one.column or None
        if column is not None and table.column(column).generated:
            continue
        key = key_of(table, one.key)
        if one.rule == "go":
            column = None
        seen.setdefault((one.table, key, column), set()).add(one.rule)
    result = [f"not reported: {place}" for place in wanted.keys() - seen.keys()]
    result += [f"reported, not predicted: {place}" for place in seen.keys() - wanted.keys()]
    for place in wanted.keys() & seen.keys():
        allowed = frozenset().union(*wanted[place])
        if not seen[place] <= allowed:
            result.append(f"{place}: reported as {sorted(seen[place])}, is {sorted(allowed)}")
    return sorted(result)


def key_of(table: Table, key: Any) -> tuple[str, ...]:  # noqa: ANN401  however the engine gives it
    """Read a reported key: a mapping, a sequence, or one value as text; none without a key."""
    if not table.key or key is None:
        return ()
    if isinstance(key, dict):
        return tuple(as_text(key[name]) for name in table.key)
    if isinstance(key, list | tuple):
        return tuple(as_text(one) for one in key)
    return (as_text(key),)
