"""The draft of a case: shapes add tables, rows and map entries to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from tests.property.erasure.model import GENERATED, MOODS, Cell, Column, ForeignKey, Row, Table
from tests.property.erasure.texts import document, json_text, prose

TODAY = date(2026, 3, 15)
CATEGORIES = ("account", "inputs", "communication", "device", "payment")
Filler = Callable[[], Cell]


@dataclass
class Human:
    """A row of the person table, in scope or staff."""

    key: Cell
    email: str | None
    handle: str | None
    devices: tuple[str, ...]
    staff: bool


@dataclass
class Draft:
    """What has been drawn so far; `rng` belongs to the shape at work."""

    rng: Random
    most_rows: int
    tables: dict[str, Table] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)
    shapes: set[str] = field(default_factory=set)
    humans: list[Human] = field(default_factory=list)
    person_table: str = "customer"
    key_type: str = "bigint"
    # e-mail in small letters -> keys of the people that some row says it is of
    claimed: dict[str, set[Cell]] = field(default_factory=dict)
    has_audit: bool = False

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def saw(self, *shapes: str) -> None:
        self.shapes.update(shapes)

    @property
    def to_person(self) -> str:
        return f"{self.person_table}.id"

    @property
    def customers(self) -> list[Human]:
        return [human for human in self.humans if not human.staff]

    @property
    def identifiers(self) -> list[str]:
        """Give what texts may mention."""
        found = [human.email for human in self.humans if human.email]
        found += [human.handle for human in self.humans if human.handle]
        return found + [device for human in self.humans for device in human.devices]

    def someone(self, *, staff: float = 0.05) -> Human:
        pool = self.humans if self.chance(staff) else self.customers
        return self.rng.choice(pool)

    def count(self) -> int:
        return self.rng.randint(0, self.most_rows)

    def claim(self, email: str | None, owner: Cell = None) -> None:
        if email is not None:
            owners = self.claimed.setdefault(email.lower(), set())
            if owner is not None:
                owners.add(owner)

    def on_delete(self, *, nullable: bool) -> str:
        ways = ["NO ACTION", "RESTRICT", "CASCADE"] + (["SET NULL"] if nullable else [])
        way = self.rng.choice(ways)
        self.saw(f"on delete {way.lower()}")
        return way

    def foreign_key(
        self, columns: Sequence[str], table: str, targets: Sequence[str], *, nullable: bool
    ) -> ForeignKey:
        deferrable = self.chance(0.15)
        way = self.on_delete(nullable=nullable)
        return ForeignKey(tuple(columns), table, tuple(targets), way, deferrable)

    def maybe_key(
        self, column: str, table: str, target: str = "id", *, nullable: bool = True
    ) -> tuple[ForeignKey, ...]:
        """Put a foreign key behind a column, or, one time in four, none."""
        if self.chance(0.25):
            self.saw("join without foreign key")
            return ()
        self.saw("foreign key")
        return (self.foreign_key([column], table, [target], nullable=nullable),)

    def add(
        self,
        table: Table,
        entry: dict[str, Any],
        marks: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        """Add a table with its entry in the map; each column gets a category."""
        self.tables[table.name] = table
        self.rows.setdefault(table.name, [])
        columns: dict[str, Any] = {}
        for column in table.columns:
            category = self.rng.choice(CATEGORIES)
            mark = (marks or {}).get(column.name)
            columns[column.name] = {"category": category, **mark} if mark else category
        self.entries[table.name] = entry
        if not entry.get("nobody"):
            entry["columns"] = columns
        if not table.key:
            self.saw("no primary key")
        if len(table.key) > 1:
            self.saw("composite primary key")

    def insert(self, table: str, row: Row) -> None:
        """Add a row unless a key or a unique column forbids it; tables without key get twins."""
        shape = self.tables[table]
        for column in shape.columns:
            if column.generated:
                function, source = column.generated
                made_from = row[source]
                row[column.name] = None if made_from is None else GENERATED[function][1](made_from)
        sets: list[tuple[str, ...]] = [(column.name,) for column in shape.columns if column.unique]
        sets += [shape.key, *shape.unique_sets]
        for names in sets:
            cells = [row[name] for name in names]
            if names and None not in cells:
                taken = [[other[name] for name in names] for other in self.rows[table]]
                if cells in taken:
                    return
        self.rows[table].append(row)
        if not any(sets) and self.chance(0.3):
            self.rows[table].append(dict(row))
            self.saw("equal rows")

    def trigger(self) -> str | None:
        if not self.chance(0.15):
            return None
        kind = self.rng.choice(("idle", "audit"))
        self.has_audit |= kind == "audit"
        self.saw(f"trigger {kind}")
        return kind

    def extras(self, most: int = 3) -> tuple[list[Column], dict[str, Filler]]:
        """Draw further columns that say nothing of ownership, and how to fill them."""
        rng = self.rng
        names = rng.sample(sorted(_EXTRAS), rng.randint(0, most))
        columns: list[Column] = []
        fillers: dict[str, Filler] = {}
        for name in names:
            made, filler = _EXTRAS[name](self)
            columns += made
            if filler is not None:
                fillers[made[0].name] = filler
            self.saw(f"column {name}")
        return columns, fillers


def _text(draft: Draft) -> tuple[list[Column], Filler]:
    nullable = draft.chance(0.5)
    column = Column("body", "text", nullable=nullable)
    return [column], lambda: prose(draft.rng, draft.identifiers)


def _generated(draft: Draft) -> tuple[list[Column], Filler]:
    function = draft.rng.choice(("length", "double"))
    kind = "integer" if function == "length" else "text"
    base = Column("caption", "text")
    made = Column("caption_made", kind, generated=(function, "caption"))
    return [base, made], lambda: prose(draft.rng, draft.identifiers)


def _array(draft: Draft) -> tuple[list[Column], Filler]:
    column = Column("labels", "text[]", nullable=draft.chance(0.5))
    return [column], lambda: [
        prose(draft.rng, draft.identifiers) for _ in range(draft.rng.randrange(3))
    ]


def _jsonb(draft: Draft) -> tuple[list[Column], Filler]:
    column = Column("props", "jsonb", nullable=draft.chance(0.5))
    return [column], lambda: json_text(draft.rng, document(draft.rng, draft.identifiers))


def _json(draft: Draft) -> tuple[list[Column], Filler]:
    column = Column("raw", "json", nullable=draft.chance(0.5))
    return [column], lambda: json_text(draft.rng, document(draft.rng, draft.identifiers))


def _bytea(draft: Draft) -> tuple[list[Column], Filler]:
    def fill() -> bytes:
        text = prose(draft.rng, draft.identifiers).replace("ü", "u").replace("ß", "s")
        return b"\x00\xff " + text.encode() + b"\n\x01"

    return [Column("blob", "bytea", nullable=draft.chance(0.5))], fill


def _varchar(draft: Draft) -> tuple[list[Column], Filler]:
    size = draft.rng.choice((4, 40))
    column = Column("code", f"varchar({size})", nullable=draft.chance(0.5))
    return [column], lambda: draft.rng.choice(("ab", "cd", "ef"))


def _enum(draft: Draft) -> tuple[list[Column], Filler]:
    column = Column("mood", "mood", nullable=draft.chance(0.5))
    return [column], lambda: draft.rng.choice(MOODS)


def _number(draft: Draft) -> tuple[list[Column], Filler]:
    column = Column("amount", "numeric(10,2)", nullable=draft.chance(0.5), check="natural")
    return [column], lambda: Decimal(draft.rng.randrange(900)) / 4


def _boolean(draft: Draft) -> tuple[list[Column], Filler]:
    return [Column("active", "boolean", nullable=False)], lambda: draft.chance(0.5)


def _day(draft: Draft) -> tuple[list[Column], Filler]:
    column = Column("made_on", "date", nullable=draft.chance(0.5))
    return [column], lambda: date(2020, 1, draft.rng.randint(1, 28))


def _unique_number(draft: Draft) -> tuple[list[Column], Filler]:
    column = Column("serial_no", "bigint", nullable=False, unique=True)
    return [column], lambda: draft.rng.choice((0, 1, 2)) or draft.rng.randrange(10**6)


def _unique_uuid(draft: Draft) -> tuple[list[Column], Filler]:
    column = Column("token", "uuid", nullable=False, unique=True)
    return [column], lambda: uuid.UUID(int=draft.rng.getrandbits(128))


_EXTRAS: dict[str, Callable[[Draft], tuple[list[Column], Filler | None]]] = {
    "text": _text,
    "generated": _generated,
    "array": _array,
    "jsonb": _jsonb,
    "json": _json,
    "bytea": _bytea,
    "varchar": _varchar,
    "enum": _enum,
    "check": _number,
    "boolean": _boolean,
    "date": _day,
    "unique number": _unique_number,
    "unique uuid": _unique_uuid,
}


def filled(draft: Draft, columns: list[Column], fillers: dict[str, Filler]) -> Row:
    """Fill drawn columns for one row; some are null where they can be."""
    row: Row = {}
    for column in columns:
        if column.generated:
            continue
        null = column.nullable and draft.chance(0.2)
        row[column.name] = None if null else fillers[column.name]()
    return row


def anonymised(draft: Draft, columns: Sequence[Column], must: Sequence[Column]) -> Any:  # noqa: ANN401
    """Draw what a table's `anonymise` lists: all of `must`, some of the others."""
    chosen = [*must]
    chosen += [column for column in columns if not column.generated and draft.chance(0.5)]
    if draft.chance(0.4):
        draft.saw("anonymise list")
        return [column.name for column in chosen]
    listed: dict[str, Any] = {}
    for column in chosen:
        ways: list[Any] = ["auto"]
        if column.nullable:
            ways.append(None)
        if column.type == "text" and not column.unique and column.check is None:
            ways.append("gone")
        listed[column.name] = draft.rng.choice(ways)
    draft.saw("anonymise mapping")
    return listed
