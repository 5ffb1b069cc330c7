"""What is drawn is good material: it loads, it varies, and the oracle has work to do with it."""

from __future__ import annotations

from collections import Counter

import psycopg

from tests.property.erasure.compare import differences
from tests.property.erasure.loading import broken_foreign_keys, load, read
from tests.property.erasure.oracle import PlanStops, predict
from tests.property.erasure.schemas import FEWEST_TABLES, MOST_TABLES, build, structure

DRAWN = 300

# In how many of the drawn cases each shape must occur at least.
EXPECTED: dict[str, int] = {
    "person where": 250,
    "same_person": 50,
    "addresses": 40,
    "foreign key": 200,
    "multi-step path": 60,
    "reverse path": 60,
    "shared ownership": 80,
    "co-owner pass": 10,
    "co-owner detach": 10,
    "co-owner go": 10,
    "json path": 40,
    "json path [*]": 40,
    "array path": 40,
    "list path": 40,
    "polymorphic": 40,
    "casefold join": 40,
    "join without foreign key": 100,
    "text joined with another type": 60,
    "columns term": 40,
    "composite foreign key": 40,
    "identifier end": 80,
    "account id by text": 10,
    "mentioned column": 60,
    "mentioned array": 40,
    "mentioned json": 15,
    "mentioned list": 15,
    "mentioned polymorphic": 20,
    "mentioned go": 3,
    "self-reference": 100,
    "cycle nullable": 20,
    "cycle not null": 10,
    "composite primary key": 60,
    "no primary key": 100,
    "equal rows": 60,
    "text key": 20,
    "uuid key": 20,
    "bigint key": 40,
    "on delete cascade": 100,
    "on delete restrict": 100,
    "on delete set null": 60,
    "on delete no action": 100,
    "trigger idle": 15,
    "trigger audit": 15,
    "shared device": 40,
    "person anonymised": 20,
    "person kept": 8,
    "table anonymised": 20,
    "anonymise list": 20,
    "anonymise mapping": 30,
    "keep": 40,
    "keep anonymise": 20,
    "reference go": 20,
    "reference detach": 20,
    "reference pass": 8,
    "detach value": 12,
    "unmapped foreign key": 40,
    "nobody table": 40,
    "out-of-scope owner": 40,
    "second person table": 40,
    "to_where": 40,
    "far array": 15,
    "far json": 15,
    "search no on a kind": 10,
    "search no on a column": 10,
    "leaver without account": 10,
    "address only": 40,
    "batch of several": 100,
    "stop: no rule": 2,
    "stop: kept goes": 2,
    "stop: kept not null": 1,
    "stop: check refuses": 2,
} | {
    f"column {kind}": 50
    for kind in (
        *("text", "generated", "array", "jsonb", "json", "bytea", "varchar", "enum"),
        *("check", "boolean", "date", "unique number", "unique uuid"),
    )
}


def test_every_shape_occurs_often_enough() -> None:
    seen: Counter[str] = Counter()
    for seed in range(DRAWN):
        seen.update(build(structure(seed)).shapes)
    rare = {shape: seen[shape] for shape, least in EXPECTED.items() if seen[shape] < least}
    assert not rare


def test_schemas_have_three_to_twelve_tables() -> None:
    sizes = {len(build(structure(seed)).tables) for seed in range(DRAWN)}
    assert min(sizes) >= FEWEST_TABLES
    assert max(sizes) <= MOST_TABLES


def test_every_rule_has_work_to_do() -> None:
    done: Counter[str] = Counter()
    for seed in range(DRAWN):
        case = build(structure(seed))
        try:
            predicted = predict(case)
        except PlanStops:
            done["stopped"] += 1
            continue
        for change in predicted.changes:
            done.update(change.rules)
        done["kept"] += len(predicted.kept)
        done["gone"] += sum(
            len(case.rows[name]) - len(rows) for name, rows in predicted.rows.items()
        )
    for rule, least in {
        "detach": 200,
        "pass": 8,
        "go": 20,
        "mask": 200,
        "kept": 50,
        "gone": 1000,
        "stopped": 5,
    }.items():
        assert done[rule] >= least, rule


def test_every_case_loads_and_reads_back_as_drawn(playground: str) -> None:
    with psycopg.connect(playground) as conn:
        for seed in range(DRAWN // 2):
            case = build(structure(seed))
            load(conn, case)
            assert differences(case, case.rows, read(conn, case)) == [], f"seed {seed}"
            assert broken_foreign_keys(conn, case) == [], f"seed {seed}"
