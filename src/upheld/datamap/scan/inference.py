"""Put the parts together: people, links, paths, categories, doubts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from upheld.datamap.live import LiveSchema, LiveTable
from upheld.datamap.scan.categories import Row, categorise
from upheld.datamap.scan.draft import Draft, DraftColumn, DraftPath, DraftTable
from upheld.datamap.scan.identifiers import identifier_marks
from upheld.datamap.scan.links import Naming, base_word, find_links
from upheld.datamap.scan.paths import Routes, route
from upheld.datamap.scan.people import PersonTable, find_people
from upheld.datamap.scan.samples import Samples
from upheld.datamap.scan.vocabulary import word_set
from upheld.datamap.scan.words import has, topic_of

_KEEP = word_set(
    """
    invoice payment rechnung zahlung order bestellung refund charge receipt billing tax
    facture factura gutschrift transaction rech zahl
    """
)


_SHARED = ("email", "handle", "phone", "device", "payment_customer")


def infer(
    live: LiveSchema, samples: Samples, system: str = "unknown", region: str = "unknown"
) -> Draft:
    """Draft a map from a live schema and what was sampled of it."""
    naming = Naming.of(live)
    people = find_people(live, samples, naming.about)
    links = find_links(live, samples, naming, people)
    kinds = _kinds(people, naming)
    routes = route(live, samples, naming, people, links)
    seen = _Seen(samples, naming, people, routes, kinds)
    tables = tuple(_table(table, seen) for table in live.tables.values())
    used = {c.identifier for t in tables for c in t.columns}
    used |= {p.identifier for t in tables for p in t.paths}
    matches: dict[str, str] = {
        kind: "casefold" if kind in {"email", "handle"} else "exact"
        for kind in _SHARED
        if kind in used - set(kinds.values())
    }
    return Draft(system, region, tables, matches)


def _kinds(people: dict[str, PersonTable], naming: Naming) -> dict[str, str]:
    """Name the identifier kind that each person table makes."""
    found: dict[str, str] = {}
    for name in people:
        kind = base_word(name, naming)
        taken = kind in found.values() or kind in _SHARED
        found[name] = name.replace(".", "_") if taken else kind
    return found


@dataclass(frozen=True, slots=True)
class _Seen:
    """All that the parts found, for the tables one by one."""

    samples: Samples
    naming: Naming
    people: dict[str, PersonTable]
    routes: Routes
    kinds: dict[str, str]


def _table(table: LiveTable, seen: _Seen) -> DraftTable:
    paths = tuple(seen.routes.paths.get(table.name, ()))
    person = seen.people.get(table.name)
    marks = identifier_marks(table, seen.samples, person, paths, seen.routes)
    if person:
        marks[person.key] = seen.kinds[table.name]
    topic = topic_of(seen.naming.about[table.name])
    row = Row(topic, person, paths, seen.routes.people_columns(table.name))
    columns, personal = categorise(table, seen.samples, row, marks)
    if not paths and person is None and not personal:
        return _nobodys(table, seen)
    references = tuple(seen.routes.references.get(table.name, ()))
    return DraftTable(
        table.name,
        columns,
        paths,
        references,
        person=seen.kinds.get(table.name),
        confidence=person.confidence if person else 1.0,
        reason=f"accounts of people: {person.reason}" if person else "",
        todos=(*_doubts(table, seen, paths), *_rigid(table, paths, references)),
    )


def _nobodys(table: LiveTable, seen: _Seen) -> DraftTable:
    blind = not seen.samples.rows.get(table.name)
    todo = "the table is empty, or could not be read: judged by its names alone"
    return DraftTable(
        table.name,
        tuple(DraftColumn(name, "none", 0.8, "the table is nobody's") for name in table.columns),
        nobody=True,
        confidence=0.5 if blind else 0.8,
        reason="no path to people, and no value or name that looks personal",
        todos=(todo,) if blind else (),
    )


def _doubts(table: LiveTable, seen: _Seen, paths: tuple[DraftPath, ...]) -> Iterator[str]:
    person = seen.people.get(table.name)
    if table.name in seen.samples.unread:
        yield f"the table could not be read ({seen.samples.unread[table.name]})"
    if table.name in seen.samples.unanswered:
        yield "values elsewhere could not be compared with its keys in time: links may be missing"
    if person and person.staff:
        yield "these look like our own people; leave the table out of scope, or give `where`"
    elif person and person.scope:
        columns = ", ".join(f"`{column}`" for column in person.scope)
        yield f"are all rows people in scope? `where` may need {columns}"
    if not person and not paths:
        yield "holds something personal, and no path to its people was found"
    if has(seen.naming.about[table.name], _KEEP):
        yield "does the law ask to keep these rows? then `erase: {keep: {basis: ..., until: ...}}`"


def _rigid(
    table: LiveTable, paths: tuple[DraftPath, ...], references: tuple[DraftPath, ...]
) -> Iterator[str]:
    """Name links that cannot be detached: the map must say what becomes of the row."""
    for path in (*references, *(p for p in paths if p.role == "mentioned")):
        if path.to is None or path.source.kind not in {"column", "columns"}:
            continue
        if all(not table.columns[column].nullable for column in path.source.columns):
            label = "+".join(path.source.columns)
            yield f"`{label}` cannot be null: say `when_gone`, for when {path.to.table} loses a row"
