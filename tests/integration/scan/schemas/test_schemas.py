"""The frozen schemas say the truth: it names what is there, and each of its paths joins rows."""

from __future__ import annotations

import hashlib
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

HERE = Path(__file__).parent
SYSTEMS = ("legacy_shop", "saas_uuid")
CATEGORIES = {"account", "contact", "payment", "inputs", "outputs", "communication", "device"}
CATEGORIES |= {"usage", "log", "security", "marketing", "location", "credentials", "none"}
ROLES = {"owner", "co-owner", "mentioned"}

Truth = dict[str, Any]

# Row types of partitions are left out: the parent stands for them.
LIVE_COLUMNS = """
    SELECT c.relname, a.attname
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
"""


def truth_of(system: str) -> Truth:
    found: Truth = yaml.safe_load((HERE / system / "truth.yaml").read_text("utf-8"))
    return found


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def truth(system: str) -> Truth:
    return truth_of(system)


@pytest.fixture
def loaded(system: str, database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database) as connection:
        connection.execute((HERE / system / "schema.sql").read_bytes())
        runpy.run_path(str(HERE / system / "fill.py"))["fill"](connection)
        yield connection


def columns(table: Truth) -> dict[str, Truth]:
    return {
        name: {"category": said} if isinstance(said, str) else said
        for name, said in table["columns"].items()
    }


def steps(truth: Truth) -> Iterator[tuple[str, Truth]]:
    for name, table in truth["tables"].items():
        for path in table.get("paths", ()):
            for step in path["steps"]:
                yield name, step


def target(step: Truth) -> tuple[str, Any]:
    """Give the far table of a step and its term there."""
    to = step["to"]
    if isinstance(to, str):
        table, column = to.split(".")
        return table, column
    return to["table"], to.get("columns") or to.get("column") or to


def element(term: Any) -> sql.Composed:  # noqa: ANN401  the forms that a term has in YAML
    """Give a set of `text[]` for a term over the row `t`."""
    if isinstance(term, str):
        term = [term]
    if isinstance(term, list):
        each = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(c)) for c in term)
        return sql.SQL("SELECT ARRAY[{}]").format(each)
    if "json" in term:
        return sql.SQL("SELECT ARRAY[x #>> '{{}}'] FROM jsonb_path_query(t.{}, {}) x").format(
            sql.Identifier(term["json"]), sql.Literal(f"$.{term['path']}")
        )
    if "array" in term:
        return sql.SQL("SELECT ARRAY[x::text] FROM unnest(t.{}) x").format(
            sql.Identifier(term["array"])
        )
    return sql.SQL("SELECT ARRAY[btrim(x)] FROM unnest(string_to_array(t.{}, {})) x").format(
        sql.Identifier(term["list"]), sql.Literal(term["separator"])
    )


def values(table: str, term: Any, where: Truth | None = None) -> sql.Composed:  # noqa: ANN401
    """Give a query for the non-null values of a term in the rows that meet the condition."""
    conditions: list[sql.Composable] = [sql.SQL("array_position(v, NULL) IS NULL")]
    for column, wanted in (where or {}).items():
        refused = isinstance(wanted, dict)
        conditions.append(
            sql.SQL("t.{} IS {} DISTINCT FROM {}").format(
                sql.Identifier(column),
                sql.SQL("") if refused else sql.SQL("NOT"),
                sql.Literal(wanted["not"] if refused else wanted),
            )
        )
    return sql.SQL("SELECT lower(v::text) AS v FROM {} t, LATERAL ({}) AS e(v) WHERE {}").format(
        sql.Identifier(table), element(term), sql.SQL(" AND ").join(conditions)
    )


def claims(truth: Truth, kind: str, besides: str) -> sql.Composed:
    """Give a query for the values of a kind of identifier in all other tables."""
    return sql.SQL(" UNION ").join(
        values(name, column)
        for name, table in truth["tables"].items()
        for column, said in columns(table).items()
        if name != besides and said.get("identifier") == kind
    )


def joined(connection: psycopg.Connection, left: sql.Composed, right: sql.Composed) -> int:
    query = sql.SQL(
        "WITH l AS MATERIALIZED ({}), r AS MATERIALIZED (SELECT DISTINCT v FROM ({}) q)"
        " SELECT count(*) FROM l JOIN r USING (v)"
    ).format(left, right)
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_nothing_was_changed_since_the_freeze() -> None:
    for line in (HERE / "frozen.sha256").read_text("utf-8").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((HERE / name).read_bytes()).hexdigest() == digest, name


def test_words_of_the_truth(truth: Truth) -> None:
    for name, table in truth["tables"].items():
        for column, said in columns(table).items():
            assert {said["category"], *said.get("or", ())} <= CATEGORIES, (name, column)
            kinds = {*said.get("contains", ()), *filter(None, [said.get("identifier")])}
            assert kinds <= set(truth["identifiers"]), (name, column)
            assert not table.get("nobody") or said["category"] == "none", (name, column)
        for path in table.get("paths", ()):
            assert {path["role"], *path.get("role_or", ())} <= ROLES, name
            assert path.get("optional") or not table.get("nobody"), name
        assert table.get("nobody") or table.get("person") or table.get("paths"), name


def test_paths_end_at_people(truth: Truth) -> None:
    for name, step in steps(truth):
        if "identifier" in step:
            assert step["identifier"] in truth["identifiers"], name
        else:
            table = truth["tables"][target(step)[0]]
            owned = any(path["role"] != "mentioned" for path in table.get("paths", ()))
            assert table.get("person") or owned, (name, step)


def test_truth_and_schema_name_the_same_columns(truth: Truth, loaded: psycopg.Connection) -> None:
    live = {(str(table), str(column)) for table, column in loaded.execute(LIVE_COLUMNS)}
    said = {(name, column) for name, table in truth["tables"].items() for column in columns(table)}
    assert said - live == set(), "in the truth alone"
    assert live - said == set(), "in the schema alone"


def test_each_path_joins_rows(truth: Truth, loaded: psycopg.Connection) -> None:
    idle = []
    for name, step in steps(truth):
        here = values(name, step["from"], step.get("where"))
        there = (
            claims(truth, step["identifier"], name)
            if "identifier" in step
            else values(*target(step), step.get("to_where"))
        )
        if joined(loaded, here, there) == 0:
            idle.append((name, step))
    assert idle == []


def test_every_table_has_rows(truth: Truth, loaded: psycopg.Connection) -> None:
    counts = {
        name: loaded.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
        ).fetchone()
        for name in truth["tables"]
    }
    assert [name for name, count in counts.items() if count == (0,)] == []
    assert sum(count[0] for count in counts.values() if count) > 3000
