"""The shapes that schemas are put together from: each adds its tables, rows and map entries.

A shape draws from the draft's own `rng`, which is seeded by the shape's name, so that a
case keeps its other tables when one is taken away.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from tests.property.erasure.drafting import Draft, Human, anonymised, filled
from tests.property.erasure.model import Cell, Column, ForeignKey, Row, Table
from tests.property.erasure.texts import DEVICES, EMAILS, HANDLES, prose, respell


def key_column(draft: Draft) -> Column:
    return Column("id", draft.key_type, nullable=False)


def new_key(draft: Draft, number: int) -> Cell:
    if draft.key_type == "uuid":
        return uuid.UUID(int=draft.rng.getrandbits(64) << 8 | number)
    return f"u{number:02d}" if draft.key_type == "text" else number


def row_columns(draft: Draft) -> list[Column]:
    """Give the usual key of a table that is not about people."""
    kind = draft.rng.choice(("bigint", "bigint", "integer", "uuid", "text"))
    return [Column("id", kind, nullable=False)]


def row_key(kind: str, number: int) -> Cell:
    if kind == "uuid":
        return uuid.UUID(int=number + 1)
    return f"k{number:02d}" if kind == "text" else number + 1


# People.


def people(draft: Draft, how_many: int) -> None:
    """Make the person table, some staff in it, some second accounts of one person."""
    rng = draft.rng
    draft.person_table = rng.choice(("customer", "users", "account"))
    draft.key_type = rng.choice(("bigint", "bigint", "integer", "text", "uuid"))
    draft.saw(f"{draft.key_type} key")
    same = draft.chance(0.35)
    unique = draft.chance(0.4)
    role_type = rng.choice(("text", "mood"))
    columns = [
        key_column(draft),
        Column("email", "text", nullable=draft.chance(0.5), unique=unique),
        Column("handle", "varchar(40)"),
        Column("role", role_type),
        *([Column("tax_no", "text")] if same else []),
        Column("referred_by", draft.key_type),
    ]
    more, fillers = draft.extras()
    columns += more
    marks: dict[str, dict[str, Any]] = {
        "id": {"identifier": "customer"},
        "email": {"identifier": "email"},
        "handle": {"identifier": "handle"},
        "role": {"export": False},
        "tax_no": {"same_person": True},
    }
    staff_role, roles = ("staff", ("member", None)) if role_type == "text" else ("wild", ("calm",))
    where: dict[str, Any] = {"role": {"not": staff_role}}
    if draft.chance(0.3):
        where = {"role": [*roles, "admin"]} if role_type == "text" else {"role": ["calm", "glad"]}
    entry: dict[str, Any] = {"person": {"as": "customer", "where": where}}
    keys = _referral(draft, entry)
    entry |= _person_erase(draft, columns, more)
    table = Table(draft.person_table, tuple(columns), ("id",), keys, trigger=draft.trigger())
    draft.add(table, entry, marks)
    draft.kinds |= {"email": {"match": "casefold"}, "handle": {"match": "casefold"}}
    for number in range(how_many + 2):
        human = _human(draft, number, staff=number >= how_many)
        role = staff_role if human.staff else rng.choice(roles)
        row: Row = {"id": human.key, "email": human.email, "handle": human.handle, "role": role}
        if same:
            row["tax_no"] = rng.choice(("T1", "T2", None, None))
        earlier = [other.key for other in draft.humans]
        row["referred_by"] = rng.choice([*earlier, None]) if earlier else None
        before = len(draft.rows[table.name])
        draft.insert(table.name, row | filled(draft, more, fillers))
        if len(draft.rows[table.name]) > before:
            draft.humans.append(human)
            if not human.staff:
                draft.claim(human.email, human.key)
    draft.saw("person where")
    if same:
        draft.saw("same_person")


def _human(draft: Draft, number: int, *, staff: bool) -> Human:
    rng = draft.rng
    taken = [human.email for human in draft.humans]
    free = [email for email in EMAILS if email not in taken]
    email: str | None = rng.choice(free)
    if taken and draft.chance(0.15):
        email = respell(rng, rng.choice(taken) or EMAILS[0])
    if draft.tables[draft.person_table].column("email").nullable and draft.chance(0.1):
        email = None
    handle = rng.choice((*HANDLES, None))
    devices = tuple(rng.sample(DEVICES, rng.randrange(3)))
    return Human(new_key(draft, number + 1), email, handle, devices, staff)


def _referral(draft: Draft, entry: dict[str, Any]) -> tuple[ForeignKey, ...]:
    """Let a person be referred by another: mentioned, referenced, or only a foreign key."""
    way = draft.rng.choice(("mentioned", "reference", "unmapped", "mentioned no key"))
    if way.startswith("mentioned"):
        path = {"role": "mentioned", "from": "referred_by", "to": draft.to_person}
        entry["paths"] = [path]
        draft.saw("mentioned column")
    if way == "reference":
        entry["references"] = [
            {"from": "referred_by", "to": draft.to_person, "when_gone": "detach"}
        ]
    if way == "unmapped":
        draft.saw("unmapped foreign key")
    if way == "mentioned no key":
        return ()
    draft.saw("self-reference")
    return (draft.foreign_key(["referred_by"], draft.person_table, ["id"], nullable=True),)


def _person_erase(draft: Draft, columns: list[Column], more: list[Column]) -> dict[str, Any]:
    must = [column for column in columns if column.name in ("email", "handle", "tax_no")]
    if draft.chance(0.75):
        return {}
    if draft.chance(0.7):
        draft.saw("person anonymised")
        return {"erase": {"anonymise": anonymised(draft, more, must)}}
    draft.saw("person kept")
    keep: dict[str, Any] = {"basis": "a duty to keep accounts", "until": date(2031, 12, 31)}
    if draft.chance(0.5):
        keep["anonymise"] = anonymised(draft, more, must[1:])
    return {"erase": {"keep": keep}}


def addresses(draft: Draft) -> None:
    """Further addresses of people; some are of two people."""
    nullable = draft.chance(0.3)
    columns = [
        Column("owner_ref", _loose_type(draft), nullable=nullable),
        Column("address", "text", nullable=False),
    ]
    more, fillers = draft.extras(1)
    keys = _same_type_key(draft, columns[0])
    table = Table("address", (*columns, *more), (), keys)
    entry = {"paths": [{"from": "owner_ref", "to": draft.to_person}]}
    draft.add(table, entry, {"address": {"identifier": "email"}})
    for _ in range(draft.count()):
        human = draft.someone()
        address = respell(draft.rng, draft.rng.choice(EMAILS))
        if draft.chance(0.5):
            address = f"alt{draft.rng.randrange(30)}@mail.org"
        ref = None if nullable and draft.chance(0.1) else human.key
        if ref is not None and not human.staff:
            draft.claim(address, human.key)
        row = {"owner_ref": _loose(columns[0], ref), "address": address}
        draft.insert("address", row | filled(draft, more, fillers))
    draft.saw("addresses")


def _loose_type(draft: Draft) -> str:
    """Give a type for a link to a person: its own, or text, which joins as text."""
    if draft.chance(0.25) and draft.key_type != "text":
        draft.saw("text joined with another type")
        return "text"
    return draft.key_type


def _loose(column: Column, key: Cell) -> Cell:
    return str(key) if column.type == "text" and key is not None else key


def _same_type_key(draft: Draft, column: Column) -> tuple[ForeignKey, ...]:
    if column.type != draft.key_type:
        draft.saw("join without foreign key")
        return ()
    return draft.maybe_key(column.name, draft.person_table, nullable=column.nullable)


def devices(draft: Draft) -> None:
    """Devices of people, shared by some; fraud scores know only the device."""
    keyed = draft.chance(0.6)
    columns = [
        Column("person_id", draft.key_type, nullable=False),
        Column("device_id", "text", nullable=False),
    ]
    keys = draft.maybe_key("person_id", draft.person_table, nullable=False)
    key = ("person_id", "device_id") if keyed else ()
    entry: dict[str, Any] = {"paths": [{"from": "person_id", "to": draft.to_person}]}
    draft.kinds["device"] = {}
    draft.add(Table("device", tuple(columns), key, keys), entry, {"device_id": _device_mark(draft)})
    for human in draft.humans:
        for device in human.devices:
            draft.insert("device", {"person_id": human.key, "device_id": device})
    more, fillers = draft.extras()
    columns = [Column("device", "text", nullable=draft.chance(0.3)), *more]
    entry = {"paths": [{"from": "device", "identifier": "device"}]}
    marks = {"device": {"identifier": "device"}} if draft.chance(0.6) else None
    draft.add(Table("fraud_score", tuple(columns)), entry, marks)
    for _ in range(draft.count()):
        row = {"device": draft.rng.choice(DEVICES)}
        draft.insert("fraud_score", row | filled(draft, more, fillers))
    draft.saw("identifier end", "shared device")


def _device_mark(draft: Draft) -> dict[str, Any]:
    return (
        {"identifier": "device", "note": "as the app reports it"}
        if draft.chance(0.5)
        else {"identifier": "device"}
    )


def newsletter(draft: Draft) -> None:
    """Subscriptions by e-mail alone, with or without an account behind it."""
    unique = draft.chance(0.5)
    columns = [Column("email", "text", nullable=draft.chance(0.4), unique=unique)]
    if draft.chance(0.5):
        columns.insert(0, Column("id", "bigint", nullable=False))
    more, fillers = draft.extras()
    entry: dict[str, Any] = {"paths": [{"from": "email", "identifier": "email"}]}
    if draft.chance(0.35):
        entry["erase"] = {"anonymise": anonymised(draft, more, [columns[-1]])}
        draft.saw("table anonymised")
    key = ("id",) if columns[0].name == "id" else ()
    draft.add(
        Table("newsletter", (*columns, *more), key, trigger=draft.trigger()),
        entry,
        {"email": {"identifier": "email"}},
    )
    for number in range(draft.count()):
        email: str | None = draft.rng.choice(EMAILS)
        if draft.chance(0.4):
            email = f"guest{draft.rng.randrange(6)}@mail.org"
        if columns[-1].nullable and draft.chance(0.1):
            email = None
        row: Row = {"email": email and respell(draft.rng, email)} | filled(draft, more, fillers)
        if key:
            row["id"] = number + 1
        draft.claim(row["email"])
        draft.insert("newsletter", row)
    draft.saw("identifier end", "address only")


def profile(draft: Draft) -> None:
    """A table whose key is the person's key."""
    columns = [Column("person_id", draft.key_type, nullable=False)]
    more, fillers = draft.extras(4)
    keys: tuple[ForeignKey, ...] = (
        draft.foreign_key(["person_id"], draft.person_table, ["id"], nullable=False),
    )
    person_stays = "erase" in draft.entries[draft.person_table]
    if person_stays:
        keys = ()
    entry = {"paths": [{"from": "person_id", "to": draft.to_person}]}
    draft.add(Table("profile", (*columns, *more), ("person_id",), keys), entry)
    for human in draft.humans:
        if draft.chance(0.7):
            row = {"person_id": human.key} | filled(draft, more, fillers)
            draft.insert("profile", row)


# What people make, and what others hang on it.


def posts(draft: Draft) -> None:
    """Posts by people, and comments of others on them, in threads."""
    kind = row_columns(draft)
    nullable = draft.chance(0.5)
    author = Column("author", _loose_type(draft), nullable=nullable)
    more, fillers = draft.extras()
    keys = _same_type_key(draft, author)
    entry: dict[str, Any] = {"paths": [{"from": "author", "to": draft.to_person}]}
    if (nullable or not keys) and draft.chance(0.3):
        entry["erase"] = {"anonymise": anonymised(draft, more, [author] if nullable else [])}
        draft.saw("table anonymised")
    draft.add(Table("post", (*kind, author, *more), ("id",), keys, trigger=draft.trigger()), entry)
    for number in range(draft.count()):
        row = {
            "id": row_key(kind[0].type, number),
            "author": None if nullable and draft.chance(0.1) else _loose(author, _who(draft)),
        }
        draft.insert("post", row | filled(draft, more, fillers))
    _comments(draft, kind[0].type)


def _who(draft: Draft) -> Cell:
    return draft.someone().key


def _comments(draft: Draft, post_type: str) -> None:
    author = Column("person_id", draft.key_type, nullable=draft.chance(0.6))
    post_rule = draft.rng.choice(("go", "go", "detach", "unmapped"))
    parent_rule = draft.rng.choice(("detach", "go", "unmapped"))
    post = Column("post_id", post_type, nullable=post_rule != "go" or draft.chance(0.5))
    columns = [
        Column("id", "bigint", nullable=False),
        post,
        Column("parent_id", "bigint"),
        author,
        Column("seen_by", "text[]"),
    ]
    more, fillers = draft.extras()
    more = [column for column in more if column.name != "seen_by"]
    keys = [
        draft.foreign_key(["post_id"], "post", ["id"], nullable=post.nullable),
        draft.foreign_key(["parent_id"], "comment", ["id"], nullable=True),
        *draft.maybe_key("person_id", draft.person_table, nullable=author.nullable),
    ]
    references = []
    for column, target, rule in (
        ("post_id", "post", post_rule),
        ("parent_id", "comment", parent_rule),
    ):
        if rule == "unmapped":
            draft.saw("unmapped foreign key")
        else:
            references.append({"from": column, "to": f"{target}.id", "when_gone": rule})
            draft.saw(f"reference {rule}")
    mentioned = {"role": "mentioned", "from": {"array": "seen_by"}, "to": draft.to_person}
    if draft.chance(0.4):
        mentioned = {"role": "mentioned", "from": {"array": "seen_by"}, "identifier": "handle"}
    entry: dict[str, Any] = {
        "paths": [{"from": "person_id", "to": draft.to_person}, mentioned],
        "references": references,
    }
    draft.add(
        Table("comment", (*columns, *more), ("id",), tuple(keys), trigger=draft.trigger()), entry
    )
    handles = [human.handle for human in draft.humans if human.handle]
    by_handle = "identifier" in mentioned
    for number in range(draft.count() if draft.rows["post"] else 0):
        earlier = [row["id"] for row in draft.rows["comment"]]
        pool = handles if by_handle else [str(human.key) for human in draft.humans]
        row = {
            "id": number + 1,
            "post_id": draft.rng.choice(draft.rows["post"])["id"],
            "parent_id": draft.rng.choice([*earlier, None]),
            "person_id": None if author.nullable and draft.chance(0.1) else _who(draft),
            "seen_by": [draft.rng.choice(pool) for _ in range(draft.rng.randrange(3)) if pool],
        }
        draft.insert("comment", row | filled(draft, more, fillers))
    draft.saw("mentioned array", "self-reference")


def albums(draft: Draft) -> None:
    """Collections of several people: members lead to them in reverse; photos lie in them."""
    creator_rule = draft.rng.choice(("pass", "detach", "go"))
    creator_null = creator_rule != "detach" or draft.chance(0.8)
    more, fillers = draft.extras()
    columns = [
        Column("id", "bigint", nullable=False),
        Column("created_by", draft.key_type, nullable=creator_null),
        *more,
    ]
    keys = draft.maybe_key("created_by", draft.person_table, nullable=creator_null)
    creator: dict[str, Any] = {"role": "co-owner", "from": "created_by", "to": draft.to_person}
    if creator_rule != "detach":
        creator["when_gone"] = creator_rule
    if not creator_null:
        creator |= {"when_gone": "detach", "value": draft.humans[-1].key}
        draft.saw("detach value")
    members = {"role": "co-owner", "via": [{"from": "id", "to": "album_member.album_id"}]}
    draft.add(
        Table("album", tuple(columns), ("id",), keys, trigger=draft.trigger()),
        {"paths": [members, creator]},
    )
    for number in range(draft.count()):
        row: Row = {"id": number + 1, "created_by": _who(draft)}
        draft.insert("album", row | filled(draft, more, fillers))
    _members(draft)
    _photos(draft)
    draft.saw("reverse path", f"co-owner {creator_rule}", "shared ownership", "multi-step path")


def _members(draft: Draft) -> None:
    keyed = draft.chance(0.6)
    columns = [
        Column("album_id", "bigint", nullable=False),
        Column("person_id", draft.key_type, nullable=False),
    ]
    keys = [draft.foreign_key(["album_id"], "album", ["id"], nullable=False)]
    keys += draft.maybe_key("person_id", draft.person_table, nullable=False)
    entry = {
        "paths": [{"from": "person_id", "to": draft.to_person}],
        "references": [{"from": "album_id", "to": "album.id", "when_gone": "go"}],
    }
    key = ("album_id", "person_id") if keyed else ()
    draft.add(Table("album_member", tuple(columns), key, tuple(keys)), entry)
    for album in draft.rows["album"]:
        for _ in range(draft.rng.randrange(3)):
            draft.insert("album_member", {"album_id": album["id"], "person_id": _who(draft)})


def _photos(draft: Draft) -> None:
    """Photos belong to whom their album belongs to, and to who took them, if known."""
    more, fillers = draft.extras(2)
    columns = [
        Column("id", "uuid", nullable=False),
        Column("album_id", "bigint"),
        Column("taken_by", draft.key_type),
        *more,
    ]
    keys = (draft.foreign_key(["album_id"], "album", ["id"], nullable=True),)
    in_album: dict[str, Any] = {"role": "co-owner", "from": "album_id", "to": "album.id"}
    if draft.chance(0.5):
        in_album = {
            "role": "co-owner",
            "via": [
                {"from": "album_id", "to": "album.id"},
                {"from": "id", "to": "album_member.album_id"},
            ],
        }
    taken = {"role": "co-owner", "from": "taken_by", "to": draft.to_person}
    draft.add(Table("photo", tuple(columns), ("id",), keys), {"paths": [in_album, taken]})
    for number in range(draft.count()):
        album = draft.rng.choice([*draft.rows["album"], None])
        row = {
            "id": uuid.UUID(int=number + 7),
            "album_id": album and album["id"],
            "taken_by": _who(draft) if draft.chance(0.6) else None,
        }
        draft.insert("photo", row | filled(draft, more, fillers))


def inbox(draft: Draft) -> None:
    """Messages whose sender and recipients stand in JSON."""
    kind = draft.rng.choice(("json", "jsonb"))
    owner: dict[str, Any] = {
        "role": draft.rng.choice(("owner", "co-owner")),
        "from": {"json": "head", "path": "sender.id"},
        "to": draft.to_person,
    }
    recipients: dict[str, Any] = {
        "role": draft.rng.choice(("mentioned", "co-owner")),
        "from": {"json": "head", "path": "to[*].email"},
        "identifier": "email",
    }
    extra_path = {
        "role": "mentioned",
        "from": {"json": "seen", "path": "[*]"},
        "to": draft.to_person,
    }
    more, fillers = draft.extras(2)
    columns = [
        Column("id", "bigint", nullable=False),
        Column("head", kind, nullable=False),
        Column("seen", "jsonb"),
        *more,
    ]
    paths = [owner, recipients] + ([extra_path] if draft.chance(0.6) else [])
    key = ("id",) if draft.chance(0.7) else ()
    draft.add(Table("message", tuple(columns), key), {"paths": paths})
    for number in range(draft.count()):
        draft.insert("message", _message(draft, number) | filled(draft, more, fillers))
    draft.saw("json path", "json path [*]", f"{recipients['role']} json")


def _message(draft: Draft, number: int) -> Row:
    sender: Cell = draft.someone().key
    if not isinstance(sender, int) or draft.chance(0.4):
        sender = str(sender)
    emails = [human.email for human in draft.humans if human.email] + ["guest1@mail.org"]
    to = [{"email": draft.rng.choice(emails), "n": n} for n in range(draft.rng.randrange(3))]
    head: dict[str, Any] = {"sender": {"id": sender}, "to": to}
    if draft.chance(0.3):
        head["subject"] = prose(draft.rng, draft.identifiers, escapes=False)
    seen = [str(human.key) for human in draft.humans if draft.chance(0.3)]
    return {
        "id": number + 1,
        "head": json.dumps(head),
        "seen": None if draft.chance(0.3) else json.dumps(seen),
    }


def documents(draft: Draft) -> None:
    """Papers whose owners stand in an array, or in a separated list of e-mails."""
    kind = draft.key_type if draft.key_type != "integer" else "bigint"
    array = Column("owner_ids", f"{kind if kind in ('text', 'bigint') else 'text'}[]")
    more, fillers = draft.extras(2)
    columns = [
        Column("id", "bigint", nullable=False),
        array,
        Column("shared_with", "text"),
        *more,
    ]
    separator = draft.rng.choice((";", ","))
    owners = {"role": "co-owner", "from": {"array": "owner_ids"}, "to": draft.to_person}
    shared = {
        "role": draft.rng.choice(("mentioned", "co-owner")),
        "from": {"list": "shared_with", "separator": separator},
        "identifier": "email",
    }
    draft.add(Table("paper", tuple(columns), ("id",)), {"paths": [owners, shared]})
    emails = [human.email for human in draft.humans if human.email]
    for number in range(draft.count()):
        ids = [human.key for human in draft.rng.sample(draft.humans, draft.rng.randint(1, 2))]
        chosen = [draft.rng.choice(emails) for _ in range(draft.rng.randrange(3)) if emails]
        row: Row = {
            "id": number + 1,
            "owner_ids": ids if array.type == "bigint[]" else [str(one) for one in ids],
            "shared_with": f"{separator} ".join(chosen) if draft.chance(0.8) else None,
        }
        draft.insert("paper", row | filled(draft, more, fillers))
    draft.saw("array path", "list path", f"{shared['role']} list", "shared ownership")


def events(draft: Draft) -> None:
    """Events about people or about other things: a type and an id."""
    nullable = draft.chance(0.6)
    role = draft.rng.choice(("owner", "mentioned"))
    more, fillers = draft.extras(2)
    columns = [
        Column("subject_type", "text", nullable=nullable),
        Column("subject_id", "text", nullable=nullable),
        *more,
    ]
    path: dict[str, Any] = {
        "role": role,
        "from": "subject_id",
        "to": draft.to_person,
        "where": {"subject_type": "person"},
    }
    entry: dict[str, Any] = {"paths": [path]}
    if draft.chance(0.4):
        columns.append(Column("by_id", draft.key_type))
        by = {"role": "co-owner", "from": "by_id", "to": draft.to_person}
        if role == "mentioned" and draft.chance(0.5):
            path["when_gone"] = "go"
            draft.saw("mentioned go")
        entry["paths"].append(by)
    keyed = draft.chance(0.4)
    if keyed:
        columns.insert(0, Column("id", "bigint", nullable=False))
    draft.add(Table("event", tuple(columns), ("id",) if keyed else ()), entry)
    for number in range(draft.count()):
        row: Row = {
            "subject_type": draft.rng.choice(("person", "person", "thing")),
            "subject_id": str(_who(draft)),
        }
        if any(column.name == "by_id" for column in columns):
            row["by_id"] = _who(draft) if draft.chance(0.7) else None
        if keyed:
            row["id"] = number + 1
        draft.insert("event", row | filled(draft, more, fillers))
    draft.saw("polymorphic", "text joined with another type", f"{role} polymorphic")


def tenants(draft: Draft) -> None:
    """Customer numbers that are unique within a tenant: keys of two columns."""
    more, fillers = draft.extras(1)
    number = draft.rng.choice(("bigint", "text"))
    contract = [
        Column("tenant", "integer", nullable=False),
        Column("no", number, nullable=False),
        Column("person_id", draft.key_type, nullable=False),
        *more,
    ]
    keys = draft.maybe_key("person_id", draft.person_table, nullable=False)
    draft.add(
        Table("contract", tuple(contract), ("tenant", "no"), keys),
        {"paths": [{"from": "person_id", "to": draft.to_person}]},
    )
    for at in range(draft.count()):
        row: Row = {
            "tenant": at % 2,
            "no": at // 2 if number == "bigint" else f"n{at // 2}",
            "person_id": _who(draft),
        }
        draft.insert("contract", row | filled(draft, more, fillers))
    nullable = draft.chance(0.6)
    also = draft.chance(0.5) and nullable
    usage = [
        Column("tenant", "integer", nullable=nullable),
        Column("no", number, nullable=nullable),
        Column("units", "integer"),
        *([Column("clerk", draft.key_type)] if also else []),
    ]
    way = draft.on_delete(nullable=nullable)
    key = ForeignKey(("tenant", "no"), "contract", ("tenant", "no"), way)
    paths: list[dict[str, Any]] = [
        {"from": ["tenant", "no"], "to": {"table": "contract", "columns": ["tenant", "no"]}}
    ]
    if also:
        paths.append({"role": "co-owner", "from": "clerk", "to": draft.to_person})
        paths[0]["role"] = "co-owner"
    draft.add(
        Table("usage", tuple(usage), (), (key,) if draft.chance(0.7) else ()), {"paths": paths}
    )
    for _ in range(draft.count() if draft.rows["contract"] else 0):
        deal = draft.rng.choice(draft.rows["contract"])
        used: Row = {
            "tenant": deal["tenant"],
            "no": deal["no"],
            "units": draft.rng.randrange(5),
        }
        if also:
            used["clerk"] = _who(draft) if draft.chance(0.7) else None
        draft.insert("usage", used)
    draft.saw("columns term", "composite foreign key", "multi-step path")


def invoices(draft: Draft) -> None:
    """Rows that the law keeps for a while, in part."""
    person = Column("person_id", draft.key_type)
    more, fillers = draft.extras()
    columns = [
        Column("id", "bigint", nullable=False),
        person,
        Column("issued_on", "date"),
        Column("billing_email", "text"),
        *more,
    ]
    keys = draft.maybe_key("person_id", draft.person_table)
    until: Any = {"column": "issued_on", "plus": draft.rng.choice(("10 years", "18 months"))}
    if draft.chance(0.4):
        until = draft.rng.choice((date(2031, 12, 31), date(2020, 1, 1)))
    keep: dict[str, Any] = {"basis": "tax records", "until": until}
    if draft.chance(0.6):
        keep["anonymise"] = anonymised(draft, more, [columns[3]])
        draft.saw("keep anonymise")
    entry = {
        "paths": [{"from": "person_id", "to": draft.to_person}],
        "erase": {"keep": keep},
    }
    draft.add(Table("invoice", tuple(columns), ("id",), keys), entry)
    for number in range(draft.count()):
        human = draft.someone()
        row: Row = {
            "id": number + 1,
            "person_id": human.key,
            "issued_on": draft.rng.choice(
                (None, date(2012, 5, 2), date(2019, 7, 9), date(2024, 11, 20), date(2025, 12, 1))
            ),
            "billing_email": human.email,
        }
        draft.insert("invoice", row | filled(draft, more, fillers))
    draft.saw("keep")


def cycle(draft: Draft) -> None:
    """Two tables that point to each other."""
    tight = draft.chance(0.4)
    head = ForeignKey(("home",), "room", ("id",), "NO ACTION", draft.chance(0.5))
    back = ForeignKey(("house_id",), "house", ("id",), "NO ACTION", draft.chance(0.5))
    if not tight:
        head = draft.foreign_key(["home"], "room", ["id"], nullable=True)
    owner_keys = draft.maybe_key("person_id", draft.person_table, nullable=False)
    house = Table(
        "house",
        (
            Column("id", "bigint", nullable=False),
            Column("home", "bigint", nullable=not tight),
            Column("person_id", draft.key_type, nullable=False),
        ),
        ("id",),
        (head, *owner_keys),
    )
    entry: dict[str, Any] = {"paths": [{"from": "person_id", "to": draft.to_person}]}
    if tight:
        entry["references"] = [{"from": "home", "to": "room.id", "when_gone": "go"}]
    draft.add(house, entry)
    room = Table(
        "room",
        (
            Column("id", "bigint", nullable=False),
            Column("house_id", "bigint", nullable=False),
            Column("label", "text"),
        ),
        ("id",),
        (back,),
    )
    draft.add(room, {"paths": [{"from": "house_id", "to": "house.id"}]})
    how_many = draft.count()
    for number in range(how_many):
        home = number + 1 if tight or draft.chance(0.7) else None
        draft.insert("house", {"id": number + 1, "home": home, "person_id": _who(draft)})
        for room_no in (number + 1, number + 101):
            label = prose(draft.rng, draft.identifiers)
            draft.insert("room", {"id": room_no, "house_id": number + 1, "label": label})
    draft.saw("cycle", "cycle not null" if tight else "cycle nullable")


def leads(draft: Draft) -> None:
    """A partner's feed that knows people by an e-mail, whatever its case."""
    more, fillers = draft.extras()
    contact = Column("contact", "text", nullable=draft.chance(0.6))
    path = {"from": "contact", "to": f"{draft.person_table}.email", "match": "casefold"}
    paths: list[dict[str, Any]] = [path]
    columns = [contact, *more]
    if draft.chance(0.4):
        columns.append(Column("agent", "text"))
        path["role"] = "co-owner"
        paths.append({"role": "co-owner", "from": "agent", "identifier": "customer"})
        draft.saw("account id by text")
    draft.add(Table("lead", tuple(columns)), {"paths": paths})
    for _ in range(draft.count()):
        row: Row = {"contact": respell(draft.rng, draft.rng.choice(EMAILS))}
        if columns[-1].name == "agent":
            row["agent"] = str(_who(draft)) if draft.chance(0.5) else None
        draft.insert("lead", row | filled(draft, more, fillers))
    draft.saw("casefold join", "join without foreign key")


def tickets(draft: Draft) -> None:
    """Support tickets between a person and staff, who is nobody here."""
    more, fillers = draft.extras()
    rule = draft.rng.choice(("value", "pass reference", "null"))
    assigned = Column("assigned_to", draft.key_type, nullable=rule != "value")
    columns = [
        Column("id", "bigint", nullable=False),
        Column("person_id", draft.key_type),
        Column("agent_id", draft.key_type),
        assigned,
        *more,
    ]
    keys = [*draft.maybe_key("person_id", draft.person_table)]
    keys += [draft.foreign_key(["assigned_to"], draft.person_table, ["id"], nullable=False)]
    reference: dict[str, Any] = {"from": "assigned_to", "to": draft.to_person}
    if rule == "value":
        reference["value"] = draft.humans[-1].key
        draft.saw("detach value")
    elif rule == "pass reference":
        reference["when_gone"] = "pass"
        draft.saw("reference pass")
    entry = {
        "paths": [
            {"role": "co-owner", "from": "person_id", "to": draft.to_person},
            {"role": "co-owner", "from": "agent_id", "to": draft.to_person},
        ],
        "references": [reference],
    }
    draft.add(Table("ticket", tuple(columns), ("id",), tuple(keys)), entry)
    for number in range(draft.count()):
        row: Row = {
            "id": number + 1,
            "person_id": _who(draft),
            "agent_id": draft.someone(staff=0.7).key,
            "assigned_to": draft.someone(staff=0.3).key,
        }
        draft.insert("ticket", row | filled(draft, more, fillers))
    draft.saw("out-of-scope owner")


def settings(draft: Draft) -> None:
    """A table about nobody, with a text in it all the same."""
    columns = (Column("name", "text", nullable=False), Column("about", "text"))
    draft.add(Table("setting", columns, ("name",)), {"nobody": True})
    for number in range(draft.count()):
        text = prose(draft.rng, draft.identifiers) if draft.chance(0.3) else "a setting"
        draft.insert("setting", {"name": f"s{number}", "about": text})
    draft.saw("nobody table")


def bundles(draft: Draft) -> None:
    """Items that reach people through a bundle that lists them: the far side is an array."""
    way = draft.rng.choice(("array", "json"))
    listed = Column("item_ids", "bigint[]" if way == "array" else "jsonb")
    draft.add(
        Table("item", (Column("id", "bigint", nullable=False), Column("name", "text")), ("id",)),
        {
            "paths": [
                {
                    "role": "co-owner",
                    "from": "id",
                    "to": {"table": "bundle", "array": "item_ids"}
                    if way == "array"
                    else {"table": "bundle", "json": "item_ids", "path": "[*]"},
                    "to_where": {"open": True},
                }
            ]
        },
    )
    columns = [
        listed,
        Column("open", "boolean", nullable=False),
        Column("person_id", draft.key_type, nullable=False),
    ]
    keys = draft.maybe_key("person_id", draft.person_table, nullable=False)
    draft.add(
        Table("bundle", tuple(columns), (), keys),
        {"paths": [{"from": "person_id", "to": draft.to_person}]},
    )
    for number in range(draft.count()):
        text = prose(draft.rng, draft.identifiers)
        draft.insert("item", {"id": number + 1, "name": text})
    for _ in range(draft.count()):
        ids = [row["id"] for row in draft.rows["item"] if draft.chance(0.3)]
        cell: Cell = ids if way == "array" else str(ids)
        row: Row = {"item_ids": cell, "open": draft.chance(0.8), "person_id": _who(draft)}
        draft.insert("bundle", row)
    draft.saw("far array" if way == "array" else "far json", "to_where", "reverse path")


def sellers(draft: Draft) -> None:
    """A second table of people, with a kind of identifier of its own."""
    more, fillers = draft.extras(2)
    columns = [Column("id", "bigint", nullable=False), Column("phone", "text"), *more]
    draft.kinds["phone"] = {}
    if draft.chance(0.3):
        draft.kinds["phone"] = {"search": False}
        draft.saw("search no on a kind")
    draft.add(
        Table("seller", tuple(columns), ("id",)),
        {"person": {"as": "seller"}},
        {"phone": {"identifier": "phone"}},
    )
    offer = [
        Column("id", "bigint", nullable=False),
        Column("seller_id", "bigint"),
        Column("person_id", draft.key_type),
        Column("remark", "text"),
    ]
    keys = (
        *draft.maybe_key("seller_id", "seller"),
        *draft.maybe_key("person_id", draft.person_table),
    )
    marks: dict[str, dict[str, Any]] = {}
    if draft.chance(0.3):
        marks["remark"] = {"search": False}
        draft.saw("search no on a column")
    draft.add(
        Table("offer", tuple(offer), ("id",), keys),
        {
            "paths": [
                {"role": "co-owner", "from": "seller_id", "to": "seller.id"},
                {"role": "co-owner", "from": "person_id", "to": draft.to_person},
            ]
        },
        marks,
    )
    phones = ["+4917012345678", "+491701234567", "+33612345670", None]
    for number in range(draft.rng.randint(1, 3)):
        row: Row = {"id": number + 1, "phone": draft.rng.choice(phones)}
        draft.insert("seller", row | filled(draft, more, fillers))
    texts = [*draft.identifiers, *(phone for phone in phones if phone)]
    for number in range(draft.count()):
        row = {
            "id": number + 1,
            "seller_id": draft.rng.choice([row["id"] for row in draft.rows["seller"]]),
            "person_id": _who(draft) if draft.chance(0.7) else None,
            "remark": prose(draft.rng, texts),
        }
        draft.insert("offer", row)
    draft.saw("second person table", "shared ownership")


def wreck(draft: Draft) -> None:
    """A table whose map may stop the plan: nothing may change then."""
    way = draft.rng.choice(("no rule", "kept goes", "kept not null", "check refuses"))
    person = Column("person_id", draft.key_type, nullable=way == "kept goes")
    key = draft.foreign_key(["person_id"], draft.person_table, ["id"], nullable=False)
    key = ForeignKey(key.columns, key.table, key.targets, "NO ACTION")
    columns = [Column("id", "bigint", nullable=False), person, Column("other_id", draft.key_type)]
    entry: dict[str, Any] = {"paths": [{"from": "other_id", "to": draft.to_person}]}
    keep = {"keep": {"basis": "a law", "until": date(2031, 1, 1)}}
    keys: tuple[ForeignKey, ...] = (key,)
    if way == "kept goes":
        entry["references"] = [{"from": "person_id", "to": draft.to_person, "when_gone": "go"}]
        entry["erase"] = keep
    elif way == "kept not null":
        entry["paths"] = [{"from": "person_id", "to": draft.to_person}]
        entry["erase"] = keep
    elif way == "check refuses":
        columns.append(Column("label", "text", nullable=False, check="no stub"))
        entry["erase"] = {"anonymise": ["label"]}
        keys = ()
    draft.add(Table("relic", tuple(columns), ("id",), keys), entry)
    others = [_who(draft) for _ in range(draft.count())]
    if way == "check refuses":
        others = [human.key for human in draft.humans]  # so that any leaver meets it
    for number, other in enumerate(others):
        row: Row = {"id": number + 1, "person_id": _who(draft), "other_id": other}
        if way == "check refuses":
            row["label"] = "fine"
        draft.insert("relic", row)
    draft.saw(f"stop: {way}")


Shape = Callable[[Draft], None]
SHAPES: dict[str, tuple[Shape, int]] = {
    "addresses": (addresses, 1),
    "devices": (devices, 2),
    "newsletter": (newsletter, 1),
    "profile": (profile, 1),
    "posts": (posts, 2),
    "albums": (albums, 3),
    "inbox": (inbox, 1),
    "documents": (documents, 1),
    "events": (events, 1),
    "tenants": (tenants, 2),
    "invoices": (invoices, 1),
    "cycle": (cycle, 2),
    "leads": (leads, 1),
    "tickets": (tickets, 1),
    "settings": (settings, 1),
    "bundles": (bundles, 2),
    "sellers": (sellers, 2),
}
