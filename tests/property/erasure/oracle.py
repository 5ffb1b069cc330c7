"""What an erasure must leave, said row by row: slow, plain, and without a line of SQL.

Read it beside docs/datamap.md, "What erasure does"; the order is the same.
"""

from __future__ import annotations

import calendar
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.property.erasure.holders import Holders
from tests.property.erasure.masking import mask_bytes, mask_json_text, mask_text
from tests.property.erasure.model import (
    CHECKS,
    GENERATED,
    MOODS,
    Case,
    Change,
    Free,
    FreeText,
    MaskedApart,
    Prediction,
    Row,
    SameJson,
    SameList,
    Table,
)
from tests.property.erasure.reading import (
    Account,
    Element,
    Path,
    Place,
    Reader,
    as_text,
    columns_of,
    elements,
    holds,
    read_path,
    without,
)

SHORTEST_SEARCHED = 5


class PlanStops(Exception):  # noqa: N818  it is a prediction, not an error of the oracle
    """The map gives no right way to erase this batch; nothing may change."""


@dataclass(frozen=True)
class _Link:
    """A reference: a path's words, and whether a foreign key stands behind it."""

    path: Path
    is_foreign_key: bool
    has_rule: bool = True


def predict(case: Case) -> Prediction:
    """Give the state after the erasure of the case's batch."""
    return _Oracle(case).run()


class _Oracle:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.reader = Reader(case)
        self.leavers = Holders(self.reader).leavers(case.batch)
        self.goes: set[Place] = set()
        self.kept: set[Place] = set()
        self.anonymised: set[Place] = set()
        self.theirs: set[Place] = set()  # all owners are in the batch
        self.after: dict[Place, Row] = {
            (table, index): dict(row)
            for table, rows in case.rows.items()
            for index, row in enumerate(rows)
        }
        self.rules: dict[tuple[Place, str], set[str]] = {}

    def run(self) -> Prediction:
        self._decide()
        self._follow_references()
        for table, index, row in self.reader.places():
            place = (table, index)
            if place in self.goes:
                continue
            self._anonymise(place)
            if place not in self.kept:
                self._detach_paths(place, row)
            self._detach_references(place, row)
            if place not in self.kept:
                self._mask(place)
            self._generate(place)
        self._stop_at_broken_links()
        return self._prediction()

    def _stop_at_broken_links(self) -> None:
        """A value that the map gives must not point to a row that is not there."""
        for place, row in self.after.items():
            if place in self.goes:
                continue
            for key in self.reader.shape(place[0]).foreign_keys:
                values = [row[column] for column in key.columns]
                if None in values:
                    continue
                there = any(
                    [far[column] for column in key.targets] == values
                    for index, far in enumerate(self.case.rows[key.table])
                    if (key.table, index) not in self.goes
                )
                if not there:
                    raise PlanStops(f"`{place[0]}` would point to a row that is not there")

    # Steps 1 to 3: the fate of each row by its owners.

    def _decide(self) -> None:
        for table, index, row in self.reader.places():
            place = (table, index)
            owners = self.reader.owners(table, index)
            if owners and all(self.leavers.has(owner) for owner in owners):
                self.theirs.add(place)
                self._erase(place, row)
            for path in self.reader.paths(table):
                if path.when_gone == "go" and self._gone_elements(path, row):
                    self.goes.add(place)
        self.kept -= self.goes
        self.anonymised -= self.goes

    def _erase(self, place: Place, row: Row) -> None:
        erase = self.reader.entry(place[0]).get("erase", "delete")
        if erase == "delete":
            self.goes.add(place)
        elif "anonymise" in erase:
            self.anonymised.add(place)
        elif _is_kept(erase["keep"]["until"], row, self.case.today):
            self.kept.add(place)
        else:
            self.goes.add(place)

    def _gone_elements(self, path: Path, row: Row) -> set[Element]:
        """Give the values of a path's local term that lead to people of the batch alone."""
        gone = set()
        for element in elements(path.first["from"], row):
            ends = self.reader.ends(path, row, element)
            if ends and all(self.leavers.has(end) for end in ends):
                gone.add(element)
        return gone

    # Step 6: references to rows that go.

    def _links(self, table: str) -> list[_Link]:
        shape = self.reader.shape(table)
        keys = {key.columns for key in shape.foreign_keys}
        references = [read_path(one) for one in self.reader.entry(table).get("references", [])]
        links = [_Link(path, path.columns in keys) for path in references]
        named = {path.columns for path in references}
        paths = {path.columns: path for path in self.reader.paths(table) if path.columns}
        for key in shape.foreign_keys:
            if key.columns in named:
                continue
            step = {
                "from": list(key.columns),
                "to": {"table": key.table, "columns": list(key.targets)},
            }
            by_path = paths.get(key.columns)
            if by_path is None:
                links.append(_Link(Path((step,)), is_foreign_key=True, has_rule=False))
            else:
                rule = Path(
                    (step,), by_path.role, by_path.when_gone, by_path.has_value, by_path.value
                )
                links.append(_Link(rule, is_foreign_key=True))
        return links

    def _orphaned(self, link: _Link, row: Row) -> set[Element]:
        """Give the values of a reference whose row at the far end goes."""
        step = link.path.first
        if not holds(step.get("where"), row):
            return set()
        return {
            element
            for element in elements(step["from"], row)
            if any(place in self.goes for place in self.reader.joined(step, element))
        }

    def _follow_references(self) -> None:
        changed = True
        while changed:
            changed = False
            for table, index, row in self.reader.places():
                place = (table, index)
                if place in self.goes:
                    continue
                for link in self._links(table):
                    if link.path.when_gone == "go" and self._orphaned(link, row):
                        if place in self.kept:
                            raise PlanStops(f"a kept row of `{table}` would have to go")
                        self.goes.add(place)
                        self.anonymised.discard(place)
                        changed = True
                        break

    # Step 3, for rows that stay: anonymise, at once or while kept.

    def _anonymise(self, place: Place) -> None:
        erase = self.reader.entry(place[0]).get("erase", "delete")
        if place in self.anonymised:
            listed = erase["anonymise"]
        elif place in self.kept:
            listed = erase["keep"].get("anonymise", [])
        else:
            return
        if isinstance(listed, list):
            listed = dict.fromkeys(listed, "auto")
        for column, value in listed.items():
            self.after[place][column] = (
                self._replacement(place[0], column) if value == "auto" else value
            )

    def _listed(self, place: Place) -> set[str]:
        """Give the columns that `anonymise` lists, where it applies to the row."""
        erase = self.reader.entry(place[0]).get("erase", "delete")
        if place in self.anonymised:
            return set(erase["anonymise"])
        return set(erase["keep"].get("anonymise", [])) if place in self.kept else set()

    def _replacement(self, table: str, column: str) -> Any:  # noqa: ANN401  any cell
        shape = self.reader.shape(table)
        taken = frozenset(
            row[column] for row in self.case.rows[table] if not isinstance(row[column], list | dict)
        )
        value = replacement(shape, column, taken)
        if value is not None and shape.in_foreign_key(column):
            raise PlanStops(f"`{table}.{column}` is part of a foreign key and cannot be null")
        check = shape.column(column).check
        if value is not None and check is not None:
            probe = "erased-0" if isinstance(value, FreeText) else value
            if not isinstance(value, Free) and not CHECKS[check][1](probe):
                raise PlanStops(f"`{table}.{column}` has a check that refuses the replacement")
        return value

    # Steps 4 and 5: paths that end in the batch.

    def _detach_paths(self, place: Place, row: Row) -> None:
        for path in self.reader.paths(place[0]):
            if path.columns and path.columns == self.reader.shape(place[0]).key:
                continue  # reverse: the row at the other end has it
            gone = self._gone_elements(path, row)
            if place in self.anonymised:
                gone = self._still_telling(place, path, row, gone)
            if gone:
                self._let_go(place, path, gone)

    def _still_telling(
        self, place: Place, path: Path, row: Row, gone: set[Element]
    ) -> set[Element]:
        """Leave out, of an anonymised row, columns it lists and links to anonymised rows."""
        listed = self._listed(place)
        term = path.first["from"]
        touched = set(columns_of(term)) | set(path.first.get("where") or {})
        if touched & listed or (isinstance(term, dict) and set(term.values()) & listed):
            return set()
        if path.role == "mentioned" or "identifier" in path.steps[-1]:
            return gone
        return {
            one
            for one in gone
            if not all(far in self.anonymised for far in self.reader.far_rows(path, row, one))
        }

    def _detach_references(self, place: Place, row: Row) -> None:
        for link in self._links(place[0]):
            gone = self._orphaned(link, row)
            if not gone or (place in self.kept and not link.is_foreign_key):
                continue
            if set(link.path.columns) & self._listed(place):
                continue  # the map says itself what they become
            shape = self.reader.shape(place[0])
            if not link.has_rule and not all(
                shape.column(column).nullable for column in link.path.columns
            ):
                raise PlanStops(f"`{place[0]}` points to a row that goes, and has no rule")
            self._let_go(place, link.path, gone)

    def _let_go(self, place: Place, path: Path, gone: set[Element]) -> None:
        """Detach or pass one link of a row that stays."""
        term = path.first["from"]
        columns = columns_of(term)
        if not columns:
            self._let_elements_go(place, term, gone)
            return
        heir = self._heir(place, path) if path.when_gone == "pass" else None
        if heir is not None:
            self._set(place, columns[0], heir, "pass")
            return
        shape = self.reader.shape(place[0])
        for column in columns:
            if path.has_value:
                self._set(place, column, path.value, "detach")
            elif shape.column(column).nullable:
                self._set(place, column, None, "detach")
            else:
                self._set(place, column, self._replacement(place[0], column), "detach")
        for column in path.first.get("where") or {}:
            if shape.column(column).nullable:
                self._set(place, column, None, "detach")

    def _heir(self, place: Place, path: Path) -> Any:  # noqa: ANN401  any key
        """Give the smallest key among the person rows that own the row and stay."""
        table = path.first["to"].rpartition(".")[0] if isinstance(path.first["to"], str) else None
        table = table or path.first["to"]["table"]
        key = self.reader.shape(table).key[0]
        keys = [
            self.case.rows[table][owner.index][key]
            for owner in self.reader.owners(*place)
            if isinstance(owner, Account)
            and owner.table == table
            and owner not in self.leavers.accounts
            and (owner.table, owner.index) not in self.goes
        ]
        return min(keys, default=None)

    def _let_elements_go(self, place: Place, term: dict[str, Any], gone: set[Element]) -> None:
        name = term.get("array") or term.get("list") or term["json"]
        found = self.after[place][name]
        if "array" in term:
            left: Any = [one for one in found if one is None or (as_text(one),) not in gone]
        elif "list" in term:
            parts = [part.strip() for part in _plain(found).split(term["separator"])]
            left = SameList(
                tuple(part for part in parts if part and (part,) not in gone), term["separator"]
            )
        else:
            left = SameJson(without(term, _plain(found), gone))
        self._set(place, name, left, "detach")

    def _set(self, place: Place, column: str, value: Any, rule: str) -> None:  # noqa: ANN401
        self.after[place][column] = value
        self.rules.setdefault((place, column), set()).add(rule)

    # Step 8: identifiers that others wrote down.

    def _searched(self) -> list[str]:
        kinds = self.case.map.get("identifiers", {})
        made = {
            entry["person"]["as"]: False
            for entry in self.case.map["tables"].values()
            if "person" in entry
        }
        wanted = {
            kind: made.get(kind, True) if "search" not in told else told["search"] in (True, "yes")
            for kind, told in {**{kind: {} for kind in made}, **kinds}.items()
        }
        return sorted(
            value.text
            for value in self.leavers.values
            if wanted[value.kind] and len(value.text) >= SHORTEST_SEARCHED
        )

    def _mask(self, place: Place) -> None:
        table, _ = place
        columns = self.reader.entry(table).get("columns", {})
        for column in self.reader.shape(table).columns:
            told = columns.get(column.name)
            unsearched = isinstance(told, dict) and told.get("search", "yes") in (False, "no")
            before = self.after[place][column.name]
            if unsearched or column.generated or before is None:
                continue
            masked = _masked(column.type, before, self._searched())
            if masked != before and self.reader.shape(table).is_unique(column.name):
                masked = MaskedApart(masked)
            if masked != before:
                self._set(place, column.name, masked, "mask")

    def _generate(self, place: Place) -> None:
        for column in self.reader.shape(place[0]).columns:
            if column.generated:
                function, source = column.generated
                made_from = self.after[place][source]
                self.after[place][column.name] = (
                    None if made_from is None else GENERATED[function][1](made_from)
                )

    # The prediction.

    def _prediction(self) -> Prediction:
        rows: dict[str, list[Row]] = {table: [] for table in self.case.rows}
        for place, row in self.after.items():
            if place not in self.goes:
                rows[place[0]].append(row)
        changes = set()
        for place in self.goes - self.theirs:
            changes.add(Change(place[0], self._key(place), None, frozenset({"go"})))
        for (place, column), rules in self.rules.items():
            before = self.case.rows[place[0]][place[1]][column]
            if place in self.goes | self.theirs or _unchanged(before, self.after[place][column]):
                continue
            changes.add(Change(place[0], self._key(place), column, frozenset(rules)))
        return Prediction(
            rows=rows,
            changes=frozenset(changes),
            kept=frozenset((place[0], self._key(place)) for place in self.kept),
            searched=frozenset(self._searched()),
        )

    def _key(self, place: Place) -> tuple[str, ...]:
        return self.reader.key(place[0], self.case.rows[place[0]][place[1]])


def _plain(value: Any) -> str:  # noqa: ANN401  any cell
    """Give text again for a list or JSON that was detached from before."""
    if isinstance(value, SameJson):
        return json.dumps(value.value)
    if isinstance(value, SameList):
        return value.separator.join(value.elements)
    return str(value)


def _unchanged(before: Any, after: Any) -> bool:  # noqa: ANN401  any cell
    if isinstance(after, SameJson):
        return before is not None and bool(json.loads(before) == after.value)
    return bool(before == after)


def _masked(kind: str, value: Any, identifiers: list[str]) -> Any:  # noqa: ANN401  any cell
    """Mask one cell; a value that holds nothing comes back as it is."""
    if isinstance(value, SameList):
        parts = tuple(mask_text(part, identifiers) for part in value.elements)
        return SameList(parts, value.separator)
    if kind in ("json", "jsonb") and isinstance(value, str | SameJson):
        masked = mask_json_text(_plain(value), identifiers)
        return value if masked == json.loads(_plain(value)) else SameJson(masked)
    if isinstance(value, str) and (kind == "text" or kind.startswith("varchar")):
        return mask_text(value, identifiers)
    if isinstance(value, list) and kind == "text[]":
        return [one if one is None else mask_text(one, identifiers) for one in value]
    if isinstance(value, bytes):
        return mask_bytes(value, identifiers)
    return value


def replacement(table: Table, name: str, taken: frozenset[Any]) -> Any:  # noqa: ANN401  any cell
    """Give what a column gets in place of what was there, or a stand-in where one is drawn."""
    column = table.column(name)
    unique = table.is_unique(name)
    kind = column.type
    if column.nullable and name not in table.key:
        return None
    if kind == "text" or kind.startswith("varchar"):
        size = int(kind[8:-1]) if kind.startswith("varchar") else 1000
        return FreeText() if unique else "erased"[:size]
    if kind in ("bigint", "integer", "numeric(10,2)", "uuid") and unique:
        return Free(taken)
    plain: dict[str, Any] = {
        "bigint": 0,
        "integer": 0,
        "numeric(10,2)": Decimal(0),
        "boolean": False,
        "date": date(1970, 1, 1),
        "timestamptz": datetime(1970, 1, 1, tzinfo=UTC),
        "uuid": uuid.UUID(int=0),
        "json": SameJson({}),
        "jsonb": SameJson({}),
        "bytea": b"",
        "mood": MOODS[0],
    }
    return [] if kind.endswith("[]") else plain[kind]


def _is_kept(until: Any, row: Row, today: date) -> bool:  # noqa: ANN401  as YAML holds it
    """Tell whether a row is still to be kept: its day has not passed."""
    if isinstance(until, dict):
        start = row[until["column"]]
        return start is not None and today <= _plus(start, until.get("plus", "0 days"))
    last = until if isinstance(until, date) else date.fromisoformat(until)
    return today <= last


def _plus(start: date, span: str) -> date:
    count, unit = span.split()
    if unit == "days":
        return start + timedelta(days=int(count))
    months = int(count) * (12 if unit == "years" else 1)
    year, month = divmod(start.month - 1 + months, 12)
    last = calendar.monthrange(start.year + year, month + 1)[1]
    return date(start.year + year, month + 1, min(start.day, last))
