"""Put the parts together: people, links, paths, categories, doubts."""

from __future__ import annotations

from upheld.datamap.live import LiveSchema, LiveTable
from upheld.datamap.scan.categories import Row, categorise
from upheld.datamap.scan.draft import Draft, DraftPath, DraftTable
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


def infer(
    live: LiveSchema, samples: Samples, system: str = "unknown", region: str = "unknown"
) -> Draft:
    """Draft a map from a live schema and what was sampled of it."""
    naming = Naming.of(live)
    people = find_people(live, samples, naming.about)
    links = find_links(live, samples, naming, people)
    kinds = _kinds(people, naming)
    routes = route(live, samples, naming, people, links)
    tables = tuple(
        _table(table, live, samples, naming, people, routes, kinds)
        for table in live.tables.values()
    )
    used = {c.identifier for t in tables for c in t.columns} | {
        p.identifier for t in tables for p in t.paths
    }
    made = set(kinds.values())
    matches = {
        kind: "casefold" if kind in {"email", "handle"} else "exact"
        for kind in ("email", "handle", "phone", "device", "payment_customer")
        if kind in used - made
    }
    return Draft(system, region, tables, matches)


def _kinds(people: dict[str, PersonTable], naming: Naming) -> dict[str, str]:
    """Name the identifier kind that each person table makes."""
    found: dict[str, str] = {}
    for name in people:
        kind = base_word(name, naming)
        taken = kind in found.values() or kind in {
            "email",
            "handle",
            "phone",
            "device",
            "payment_customer",
        }
        found[name] = name.replace(".", "_") if taken else kind
    return found


def _table(
    table: LiveTable,
    live: LiveSchema,
    samples: Samples,
    naming: Naming,
    people: dict[str, PersonTable],
    routes: Routes,
    kinds: dict[str, str],
) -> DraftTable:
    paths = tuple(routes.paths.get(table.name, ()))
    person = people.get(table.name)
    marks = identifier_marks(table, samples, person, paths, routes)
    if person:
        marks[person.key] = kinds[table.name]
    topic = topic_of(naming.about[table.name])
    row = Row(topic, person, paths, routes.people_columns(table.name))
    columns, personal = categorise(table, samples, row, marks)
    nobody = not paths and person is None and not personal
    if nobody:
        columns = tuple(_none(column.name) for column in columns)
    references = () if nobody else tuple(routes.references.get(table.name, ()))
    todos = list(_doubts(table, live, samples, naming, person, paths, references, nobody=nobody))
    reason, confidence = "", 1.0
    if person:
        reason, confidence = f"accounts of people: {person.reason}", person.confidence
    elif nobody:
        reason, confidence = "no path to people, and no value or name that looks personal", 0.8
        if not samples.rows.get(table.name):
            confidence = 0.5
            todos.append("the table is empty, or could not be read: judged by its names alone")
    return DraftTable(
        table.name,
        columns,
        paths,
        references,
        nobody,
        kinds.get(table.name),
        confidence,
        reason,
        tuple(todos),
    )


def _none(name: str):  # type: ignore[no-untyped-def]
    from upheld.datamap.scan.draft import DraftColumn

    return DraftColumn(name, "none", 0.8, "the table is nobody's")


def _doubts(
    table: LiveTable,
    live: LiveSchema,
    samples: Samples,
    naming: Naming,
    person: PersonTable | None,
    paths: tuple[DraftPath, ...],
    references: tuple[DraftPath, ...],
    *,
    nobody: bool,
):  # type: ignore[no-untyped-def]
    if table.name in samples.unread:
        yield f"the table could not be read ({samples.unread[table.name]})"
    if person and person.staff:
        yield "these look like our own people; leave the table out of scope, or give `where`"
    elif person and person.scope:
        yield f"are all rows people in scope? `where` may need {', '.join(f'`{c}`' for c in person.scope)}"
    if not person and not paths and not nobody:
        yield "holds something personal, and no path to its people was found"
    if has(naming.about[table.name], _KEEP) and not nobody:
        yield "does the law ask to keep these rows? then `erase: {keep: {basis: ..., until: ...}}`"
    said = {
        p.source.columns for p in (*paths, *references) if p.source.kind in {"column", "columns"}
    }
    for key in table.fks:
        rigid = all(not table.columns[c].nullable for c in key.columns)
        far = live.tables[key.to]
        if (
            rigid
            and key.to != table.name
            and not nobody
            and (key.columns in said)
            and far.name not in {}
        ):
            if not any(p.source.columns == key.columns and p.role for p in paths):
                yield f"`{'+'.join(key.columns)}` cannot be null: say `when_gone` (`go`?) for when a row of {key.to} goes"
