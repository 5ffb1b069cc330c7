"""From links to paths: who owns a row, who is mentioned, and what is only a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from upheld.datamap.live import LiveSchema
from upheld.datamap.scan.draft import DraftPath
from upheld.datamap.scan.identifiers import kind_of
from upheld.datamap.scan.links import Link, Naming, key_columns
from upheld.datamap.scan.people import PersonTable
from upheld.datamap.scan.samples import Sampled, Samples, Source, Target, is_email_like
from upheld.datamap.scan.shapes import is_desk
from upheld.datamap.scan.vocabulary import word_set
from upheld.datamap.scan.words import (
    CREATOR,
    GROUPS,
    MEMBERSHIP,
    MENTION_MAIL,
    NOT_MEMBERSHIP,
    OTHERS,
    PERSON,
    RECIPIENT,
    STAFF,
    STRONG,
    alike,
    concept,
    has,
    near,
    topic_of,
    words_of,
)

_AUTHORED = word_set(
    """
    creado cree erstellt creato aangemaakt accepted redeemed claimed used joined created opened
    uploaded posted written submitted requested sent ordered reported placed owned booked
    purchased commented
    """
)
_CATALOGUE = word_set(
    """
    role permission tag category product artikel plan badge skill feature coupon course
    label kategorie item country currency language template scope right
    """
)
_STRICT_MEMBERS = word_set(
    """
    lid leden membre miembro medlem deelnemer
    member membership mitglied mitgl participant participation collaborator share access
    editor roster teilnehmer
    """
)
_STAFF_VALUES = word_set(
    """
    staff admin administrator support agent employee moderator superuser operator
    internal mitarbeiter true system bot service
    """
)
_SENDER = frozenset(["von", "from", "sender", "absender", "expediteur", "remitente"])
_TOGETHER = word_set("participant attendee member owner teilnehmer mitglied")
_BY = word_set("by von durch por par door av")
_FEW = 3
_WHOSE = "is whoever did this the owner of the row, or only mentioned?"
_SAME = frozenset({"parent", "merged"})
_HALF = 0.5
_EVEN = 0.9
_MOST = 0.7
_CROWD = 5.0


@dataclass
class Routes:
    """Paths and references by table, as they are found."""

    paths: dict[str, list[DraftPath]] = field(default_factory=dict)
    references: dict[str, list[DraftPath]] = field(default_factory=dict)
    own_values: dict[str, set[str]] = field(
        default_factory=dict
    )  # identifiers of the owner, by table
    pointing: dict[str, set[str]] = field(default_factory=dict)

    def people_columns(self, table: str) -> set[str]:
        """Name the columns that point to a person's row."""
        return self.pointing.get(table, set())

    def owned(self, table: str) -> bool:
        """Say whether rows of the table have owners by a path."""
        return any(path.role != "mentioned" for path in self.paths.get(table, ()))

    def add(self, table: str, path: DraftPath) -> None:
        """Add a path, once."""
        here = self.paths.setdefault(table, [])
        if all(
            (p.source, p.to, p.identifier) != (path.source, path.to, path.identifier) for p in here
        ):
            here.append(path)


@dataclass
class _World:
    live: LiveSchema
    samples: Samples
    naming: Naming
    people: dict[str, PersonTable]
    links: dict[str, list[Link]]
    routes: Routes

    def seen(self, source: Source) -> Sampled:
        if source.kind == "columns":  # rows are what counts here, and the last part varies most
            source = Source(source.table, source.columns[-1])
        return self.samples.sources.get(source, Sampled((), 0))


def route(
    live: LiveSchema,
    samples: Samples,
    naming: Naming,
    people: dict[str, PersonTable],
    links: list[Link],
) -> Routes:
    """Decide every table's paths: direct ones first, then identifiers, members, parents."""
    by_table: dict[str, list[Link]] = {}
    for link in links:
        by_table.setdefault(link.source.table, []).append(link)
    world = _World(live, samples, naming, people, by_table, Routes())
    for name in live.tables:
        _direct(world, name)
    for name in live.tables:
        _mails(world, name)
    for name in live.tables:
        _members(world, name)
    _claims(world)
    _parents(world)
    for name in live.tables:
        _members(world, name)
        _roles(world, name)
    _parents(world)
    _references(world)
    return world.routes


# Direct links to people -------------------------------------------------------


def _voice(link: Link, world: _World) -> str:
    """Say what a link's name makes of the person: `own`, `create` or `other`."""
    source, words = link.source, link.source.words
    if source.table in world.people:
        return "other"
    if source.where is not None:
        return "other" if has(words, OTHERS) else "own"
    if words in {("von",), ("from",)} or (has(words, RECIPIENT) and _is_talk(source.table, world)):
        return "own"
    if has(words, _BY):
        found: tuple[tuple[str, frozenset[str]], ...]
        found = (("own", _AUTHORED), ("create", CREATOR))
    elif source.kind in {"array", "list"} or "[*]" in source.path:
        found = (
            ("own", _TOGETHER),
            ("other", OTHERS - MEMBERSHIP),
            ("create", MEMBERSHIP | STRONG),
        )
    else:
        return _single_voice(words, link.names)
    return next((voice for voice, vocabulary in found if has(words, vocabulary)), "other")


def _single_voice(words: tuple[str, ...], names: float) -> str:
    if has(words, OTHERS | STAFF):
        return "other"
    if has(words, CREATOR) and not has(words, PERSON):
        return "create"
    return "own" if has(words, PERSON | STRONG) or names >= _MOST else "create"


def _is_talk(table: str, world: _World) -> bool:
    """Say whether rows go from somebody to somebody."""
    sent = any(has(words_of(name), _SENDER) for name in world.live.tables[table].columns)
    return sent or topic_of(world.naming.about[table]) == "communication"


def _to_people(world: _World, table: str) -> list[Link]:
    return [link for link in world.links.get(table, ()) if link.target.table in world.people]


def _direct(world: _World, table: str) -> None:
    """Turn links to people into owners, mentions and references, by what their names say."""
    ranked: dict[str, list[Link]] = {"own": [], "create": [], "other": [], "staff": [], "us": []}
    for link in _to_people(world, table):
        _point(link, world)
        if not _is_copy(link, world):
            ranked[_rank(link, world)].append(link)
    create, owners = ranked["create"], list(ranked["own"])
    if topic_of(world.naming.about[table]) in {"log", "security", "usage"}:
        owners += create
    elif not owners:
        owners += create[:1]
    for link in owners:
        todo = _WHOSE if link in create else None
        world.routes.add(table, _path(link, "owner", None, world, todo))
    for link in [*create, *ranked["other"]]:
        if link not in owners:
            world.routes.add(table, _path(link, "mentioned", None, world))
    for link in ranked["staff"]:
        world.routes.add(table, _path(link, "mentioned", None, world, "our own people: in scope?"))
    known = "the people here are staff by the account's role"
    references = world.routes.references.setdefault(table, [])
    references += [_path(link, None, known, world) for link in ranked["us"]]


def _rank(link: Link, world: _World) -> str:
    voice = _voice(link, world)
    if world.people[link.target.table].staff and voice != "create":
        return "staff"
    return "us" if voice == "other" and _is_staff_link(link, world) else voice


def _point(link: Link, world: _World) -> None:
    """Note a column that holds keys of a person's rows."""
    is_key = link.target.columns == (world.people[link.target.table].key,)
    whole = link.source.kind in {"column", "columns", "array", "list"}
    if is_key and whole and link.source.where is None:
        world.routes.pointing.setdefault(link.source.table, set()).add(link.source.column)


def _is_copy(link: Link, world: _World) -> bool:
    """Say whether a name or handle only repeats what a link to the person's key says."""
    person = world.people[link.target.table]
    if link.target.table == link.source.table and has(link.source.words, _SAME):
        return True
    if link.target.columns == (person.key,) or link.declared:
        return False
    if link.source.table in world.people:
        return not has(link.source.words, OTHERS)
    return any(
        other.target.columns == (world.people[other.target.table].key,)
        and _voice(other, world) == "own"
        for other in _to_people(world, link.source.table)
    )


def _is_staff_link(link: Link, world: _World) -> bool:
    """Say whether nearly all people at the end of a link are staff by a scope column."""
    held = world.samples.answers.get(_answered(link, world), {})
    person = world.people[link.target.table]
    rows = [held[v] for v in world.seen(link.source).distinct if v in held]
    if len(rows) < 1:
        return False
    for position, name in enumerate(link.target.extras):
        if name not in person.scope:
            continue
        words = words_of(name)
        values = [str(row[position]).lower() for row in rows]
        said = _STAFF_VALUES if not has(words, STAFF) else _STAFF_VALUES | {"true", "t", "1"}
        if sum(has(words_of(v), said) or v in said for v in values) >= 0.95 * len(values):
            return True
    return False


def _answered(link: Link, world: _World) -> Target:
    """Give the target as it was asked; a declared key may differ in letters' case."""
    if link.target in world.samples.answers:
        return link.target
    other = replace(link.target, casefold=not link.target.casefold)
    return other if other in world.samples.answers else link.target


def _path(
    link: Link, role: str | None, extra: str | None, world: _World, todo: str | None = None
) -> DraftPath:
    reason = link.reason if extra is None else f"{link.reason}; {extra}"
    person = world.people.get(link.target.table)
    if person is not None and link.target.columns != (person.key,):
        for kind in ("email", "handle"):
            if concept(link.target.column, kind):
                return DraftPath(link.source, role, link.confidence, reason, None, kind, todo)
    return DraftPath(link.source, role, link.confidence, reason, link.target, None, todo)


# E-mail addresses and phone numbers -------------------------------------------


def _mails(world: _World, table: str) -> None:
    linked = {
        p.source.columns for p in world.routes.paths.get(table, ()) if p.source.kind == "column"
    }
    sources = []
    for source, seen in world.samples.sources.items():
        if source.table != table or source.where is not None or source.columns in linked:
            continue
        kind = kind_of(source, seen)
        named = not seen.pairs and concept(source.column, "email") and source.kind == "column"
        if named and world.live.tables[table].columns[source.column].is_text:
            kind = "email"
        if kind == "email" and not _is_whole_of_list(source, world):
            sources.append(source)
    sources.sort(key=lambda s: (s.kind != "column", has(s.words, MENTION_MAIL), "[*]" in s.path))
    for source in sources:
        _mail(world, source)
    if table not in world.people and not world.routes.owned(table) and not _to_people(world, table):
        for source, seen in world.samples.sources.items():
            if (
                source.table == table
                and source.kind in {"column", "json"}
                and kind_of(source, seen) == "phone"
            ):
                share = seen.share("phone")
                reason = f"{share:.0%} of {len(seen.pairs)} sampled values are phone numbers"
                role = "mentioned" if world.routes.owned(table) else "owner"
                if role == "owner" and not _has_parent(world, table):
                    world.routes.add(table, DraftPath(source, role, 0.6, reason, None, "phone"))


def _has_parent(world: _World, table: str) -> bool:
    return any(link.target.table != table for link in world.links.get(table, ()))


def _is_whole_of_list(source: Source, world: _World) -> bool:
    return source.kind == "column" and any(
        s.kind == "list" and s.table == source.table and s.column == source.column
        for s in world.samples.sources
    )


@dataclass(frozen=True, slots=True)
class _Address:
    """What the samples say of a source of e-mail addresses."""

    source: Source
    others: bool  # its name or its kind speak of somebody else
    same: float  # share that is the owner's own, of `compared`
    compared: int
    more: bool  # rows that no owner's link reaches have one
    owns: tuple[DraftPath, ...]
    share: str

    @property
    def mostly(self) -> bool:
        return self.compared >= _FEW and self.same >= _HALF

    @property
    def differ(self) -> str:
        if not self.compared:
            return self.share
        return f"{self.share}; {1 - self.same:.0%} of {self.compared} differ from the owner's"

    def path(self, role: str, confidence: float, reason: str, todo: str | None = None) -> DraftPath:
        return DraftPath(self.source, role, confidence, reason, None, "email", todo)


def _mail(world: _World, source: Source) -> None:
    """Decide whether an address is the owner's own, a way to the owner, or somebody else's."""
    table, seen = source.table, world.seen(source)
    if seen.distinct and sum(map(is_desk, seen.distinct)) >= _MOST * len(seen.distinct):
        return
    share = f"{seen.share('email'):.0%} of {len(seen.pairs)} sampled values are e-mail addresses"
    named = has(source.words, MENTION_MAIL) or (source.kind == "json" and has(source.words, OTHERS))
    others = named or source.kind in {"list", "array"} or "[*]" in source.path
    same, compared = _agreement(world, source)
    owns = tuple(p for p in world.routes.paths.get(table, ()) if p.role != "mentioned")
    more = _reaches_more(world, source, owns)
    address = _Address(source, others, same, compared, more, owns, share)
    if table in world.people:
        if others and not address.mostly:
            world.routes.add(table, address.path("mentioned", 0.8, share))
        return
    found = _beside_owners(world, address) if owns else _without_owners(world, address)
    if found is not None:
        world.routes.add(table, found)
    if address.mostly and found is None:
        world.routes.own_values.setdefault(table, set()).add(source.column)


def _without_owners(world: _World, address: _Address) -> DraftPath | None:
    source = address.source
    sent = has(source.words, RECIPIENT) and source.kind != "json"
    if address.others and not sent and not _lone(world, source):
        return address.path("mentioned", 0.85, address.share)
    if source.kind == "json" and address.others:
        return None
    return address.path("owner", 0.85, address.share)


def _beside_owners(world: _World, address: _Address) -> DraftPath | None:
    """Judge an address in rows that have owners already."""
    source, others = address.source, address.others
    if _is_guest(world, address) or (address.mostly and address.more and not others):
        return address.path("owner", 0.8, f"{address.share}; rows without an account have one")
    if address.mostly:
        own = address.same > (0.99 if others else _EVEN)
        return None if own else address.path("mentioned", 0.7, address.differ)
    table = source.table
    if not others and _is_details(world, table, world.naming.about[table]):
        world.routes.own_values.setdefault(table, set()).add(source.column)
        return None
    vague = address.compared < _FEW and not others
    known = source.kind == "json" and any(path.identifier == "email" for path in address.owns)
    if vague and (known or not world.seen(source).pairs):
        return None
    doubt = None if others else "whose address is this: the owner's, or somebody else's?"
    if address.more and not others and source.kind != "list":
        return address.path("owner", 0.6, address.differ, doubt)
    return address.path("mentioned", 0.8 if others else 0.6, address.differ, doubt)


def _is_guest(world: _World, address: _Address) -> bool:
    """Say whether only rows that no account owns have the address: a guest's."""
    invited = has(address.source.words, MENTION_MAIL - {"guest", "gast"})
    linked = any(world.seen(path.source).pairs for path in address.owns)
    alone = address.source.kind == "column" and not address.compared and address.more
    return alone and linked and not invited


def _lone(world: _World, source: Source) -> bool:
    """Say whether nothing else in the table could lead to an owner."""
    return not world.links.get(source.table)


def _is_details(world: _World, table: str, about: tuple[str, ...]) -> bool:
    """Say whether a table only lists a person's addresses, proved or further ones."""
    listed = has(
        about,
        word_set(
            """
    email mail address adresse profile contact login identity kontakt phone
    """
        ),
    )
    return listed and len(_to_people(world, table)) == 1


def _agreement(world: _World, source: Source) -> tuple[float, int]:
    """Give how often an address is the owner's own, and in how many rows that could be seen."""
    mine = world.seen(source).pairs
    known: dict[int, set[str]] = {}
    for other, seen in world.samples.sources.items():
        beside = other.table == source.table and other.column != source.column
        plain = other.kind == "column" and source.kind != "column"
        if beside and plain and is_email_like(seen) and not has(other.words, MENTION_MAIL):
            for row, value in seen.pairs:
                known.setdefault(row, set()).add(value.lower())
    for link in _to_people(world, source.table):
        if link.source.table in world.people or _voice(link, world) == "other":
            continue
        held = world.samples.answers.get(_answered(link, world), {})
        for row, value in world.seen(link.source).pairs:
            addresses = {str(v).lower() for v in held.get(value, ()) if v and "@" in v}
            if addresses:
                known.setdefault(row, set()).update(addresses)
    met = [value.lower() in known[row] for row, value in mine if row in known]
    return (sum(met) / len(met) if met else 0.0), len(met)


def _reaches_more(world: _World, source: Source, owns: Sequence[DraftPath]) -> bool:
    """Say whether rows that no owner's link reaches have a value here."""
    linked: set[int] = set()
    for path in owns:
        linked |= {row for row, value in world.seen(path.source).pairs if value not in {"0", "-1"}}
    return any(row not in linked for row, _ in world.seen(source).pairs)


# Members, claims, parents -----------------------------------------------------


def _members(world: _World, table: str) -> None:
    """Find tables that list the people of this one's rows."""
    if table in world.people:
        return
    about = world.naming.about[table]
    for other in world.live.tables:
        if other == table or other in world.people:
            continue
        owners = [p for p in world.routes.paths.get(other, ()) if p.role != "mentioned" and p.to]
        persons = [
            p for p in owners if p.to and p.to.table in world.people and p.source.kind == "column"
        ]
        ends = [
            link
            for link in world.links.get(other, ())
            if link.target.table == table and link.source.where is None
        ]
        ends = [link for link in ends if link.source.kind in {"column", "columns"}]
        if not persons or not ends:
            continue
        rest = tuple(w for w in world.naming.about[other] if not any(alike(w, a) for a in about))
        if not _lists_members(world, table, other, rest, ends[0]):
            continue
        for link in ends:
            start = Source(
                table,
                link.target.column,
                "columns" if len(link.target.columns) > 1 else "column",
                more=link.target.columns[1:],
            )
            to = Target(other, link.source.columns)
            reason = f"{other} lists the people of each row ({link.reason})"
            world.routes.add(table, DraftPath(start, "co-owner", link.confidence * 0.9, reason, to))


def _lists_members(
    world: _World, table: str, other: str, rest: tuple[str, ...], link: Link
) -> bool:
    about, naming = world.naming.about[table], world.naming.about[other]
    if has(about, _CATALOGUE) or has(naming, NOT_MEMBERSHIP):
        return False
    if any(p.to and p.to.table == table for p in world.routes.paths.get(other, ())):
        return False
    direct = [
        p
        for p in world.routes.paths.get(table, ())
        if p.role != "mentioned" and p.source.columns != link.target.columns
    ]
    sure = has(rest, _STRICT_MEMBERS) or has(naming, _STRICT_MEMBERS)
    junction = _is_junction(world, other)
    if sure and (junction or len(world.live.tables[other].columns) <= 8):  # noqa: PLR2004  a lean table
        return True
    if direct or not junction or not has(naming, MEMBERSHIP):
        return False
    seen = world.seen(link.source)
    return not seen.distinct or len(seen.pairs) / len(seen.distinct) <= _CROWD


def _is_junction(world: _World, table: str) -> bool:
    """Say whether a table pairs two others: a key of both, or little else in it."""
    live = world.live.tables[table]
    linked = {c for link in world.links.get(table, ()) for c in link.source.columns}
    for columns in (live.primary_key, *live.uniques):
        if len(columns) >= 2 and set(columns) <= linked:  # noqa: PLR2004  two ends
            return True
    return len(linked) >= 2 and len(live.columns) - len(linked) <= 3  # noqa: PLR2004  an id, a role, a date


def _claims(world: _World) -> None:
    """Let devices and payers lead on: a key that an owned table claims, too."""
    claimed: dict[str, dict[str, set[str]]] = {}
    for source, seen in world.samples.sources.items():
        kind = kind_of(source, seen)
        if kind in {"device", "payment_customer"} and source.where is None:
            claimed.setdefault(kind, {}).setdefault(source.table, set()).update(seen.distinct)
    for source, seen in world.samples.sources.items():
        kind = kind_of(source, seen)
        if (
            kind not in {"device", "payment_customer"}
            or source.where is not None
            or source.table in world.people
        ):
            continue
        table = source.table
        owns = [p for p in world.routes.paths.get(table, ()) if p.role != "mentioned"]
        if (source.table, source.column) in {
            (table, c) for c in key_columns(world.live.tables[table], world.samples)
        }:
            continue
        if owns and not (all(p.to is None for p in owns) or _reaches_more(world, source, owns)):
            continue
        met = sum(
            bool(values & set(seen.distinct)) for t, values in claimed[kind].items() if t != table
        )
        if met and (world.seen(source).pairs):
            reason = f"the same values stand in {met} other table{'s' * (met > 1)}"
            world.routes.add(table, DraftPath(source, "owner", 0.8, reason, None, kind))


def _parents(world: _World) -> None:
    """Give rows without an owner of their own those of the thing that they are part of."""
    changed = True
    while changed:
        changed = False
        for name in world.live.tables:
            if name in world.people:
                continue
            typed = _typed_parents(world, name)
            chosen = typed or _parent(world, name)
            for link in chosen:
                if not any(p.source == link.source for p in world.routes.paths.get(name, ())):
                    world.routes.add(name, _path(link, "owner", "part of an owned row", world))
                    changed = True


def _typed_parents(world: _World, table: str) -> list[Link]:
    if any(
        p.role != "mentioned" and p.source.where is None for p in world.routes.paths.get(table, ())
    ):
        return []
    return [
        link
        for link in world.links.get(table, ())
        if link.source.where
        and world.routes.owned(link.target.table)
        and not _leads_back(world, link.target.table, table)
    ]


def _parent(world: _World, table: str) -> list[Link]:
    owns = [p for p in world.routes.paths.get(table, ()) if p.role != "mentioned"]
    ends = [
        link
        for link in world.links.get(table, ())
        if link.target.table not in world.people
        and link.target.table != table
        and link.source.where is None
        and link.source.kind != "array"
        and world.routes.owned(link.target.table)
        and not _leads_back(world, link.target.table, table)
    ]
    ends.sort(key=lambda link: _kinship(link, world), reverse=True)
    if not ends:
        return []
    best = ends[0]
    composed = _is_part(best, world)
    tenant = has(world.naming.about[best.target.table][-1:], GROUPS)
    personal = any(p.identifier for p in world.routes.paths.get(table, ()))
    if not owns:
        return [best] if personal or not tenant or composed else []
    if all(p.to is None for p in owns):
        pays = tenant and topic_of(world.naming.about[table]) == "payment"
        return [best] if pays or _unreached(world, best, owns) else []
    weak = all(p.todo == _WHOSE for p in owns)
    if composed and weak:
        for path in owns:
            world.routes.paths[table].remove(path)
            world.routes.add(table, replace(path, role="mentioned"))
        return [best]
    if composed and any(p.to and p.to.table == best.target.table for p in owns):
        return []
    loose = all(_may_be_null(world, p) for p in owns)
    return [best] if composed and loose and not _is_junction(world, table) else []


def _unreached(world: _World, link: Link, owns: list[DraftPath]) -> bool:
    """Say whether a link reaches rows that no owner's value does, or an account behind a tenant."""
    linked = {row for path in owns for row, _ in world.seen(path.source).pairs}
    return any(row not in linked for row, _ in world.seen(link.source).pairs)


def _may_be_null(world: _World, path: DraftPath) -> bool:
    column = world.live.tables[path.source.table].columns[path.source.column]
    seen = world.seen(path.source)
    return (column.nullable and seen.filled < seen.rows) or path.source.kind != "column"


def _is_part(link: Link, world: _World) -> bool:
    """Say whether a table's rows are parts of the link's: by key, or by name (`order_item`)."""
    table = world.live.tables[link.source.table]
    about, whole = world.naming.about[link.source.table], world.naming.about[link.target.table]
    if len(about) > len(whole) and all(map(alike, about, whole)):
        return True
    family = sum(words[:1] == about[:1] for words in world.naming.about.values())
    if len(about) > 1 and alike(about[0], whole[0]) and (len(whole) == 1 or family <= _FEW):
        return True
    return len(table.primary_key) > 1 and table.primary_key[0] in link.source.columns


def _kinship(link: Link, world: _World) -> tuple[float, ...]:
    table = world.live.tables[link.source.table]
    rigid = all(not table.columns[column].nullable for column in link.source.columns)
    position = list(table.columns).index(link.source.column)
    tenant = has(world.naming.about[link.target.table][-1:], GROUPS)
    return (
        not tenant,
        near(world.naming.about[link.target.table], PERSON),
        _is_part(link, world),
        rigid,
        link.source.kind == "column",
        link.confidence,
        -position,
    )


def _leads_back(world: _World, start: str, goal: str) -> bool:
    """Say whether owner paths lead from one table to another: a circle if closed."""
    todo, done = [start], set()
    while todo:
        here = todo.pop()
        if here == goal:
            return True
        if here in done:
            continue
        done.add(here)
        todo += [
            p.to.table for p in world.routes.paths.get(here, ()) if p.to and p.role != "mentioned"
        ]
    return False


def _roles(world: _World, table: str) -> None:
    """Call several owners co-owners."""
    paths = world.routes.paths.get(table, [])
    owners = [path for path in paths if path.role != "mentioned"]
    role = "owner" if len(owners) == 1 else "co-owner"
    world.routes.paths[table] = [
        path if path.role == "mentioned" else replace(path, role=role) for path in paths
    ]


def _references(world: _World) -> None:
    """Keep what links things to owned things or people, and is no path."""
    for name in world.live.tables:
        _roles(world, name)
        said = {p.source for p in world.routes.paths.get(name, ())}
        said |= {p.source for p in world.routes.references.get(name, ())}
        for link in world.links.get(name, ()):
            far = link.target.table
            path = _path(link, None, None, world)
            if (
                path.to is not None
                and link.source not in said
                and (world.routes.owned(far) or far in world.people)
            ):
                world.routes.references.setdefault(name, []).append(_path(link, None, None, world))
