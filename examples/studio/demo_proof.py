"""What the demo claims, checked without the engine: by hand-written SQL, dumps and files.

Nothing here imports `upheld`. Identifiers are looked for as whole tokens, in
small and capital letters, as they are, URL-encoded and in hexadecimal.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from ahocorasick_rs import BytesAhoCorasick
from demo_compare import Row, canon

_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True)
class Person:
    """Somebody who asked to be erased, and what of theirs must not be found any more.

    What somebody who stays uses as well (a family's device) stays, and stands apart.
    """

    email: str
    emails: tuple[str, ...]
    account_ids: tuple[int, ...]
    handles: tuple[str, ...]
    phones: tuple[str, ...]
    device_ids: tuple[str, ...]
    shared_devices: tuple[str, ...]
    customers: tuple[str, ...]

    def identifiers(self) -> Iterator[str]:
        """Give every identifier that is to be looked for."""
        yield from (*self.emails, *self.handles, *self.phones, *self.device_ids)

    def as_json(self) -> Row:
        """Give the person for the report: the account asked for first, then all that are theirs."""
        first = {
            "email": self.email,
            "account_id": next(iter(self.account_ids), None),
            "handle": next(iter(self.handles), None),
            "phone": next(iter(self.phones), None),
        }
        names = ("emails", "account_ids", "handles", "phones", "device_ids", "shared_devices")
        return {**first, **{name: list(getattr(self, name)) for name in names}}


def identifiers(people: Iterable[Person]) -> set[str]:
    """Give every identifier of these people that is to be looked for, in small letters."""
    return {one.lower() for person in people for one in person.identifiers()}


# -- who they are ------------------------------------------------------------


def people_of(conn: psycopg.Connection[Any], emails: list[str]) -> list[Person]:
    """Find, by Studio's own tables, the accounts and devices of those who ask."""
    found = [(email, *_accounts(conn, email)) for email in emails]
    leaving = [account for _, ids, _ in found for account in ids]
    return [_person(conn, email, ids, addresses, leaving) for email, ids, addresses in found]


def _person(
    conn: psycopg.Connection[Any],
    email: str,
    ids: list[int],
    addresses: list[str],
    leaving: list[int],
) -> Person:
    def ask(query: str) -> list[tuple[Any, ...]]:
        return conn.execute(query.encode(), {"ids": ids, "leaving": leaving}).fetchall()

    rows = ask("SELECT id, handle, phone FROM account WHERE id = ANY(%(ids)s)")
    rows.sort(key=lambda row: ids.index(row[0]))
    elsewhere = {
        phone
        for (phone,) in ask(
            "SELECT phone FROM account WHERE phone IS NOT NULL AND id <> ALL(%(leaving)s)"
        )
    }
    devices = ask(
        "SELECT device_id, bool_and(account_id = ANY(%(leaving)s)) FROM device_account WHERE "
        "device_id IN (SELECT device_id FROM device_account WHERE account_id = ANY(%(ids)s)) "
        "GROUP BY 1 ORDER BY 1"
    )
    customers = ask(
        "SELECT DISTINCT customer_ref FROM payment WHERE account_id = ANY(%(ids)s) AND "
        "customer_ref IS NOT NULL"
    )
    return Person(
        email,
        tuple(addresses),
        tuple(ids),
        tuple(handle for _, handle, _ in rows),
        tuple(phone for _, _, phone in rows if phone and phone not in elsewhere),
        tuple(device for device, theirs in devices if theirs),
        tuple(device for device, theirs in devices if not theirs),
        tuple(row[0] for row in customers),
    )


def _accounts(conn: psycopg.Connection[Any], email: str) -> tuple[list[int], list[str]]:
    """Follow addresses to accounts and accounts to addresses until nothing is new."""
    addresses, ids = {email.lower()}, set[int]()
    while True:
        more = conn.execute(
            "SELECT id FROM account WHERE role = 'person' AND lower(email) = ANY(%(known)s) UNION "
            "SELECT account_id FROM account_email WHERE lower(email) = ANY(%(known)s)",
            {"known": list(addresses)},
        ).fetchall()
        known = conn.execute(
            "SELECT lower(email) FROM account WHERE id = ANY(%(ids)s) UNION "
            "SELECT lower(email) FROM account_email WHERE account_id = ANY(%(ids)s)",
            {"ids": [row[0] for row in more]},
        ).fetchall()
        new = {row[0] for row in more} - ids, {row[0] for row in known} - addresses
        if not any(new):
            break
        ids |= new[0]
        addresses |= new[1]
    first = conn.execute(
        "SELECT id FROM account WHERE id = ANY(%s) ORDER BY lower(email) <> lower(%s), id",
        (list(ids), email),
    ).fetchall()
    return [row[0] for row in first], sorted(addresses)


# -- what is left ------------------------------------------------------------


class Tokens:
    """Looks for identifiers as whole tokens in bytes."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self.forms = sorted(forms(wanted))
        self.machine = BytesAhoCorasick([form.encode() for form in self.forms])

    def find(self, data: bytes) -> list[str]:
        """Give what is found."""
        low = data.lower()
        return [
            self.forms[pattern]
            for pattern, start, end in self.machine.find_matches_as_indexes(low, overlapping=True)
            if not (start and low[start - 1] in _WORD)
            and not (end < len(low) and low[end] in _WORD)
        ]


def forms(wanted: Iterable[str]) -> set[str]:
    """Give the ways in which identifiers are written, in small letters."""
    return {
        form.lower()
        for one in wanted
        for case in (one, one.lower(), one.upper())
        for form in (case, quote(case, safe=""), case.encode().hex())
    }


def look_in_files(folder: Path, erased: list[Person]) -> list[str]:
    """Look for the erased in every file; give what is found."""
    tokens = Tokens(identifiers(erased))
    return [
        f"{path.relative_to(folder)}: {what}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for what in tokens.find(path.read_bytes())
    ]


def look_in_studio(dump: bytes, erased: list[Person], kept: list[Row]) -> list[str]:
    """Look for the erased in a dump of Studio, outside the kept rows; give what is found."""
    tokens, found = Tokens(identifiers(erased)), []
    keys = {(line["table"], canon(line["key"])) for line in kept}
    named = {line["table"]: list(line["key"]) for line in kept}
    table, columns = "", list[str]()
    for line in dump.splitlines():
        if line.startswith(b"COPY public."):
            head = line.decode()
            table = head.removeprefix("COPY public.").split(" ", 1)[0].strip('"')
            columns = [
                c.strip(' "') for c in head[head.index("(") + 1 : head.index(")")].split(",")
            ]
        if hits := tokens.find(line):
            cells = dict(zip(columns, line.decode().split("\t"), strict=False))
            key = {c: json.loads(cells[c]) for c in named.get(table, ()) if c in cells}
            if (table, canon(key)) not in keys:
                found += [f"dump of studio, {table}: {what}" for what in hits]
    return found


def look_in_engine(dump: bytes, erased: list[Person], accessed: list[str]) -> list[str]:
    """Look for the erased and for those who asked for their data; give what is found."""
    tokens = Tokens({*identifiers(erased), *(email.lower() for email in accessed)})
    return [f"dump of the engine: {what}" for what in tokens.find(dump)]


# -- packages ----------------------------------------------------------------


def open_packages(packages: dict[str, Path]) -> int:
    """Hold each person's package against its manifest; give how many files; SystemExit if wrong."""
    files = 0
    for email, package in packages.items():
        with zipfile.ZipFile(package) as opened:
            manifest = json.loads(opened.read("manifest.json"))
            listed = {entry["path"]: entry["sha256"] for entry in manifest["files"]}
            if "index.html" not in listed:
                raise SystemExit(f"{package}: there is no page to read")
            theirs = False
            for name in opened.namelist():
                if name != "manifest.json":
                    data = opened.read(name)
                    if hashlib.sha256(data).hexdigest() != listed.pop(name, None):
                        raise SystemExit(f"{package}: {name} is not what the manifest says")
                    theirs |= email.lower().encode() in data.lower()
                    files += 1
            if listed or not theirs:
                raise SystemExit(f"{package}: {sorted(listed) or 'the person'} is missing")
    return files
