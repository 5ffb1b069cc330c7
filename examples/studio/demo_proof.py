"""What the demo claims, checked without the engine: by hand-written SQL, dumps and files.

Nothing here imports `upheld`. Identifiers are looked for as whole tokens, in
small and capital letters, as they are, URL-encoded and in hexadecimal.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from ahocorasick_rs import BytesAhoCorasick
from psycopg import sql

OBJECT_COLUMNS = ("avatar_key", "object_key", "output_key", "transcript_key", "attachment_key")
# Columns that Studio's own triggers keep: see the triggers in studio/schema.sql.
TRIGGERED = {
    "generation": {"comment_count", "updated_at"},
    "account": {"updated_at"},
    "collection": {"updated_at"},
}
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True)
class Account:
    """One account of a person."""

    account_id: int
    email: str
    handle: str
    phone: str | None


@dataclass(frozen=True)
class Person:
    """Somebody who asked to be erased, and what of theirs must not be found any more."""

    email: str
    accounts: tuple[Account, ...]
    emails: tuple[str, ...]
    devices: tuple[str, ...]
    shared_devices: tuple[str, ...]

    def identifiers(self) -> Iterator[str]:
        """Give every identifier that is to be looked for."""
        yield from self.emails
        yield from self.devices
        for account in self.accounts:
            yield account.handle
            if account.phone:
                yield account.phone

    def as_json(self) -> dict[str, Any]:
        """Give the person for the report; further accounts stand apart."""
        first = self.accounts[0] if self.accounts else None
        return {
            "email": self.email,
            "account_id": first.account_id if first else None,
            "handle": first.handle if first else None,
            "phone": first.phone if first else None,
            "device_ids": list(self.devices),
            "shared_device_ids": list(self.shared_devices),
            "other_emails": [e for e in self.emails if e.lower() != self.email.lower()],
            "other_accounts": [vars(account) for account in self.accounts[1:]],
        }


@dataclass(frozen=True)
class Snapshot:
    """Every row of every table, by key, and a digest of every file."""

    rows: dict[str, dict[str, list[dict[str, Any]]]]
    keyless: frozenset[str]
    objects: dict[str, str] = field(default_factory=dict)


def people_of(conn: psycopg.Connection[Any], emails: list[str]) -> list[Person]:
    """Find, by Studio's own tables, the accounts and devices of those who ask."""
    found = [(email, *_accounts(conn, email)) for email in emails]
    leaving = {account.account_id for _, accounts, _ in found for account in accounts}
    people = []
    for email, accounts, addresses in found:
        ids = [account.account_id for account in accounts]
        users = conn.execute(
            "SELECT device_id, array_agg(account_id) FROM device_account WHERE device_id IN "
            "(SELECT device_id FROM device_account WHERE account_id = ANY(%s)) GROUP BY 1 "
            "ORDER BY 1",
            (ids,),
        ).fetchall()
        own = [device for device, who in users if set(who) <= leaving]
        shared = [device for device, who in users if not set(who) <= leaving]
        people.append(Person(email, tuple(accounts), tuple(addresses), tuple(own), tuple(shared)))
    return people


def _accounts(conn: psycopg.Connection[Any], email: str) -> tuple[list[Account], list[str]]:
    """Follow addresses to accounts and accounts to addresses until nothing is new."""
    addresses, ids = {email.lower()}, set[int]()
    while True:
        wanted = list(addresses)
        more = {
            row[0]
            for row in conn.execute(
                "SELECT id FROM account WHERE role = 'person' AND lower(email) = ANY(%s) UNION "
                "SELECT account_id FROM account_email WHERE lower(email) = ANY(%s)",
                (wanted, wanted),
            )
        }
        known = {
            row[0]
            for row in conn.execute(
                "SELECT lower(email) FROM account WHERE id = ANY(%s) UNION "
                "SELECT lower(email) FROM account_email WHERE account_id = ANY(%s)",
                (list(more), list(more)),
            )
        }
        if more == ids and known <= addresses:
            break
        ids |= more
        addresses |= known
    rows = conn.execute(
        "SELECT id, email, handle, phone FROM account WHERE id = ANY(%s) "
        "ORDER BY lower(email) <> lower(%s), id",
        (list(ids), email),
    ).fetchall()
    return [Account(*row) for row in rows], sorted(addresses)


# -- snapshots ---------------------------------------------------------------


def snapshot(conn: psycopg.Connection[Any], objects: Path) -> Snapshot:
    """Read every table and digest every file."""
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
    digests = {
        str(path.relative_to(objects)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(objects.rglob("*"))
        if path.is_file()
    }
    return Snapshot(rows, frozenset(name for name, key in tables if not key), digests)


def _rows(
    conn: psycopg.Connection[Any], table: str, key: list[str] | None
) -> dict[str, list[dict[str, Any]]]:
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
    found: dict[str, list[dict[str, Any]]] = {}
    for name, row in conn.execute(query):
        found.setdefault(_canon(name), []).append(row)
    return found


def _canon(value: Any) -> str:  # noqa: ANN401  JSON
    return json.dumps(value, sort_keys=True)


# -- what changed ------------------------------------------------------------


def compare(
    before: Snapshot, after: Snapshot, report: list[dict[str, Any]], erased: list[Person]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Digest other people's rows and files before and after, less what the report lists.

    Gives the digests and the list of changes, with those of Studio's triggers added.
    """
    changed = [
        {k: line[k] for k in ("table", "key", "column", "rule")}
        for line in report
        if line["what"] == "changed"
    ]
    lines = [line for line in report if line["what"] in ("erased", "anonymised", "kept")]
    own = {(line["table"], _canon(line["key"])) for line in lines}
    own |= {place for line in lines for place in _hidden(before, after, line, erased)}
    listed: dict[tuple[str, str], set[str | None]] = {}
    for change in changed:
        place = (change["table"], _canon(change["key"]))
        listed.setdefault(place, set()).add(change["column"])
    digests = {"before": hashlib.sha256(), "after": hashlib.sha256()}
    unexplained: list[str] = []
    count = 0
    for table in sorted(before.rows):
        sides = _others(before, table, own, listed), _others(after, table, own, listed)
        if table in TRIGGERED:
            changed += _triggered(table, *sides)
        for key in sorted(sides[0].keys() | sides[1].keys()):
            one, two = (sorted(map(_canon, side.get(key, []))) for side in sides)
            if one != two:
                unexplained.append(f"{table} {key}: {one} became {two}")
            count += len(one)
            digests["before"].update(f"{table} {key} {one}".encode())
            digests["after"].update(f"{table} {key} {two}".encode())
    masked = {json.loads(key)["object"] for table, key in listed if table == "(objects)"}
    gone = _objects_of(before, own, listed)
    files = 0
    for path in sorted(before.objects.keys() | after.objects.keys()):
        if path in masked or path in gone:
            continue
        files += 1
        digests["before"].update(f"{path} {before.objects.get(path)}".encode())
        digests["after"].update(f"{path} {after.objects.get(path)}".encode())
        if before.objects.get(path) != after.objects.get(path):
            unexplained.append(f"file {path}")
    result = {side: digest.hexdigest() for side, digest in digests.items()}
    return {**result, "rows": count, "objects": files, "unexplained": unexplained}, changed


def _hidden(
    before: Snapshot, after: Snapshot, line: dict[str, Any], erased: list[Person]
) -> Iterator[tuple[str, str]]:
    """Find the rows that a line means whose key holds an identifier, shown as a hash only."""
    hidden = {c for c, v in line["key"].items() if str(v).startswith("hash:")}
    if not hidden:
        return
    theirs = {one.lower() for person in erased for one in person.identifiers()}
    theirs |= {one.lower() for person in erased for one in person.shared_devices}
    for name in before.rows[line["table"]]:
        key = json.loads(name)
        same = all(key[c] == v for c, v in line["key"].items() if c not in hidden)
        gone = line["what"] != "erased" or name not in after.rows[line["table"]]
        if same and gone and all(str(key[c]).lower() in theirs for c in hidden):
            yield line["table"], name


def _others(
    snap: Snapshot,
    table: str,
    own: set[tuple[str, str]],
    listed: dict[tuple[str, str], set[str | None]],
) -> dict[str, list[dict[str, Any]]]:
    """Give other people's rows without the columns that are listed as changed."""
    keyless = table in snap.keyless
    # A row without a key has another name after a change: then its changed columns go everywhere.
    everywhere = {
        c for (t, _), columns in listed.items() if t == table and keyless for c in columns
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for key, rows in snap.rows[table].items():
        columns = listed.get((table, key), set())
        if (table, key) in own or None in columns:
            continue
        left = columns | everywhere
        name = "" if keyless else key
        found.setdefault(name, []).extend(
            {c: v for c, v in row.items() if c not in left} for row in rows
        )
    return found


def _triggered(
    table: str, before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Find what Studio's triggers changed by themselves, list it, and set it aside."""
    changes = []
    for key in before.keys() & after.keys():
        one, two = before[key][0], after[key][0]
        for column in TRIGGERED[table] & one.keys() & two.keys():
            if one[column] != two[column]:
                changes.append(
                    {"table": table, "key": json.loads(key), "column": column, "rule": "trigger"}
                )
                del one[column], two[column]
    return changes


def _objects_of(
    before: Snapshot, own: set[tuple[str, str]], listed: dict[tuple[str, str], set[str | None]]
) -> set[str]:
    """Give the files that rows which went pointed to."""
    gone = own | {place for place, columns in listed.items() if None in columns}
    return {
        row[column]
        for table, keys in before.rows.items()
        for key, rows in keys.items()
        if (table, key) in gone
        for row in rows
        for column in OBJECT_COLUMNS
        if row.get(column)
    }


# -- what is left ------------------------------------------------------------


class Tokens:
    """Looks for identifiers as whole tokens in bytes."""

    def __init__(self, identifiers: Iterator[str] | set[str]) -> None:
        forms = sorted({form for one in identifiers for form in _forms(one.lower())})
        self.forms = forms
        self.machine = BytesAhoCorasick([form.encode() for form in forms])

    def find(self, data: bytes) -> list[tuple[str, int]]:
        """Give (what was found, where)."""
        low = data.lower()
        return [
            (self.forms[pattern], start)
            for pattern, start, end in self.machine.find_matches_as_indexes(low, overlapping=True)
            if not (start and low[start - 1] in _WORD)
            and not (end < len(low) and low[end] in _WORD)
        ]


def _forms(identifier: str) -> set[str]:
    return {identifier, quote(identifier, safe="").lower(), identifier.encode().hex()}


def check_objects(folder: Path, erased: list[Person]) -> list[str]:
    """Look for the erased in every file; give what is found."""
    tokens = Tokens({one for person in erased for one in person.identifiers()})
    return [
        f"{path.relative_to(folder)}: {what}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for what, _ in tokens.find(path.read_bytes())
    ]


def check_dumps(
    studio: bytes,
    engine: bytes,
    erased: list[Person],
    kept: list[dict[str, Any]],
    accessed: list[str],
) -> list[str]:
    """Look for the erased in dumps of both databases, outside the kept rows."""
    identifiers = {one for person in erased for one in person.identifiers()}
    keys = Counter((line["table"], _canon(line["key"])) for line in kept)
    tokens, found = Tokens(identifiers), []
    table, columns = "", list[str]()
    for line in studio.splitlines():
        if line.startswith(b"COPY public."):
            head = line.decode()
            table = head.removeprefix("COPY public.").split(" ", 1)[0].strip('"')
            columns = [
                c.strip(' "') for c in head[head.index("(") + 1 : head.index(")")].split(",")
            ]
        hits = tokens.find(line)
        if hits and not _is_kept(table, columns, line, keys):
            found += [f"dump of studio, {table}: {what}" for what, _ in hits]
    found += [
        f"dump of the engine: {what}"
        for what, _ in Tokens(identifiers | set(accessed)).find(engine)
    ]
    return found


def _is_kept(table: str, columns: list[str], line: bytes, keys: Counter[tuple[str, str]]) -> bool:
    cells = dict(zip(columns, line.decode().split("\t"), strict=False))
    for kept_table, key in keys:
        named = json.loads(key)
        if kept_table == table and all(cells.get(c) == str(v) for c, v in named.items()):
            return True
    return False


def check_packages(packages: list[Path]) -> int:
    """Open each package and hold its files against its manifest; give how many files."""
    files = 0
    for package in packages:
        with zipfile.ZipFile(package) as opened:
            manifest = json.loads(opened.read("manifest.json"))
            listed = {entry["path"]: entry["sha256"] for entry in manifest["files"]}
            for name in opened.namelist():
                if name != "manifest.json":
                    if hashlib.sha256(opened.read(name)).hexdigest() != listed.pop(name):
                        raise SystemExit(f"{package}: {name} is not what the manifest says")
                    files += 1
            if listed:
                raise SystemExit(f"{package}: {sorted(listed)} are missing")
    return files
