"""Two snapshots of Studio, and what differs between them that no entry of the report explains.

Nothing here imports `upheld`. A snapshot holds every row of every table and a
digest of every file. What is compared is everything that was not the leavers'
own, less exactly the columns that the report lists as changed; where the rule
is that an identifier was masked, the rest of the value must be the same too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

Row = dict[str, Any]
# A table and the key of a row in it, as JSON.
Place = tuple[str, str]

OBJECT_COLUMNS = ("avatar_key", "object_key", "output_key", "transcript_key", "attachment_key")
OBJECTS = "(objects)"
_PICTURES_AND_SOUNDS = {".png", ".wav"}
_MASK = re.compile(
    r"\[erased(?:-[0-9a-f]{16})?\]"
    r"|%5Berased(?:-[0-9a-f]{16})?%5D"
    r"|5b657261736564(?:2d(?:3[0-9]|6[1-6]){16})?5d",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Snapshot:
    """Rows by table and key, a digest of every file, and the files that are text."""

    rows: dict[str, dict[str, list[Row]]]
    keyless: frozenset[str]
    files: dict[str, str]
    texts: dict[str, str]


def canon(value: Any) -> str:  # noqa: ANN401  JSON
    """Write JSON in one way only."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def snapshot(conn: psycopg.Connection[Any], folder: Path) -> Snapshot:
    """Read every table at one moment, and every file."""
    conn.commit()
    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    tables = conn.execute(
        "SELECT c.relname, (SELECT array_agg(a.attname ORDER BY k.n) FROM pg_index i, "
        "unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a ON "
        "a.attrelid = c.oid AND a.attnum = k.attnum WHERE i.indrelid = c.oid AND "
        "i.indisprimary AND a.attrelid = i.indrelid) FROM pg_class c WHERE "
        "c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND "
        "NOT c.relispartition ORDER BY 1"
    ).fetchall()
    rows = {name: _rows(conn, name, key) for name, key in tables}
    conn.commit()
    files, texts = {}, {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name, data = str(path.relative_to(folder)), path.read_bytes()
            files[name] = hashlib.sha256(data).hexdigest()
            if path.suffix not in _PICTURES_AND_SOUNDS:
                texts[name] = data.decode(errors="replace")
    return Snapshot(rows, frozenset(name for name, key in tables if not key), files, texts)


def _rows(conn: psycopg.Connection[Any], table: str, key: list[str] | None) -> dict[str, list[Row]]:
    named: sql.Composable = sql.SQL(
        "jsonb_build_object('sha256', sha256(convert_to(t::text, 'UTF8')))"
    )
    if key:
        named = sql.SQL("jsonb_build_object({})").format(
            sql.SQL(", ").join(
                sql.SQL("{}, {}").format(sql.Literal(name), sql.Identifier("t", name))
                for name in key
            )
        )
    query = sql.SQL("SELECT {}, to_jsonb(t) FROM {} t").format(named, sql.Identifier(table))
    found: dict[str, list[Row]] = {}
    for name, row in conn.execute(query):
        found.setdefault(canon(name), []).append(row)
    return found


def _difference(before: Any, after: Any) -> str:  # noqa: ANN401  JSON
    """Say what differs: of two rows, only the columns that do."""
    if before and after and isinstance(before, dict) and isinstance(after, dict):
        differ = [k for k in before.keys() | after.keys() if before.get(k) != after.get(k)]
        before, after = ({k: side[k] for k in differ if k in side} for side in (before, after))
    return f"{canon(before)} became {canon(after)}"


@dataclass
class Comparison:
    """Digests of what was nobody's who left, before and after, and what else differs."""

    changed: list[Row]
    unexplained: list[str] = field(default_factory=list)
    files_gone: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    files: int = 0
    digests: tuple[Any, Any] = field(default_factory=lambda: (hashlib.sha256(), hashlib.sha256()))

    def untouched(self) -> Row:
        """Give it for the report."""
        before, after = (digest.hexdigest() for digest in self.digests)
        return {"before": before, "after": after, "rows": self.rows, "objects": self.files}

    def same(self, what: str, before: Any, after: Any) -> None:  # noqa: ANN401  JSON
        """Digest both sides; note it where they differ."""
        one, two = canon(before), canon(after)
        self.digests[0].update(f"{what} {one}\n".encode())
        self.digests[1].update(f"{what} {two}\n".encode())
        if one != two:
            self.unexplained.append(f"{what}: {_difference(before, after)}")

    def holds(self, claim: bool, otherwise: str) -> None:  # noqa: FBT001  a claim is true or not
        """Note what does not hold."""
        if not claim:
            self.unexplained.append(otherwise)


class Comparing:
    """Compares two snapshots under one report.

    `own` are the leavers' identifiers, `shared` those that others use too: the
    report names them by hash where they are part of a key. `masked` are the
    forms, in small letters, that a mask may have taken the place of.
    """

    def __init__(
        self,
        before: Snapshot,
        after: Snapshot,
        report: list[Row],
        own: Iterable[str],
        shared: Iterable[str],
        masked: Iterable[str],
    ) -> None:
        self.before, self.after = before, after
        self.own, self.masked = frozenset(own), frozenset(masked)
        self.all = self.own | frozenset(shared)
        changes = [line for line in report if line["what"] == "changed"]
        self.result = Comparison(
            [{k: line[k] for k in ("table", "key", "column", "rule")} for line in changes]
        )
        self.gone = self._places(report, "erased")
        self.theirs = self._places(report, "anonymised") | self._places(report, "kept")
        self.listed: dict[Place, dict[str | None, set[str]]] = {}
        for line in changes:
            columns = self.listed.setdefault((line["table"], canon(line["key"])), {})
            columns.setdefault(line["column"], set()).add(line["rule"])
        self.gone_of_others = {place for place, columns in self.listed.items() if None in columns}

    def compare(self) -> Comparison:
        """Hold every table and every file of one side against the other."""
        for table in sorted(self.before.rows):
            if table in self.before.keyless:
                self._compare_keyless(table)
            else:
                self._compare_keyed(table)
        self._compare_files()
        return self.result

    def _places(self, report: list[Row], what: str) -> set[Place]:
        """Find the rows that the report lists, those named by hash as well."""
        found: set[Place] = set()
        hidden, met = Counter[str](), Counter[str]()
        for line in report:
            if line["what"] == what:
                columns = {c for c, v in line["key"].items() if str(v).startswith("hash:")}
                if not columns:
                    found.add((line["table"], canon(line["key"])))
                    continue
                hidden[line["table"]] += 1
                new = set(self._hidden(line, columns)) - found
                met[line["table"]] += len(new)
                found |= new
        self.result.holds(hidden == met, f"{what}: {dict(hidden)} by hash, found {dict(met)}")
        return found

    @cache  # noqa: B019  one comparison per run of the demo
    def _keys(self, table: str) -> list[tuple[str, Row]]:
        """Read the keys of a table once."""
        return [(name, json.loads(name)) for name in self.before.rows[table]]

    def _hidden(self, line: Row, hidden: set[str]) -> Iterator[Place]:
        """Find the rows of the leavers that a line with a hash in its key can mean."""
        shown = {c: v for c, v in line["key"].items() if c not in hidden}
        # With nothing else in the key it is the row of the identifier itself, which, shared, stays.
        values = self.all if shown else self.own
        for name, key in self._keys(line["table"]):
            if all(key[c] == v for c, v in shown.items()) and all(
                str(key[c]).lower() in values for c in hidden
            ):
                yield line["table"], name

    # -- rows ----------------------------------------------------------------

    def _compare_keyed(self, table: str) -> None:
        before, after = self.before.rows[table], self.after.rows[table]
        for key in sorted(before.keys() | after.keys()):
            place, what = (table, key), f"{table} {key}"
            if place in self.gone or place in self.gone_of_others:
                self.result.holds(key not in after, f"{what}: listed as gone, and is there")
            elif place in self.theirs:
                self.result.holds(key in after, f"{what}: listed as kept, and is gone")
            else:
                one, two = dict(before.get(key, [{}])[0]), dict(after.get(key, [{}])[0])
                self._set_listed_aside(place, one, two)
                self._set_triggered_aside(table, key, one, two)
                self.result.rows += 1
                self.result.same(what, one, two)

    def _set_listed_aside(self, place: Place, one: Row, two: Row) -> None:
        """Drop the columns that are listed as changed; a mask changes nothing beside it."""
        for column, rules in self.listed.get(place, {}).items():
            if column in one and column in two:
                was, is_ = canon(one.pop(column)), canon(two.pop(column))
                what = f"{place[0]} {place[1]} {column}: {was} became {is_}"
                self.result.holds(was != is_, f"{what}, though listed as changed")
                self.result.holds(rules != {"mask"} or self._only_masked(was, is_), what)

    def _set_triggered_aside(self, table: str, key: str, one: Row, two: Row) -> None:
        """Set aside what Studio's own triggers (studio/schema.sql) keep, and add it to the list.

        `updated_at` says when a row was last changed, so it moves where a listed
        column did. `comment_count` counts a work's comments, so it falls by as
        many as went.
        """
        moved = {c for c in ("updated_at", "comment_count") if one.get(c) != two.get(c)}
        if not one or not two:
            return
        if "updated_at" in moved and (table, key) not in self.listed:
            moved.discard("updated_at")
        if "comment_count" in moved:
            comments = [
                sum(row["generation_id"] == one["id"] for (row,) in side.rows["comment"].values())
                for side in (self.before, self.after)
            ]
            if one["comment_count"] - two["comment_count"] != comments[0] - comments[1]:
                moved.discard("comment_count")
        for column in sorted(moved):
            del one[column], two[column]
            self.result.changed.append(
                {"table": table, "key": json.loads(key), "column": column, "rule": "trigger"}
            )

    def _compare_keyless(self, table: str) -> None:
        """Compare as multisets; a changed row is known by what it was, not by what it is."""
        plain, changing, columns = Counter[str](), list[Row](), set[str | None]()
        for key, rows in self.before.rows[table].items():
            place = (table, key)
            if place in self.listed and place not in self.gone_of_others:
                changing += rows
                columns |= self.listed[place].keys()
            elif place not in self.gone | self.gone_of_others:
                plain.update(map(canon, rows))
        after = Counter(canon(row) for rows in self.after.rows[table].values() for row in rows)
        rest = [json.loads(row) for row in (after - plain).elements()]
        sides = [
            sorted(canon({c: v for c, v in row.items() if c not in columns}) for row in side)
            for side in (changing, rest)
        ]
        self.result.rows += plain.total() + len(changing)
        self.result.same(f"{table}, rows as they were", plain, plain & after)
        self.result.same(f"{table}, rows that changed", *sides)

    # -- files ---------------------------------------------------------------

    def _compare_files(self) -> None:
        gone = dict(self._files_of(self.before, self.gone | self.gone_of_others))
        still = {
            row[column]
            for rows_by_key in self.after.rows.values()
            for rows in rows_by_key.values()
            for row in rows
            for column in OBJECT_COLUMNS
            if row.get(column)
        }
        for path in sorted(self.before.files.keys() | self.after.files.keys()):
            was, is_ = self.before.files.get(path), self.after.files.get(path)
            if path in gone and path not in still:
                self.result.files_gone[gone[path]] += 1
                self.result.holds(is_ is None, f"file {path}: its row is gone, and it is there")
            elif (OBJECTS, canon({"object": path})) in self.listed:
                texts = self.before.texts.get(path, ""), self.after.texts.get(path, "")
                what = f"file {path}: listed as masked, and more of it changed"
                self.result.holds(texts[0] != texts[1] and self._only_masked(*texts), what)
            else:
                self.result.files += 1
                self.result.same(f"file {path}", was, is_)

    def _files_of(self, side: Snapshot, places: set[Place]) -> Iterator[tuple[str, str]]:
        """Give (file, table) of the files that these rows point to."""
        for table, key in sorted(places & {(t, k) for t in side.rows for k in side.rows[t]}):
            for row in side.rows[table][key]:
                for column in OBJECT_COLUMNS:
                    if row.get(column):
                        yield row[column], table

    def _only_masked(self, was: str, is_: str) -> bool:
        """Tell whether a value differs only where a mask took an identifier's place."""
        pattern = "(.+?)".join(map(re.escape, _MASK.split(is_)))
        found = re.fullmatch(pattern, was, re.DOTALL)
        return found is not None and all(one.lower() in self.masked for one in found.groups())
