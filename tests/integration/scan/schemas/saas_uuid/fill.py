"""Fills the project tracker with the same rows on every run: 300 people in 40 workspaces."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb


def words(text: str) -> list[str]:
    """Give the words of a text, so that a list of them reads like one."""
    return text.split()


FIRST = words(
    "Aisha Ben Chloe Diego Elif Femi Grace Hiro Ivana Jonas Keiko Liam Mei Noah Oona Priya Quentin "
    "Rosa Sven Tariq Uma Viktor Wren Ximena Yusuf Zoe Amélie Bartosz Ingrid Paolo"
)
LAST = words(
    "Adeyemi Brown Chen Dubois Eriksen Fernandez Garcia Haddad Ito Jensen Kowalski Lindqvist "
    "Moreau "
    "Nakamura Olsen Patel Quinn Rossi Silva Tanaka Umarov "
    "Vargas Walsh Xu Yamamoto Zhang"
)
COMPANIES = words("Acorn Bramble Cobalt Driftwood Ember Foxglove Granite Harbor Indigo Juniper")
WORDS = words(
    "please check the staging deploy the importer times out on large files we should retry with a "
    "smaller batch the button is hidden on mobile and the export lacks two columns looks good"
)
AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0",
    "Tracker-iOS/8.2.1 (iPhone16,1)",
)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Lagos")
START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE, SERVICES, WORKSPACES = 300, 12, 40

Row = Sequence[Any]


class Person:
    """Who a row points to; `device` is the id that their browser keeps."""

    def __init__(self, key: UUID, name: str, email: str, username: str, device: str) -> None:
        self.key, self.name, self.email = key, name, email
        self.username, self.device = username, device


class Tracker:
    """Draws everything from one seed, table after table, and keeps what later tables point to."""

    def __init__(self) -> None:
        self.draw = random.Random(8)
        self.people = [self.person(number) for number in range(PEOPLE)]
        self.services = [self.uuid() for _ in range(SERVICES)]
        self.workspaces = [self.uuid() for _ in range(WORKSPACES)]
        self.members = {key: self.draw.sample(self.people, 10) for key in self.workspaces}
        self.projects: list[tuple[UUID, UUID]] = []  # project, workspace
        self.tasks: list[tuple[UUID, UUID]] = []  # task, workspace
        self.leads = [f"lead{n}@{self.draw.choice(COMPANIES).lower()}.example" for n in range(120)]

    def uuid(self) -> UUID:
        return UUID(int=self.draw.getrandbits(128), version=4)

    def person(self, number: int) -> Person:
        first, last = self.draw.choice(FIRST), self.draw.choice(LAST)
        local = f"{first}.{last}".lower().replace("é", "e")
        email = f"{local}{number}@{self.draw.choice(COMPANIES).lower()}.example"
        device = f"d_{self.draw.getrandbits(80):020x}"
        return Person(
            self.uuid(), f"{first} {last}", email, f"{local.replace('.', '')}{number}", device
        )

    def who(self) -> Person:
        return self.draw.choice(self.people)

    def acting(self, workspace: UUID) -> UUID:
        """Give a member, or now and then a service account."""
        if self.draw.random() < 0.1:
            return self.draw.choice(self.services)
        return self.draw.choice(self.members[workspace]).key

    def when(self) -> datetime:
        return START + timedelta(seconds=self.draw.randrange(0, 110 * 86_400))

    def ip(self) -> str:
        return f"198.51.100.{self.draw.randrange(1, 255)}"

    def maybe(self, value: Any, share: float) -> Any:  # noqa: ANN401  any column's value
        return value if self.draw.random() < share else None

    def phrase(self, words: int = 8) -> str:
        return " ".join(self.draw.choices(WORDS, k=words))

    def hash(self) -> str:
        return hashlib.sha256(self.draw.randbytes(16)).hexdigest()

    def manager(self) -> dict[str, Any]:
        boss = self.who()
        if self.draw.random() < 0.3:  # has no account here
            return {"email": self.draw.choice(self.leads)}
        return {"id": str(boss.key), "email": boss.email}

    def actors(self) -> list[Row]:
        rows: list[Row] = []
        for number, person in enumerate(self.people):
            traits: dict[str, Any] = {"company": {"name": self.draw.choice(COMPANIES), "size": 40}}
            if number % 3 == 0:
                traits["manager"] = self.manager()
            if number % 4 == 0:
                traits["social"] = {"github": person.username}
            rows.append(
                (
                    person.key,
                    "human",
                    person.email,
                    person.username,
                    person.name,
                    self.maybe(f"+4915{self.draw.randrange(10**8, 10**9)}", 0.5),
                    self.maybe(f"https://cdn.tracker.example/a/{person.key}.png", 0.6),
                    self.draw.choice(("en", "de", "fr", "ja")),
                    self.draw.choice(ZONES),
                    self.maybe("$argon2id$v=19$m=65536,t=3,p=4$" + self.hash()[:43], 0.7),
                    Jsonb(traits),
                    self.maybe(self.when(), 0.9),
                    START,
                    self.maybe(self.when(), 0.05),
                )
            )
        for number, key in enumerate(self.services):
            kind = "bot" if number % 2 else "service"
            rows.append(
                (
                    key,
                    kind,
                    None,
                    f"{kind}-{number}",
                    f"CI {kind} {number}",
                    None,
                    None,
                    "en",
                    None,
                    None,
                    Jsonb({"integration": "github"}),
                    self.when(),
                    START,
                    None,
                )
            )
        return rows

    def sign_in(self) -> Iterable[tuple[str, list[Row]]]:
        yield (
            "identity",
            [
                (
                    self.uuid(),
                    p.key,
                    self.draw.choice(("google", "okta")),
                    str(10**20 + n),
                    Jsonb({"sub": str(10**20 + n), "profile": {"email": p.email, "name": p.name}}),
                    START,
                )
                for n, p in enumerate(self.people[:180])
            ],
        )
        yield (
            "session",
            [
                (
                    self.uuid(),
                    p.key,
                    self.maybe(p.device, 0.8),
                    self.ip(),
                    self.draw.choice(AGENTS),
                    self.when(),
                    self.maybe(self.when(), 0.4),
                )
                for p in self.draw.choices(self.people, k=700)
            ],
        )
        owners = [p.key for p in self.draw.choices(self.people, k=90)] + self.services
        yield (
            "api_token",
            [
                (
                    self.uuid(),
                    owner,
                    self.draw.choice(("laptop", "ci", "zapier")),
                    self.hash()[:8],
                    bytes.fromhex(self.hash()),
                    ["read", "write"],
                    self.maybe(self.ip(), 0.6),
                    self.maybe(self.when(), 0.6),
                    self.maybe(self.when(), 0.2),
                )
                for owner in owners
            ],
        )

    def teams(self) -> Iterable[tuple[str, list[Row]]]:
        spaces: list[Row] = []
        members: list[Row] = []
        for number, (key, people) in enumerate(self.members.items()):
            name = (
                f"{COMPANIES[number % 10]} {number}" if number % 4 else f"{people[0].name}'s space"
            )
            settings: dict[str, Any] = {"theme": "dark", "sso": {"enforced": number % 2 == 0}}
            if number % 3 == 0:
                settings["default_assignee"] = str(self.draw.choice(people).key)
            spaces.append(
                (
                    key,
                    f"space-{number}",
                    name,
                    self.draw.choice(("free", "pro", "enterprise")),
                    people[0].key,
                    Jsonb(settings),
                    START,
                    self.maybe(self.when(), 0.05),
                )
            )
            members.extend(
                (
                    key,
                    p.key,
                    self.draw.choice(("admin", "member", "guest")) if place else "owner",
                    people[0].key if place and self.draw.random() < 0.8 else None,
                    self.when(),
                    self.maybe(self.when(), 0.05),
                )
                for place, p in enumerate(people)
            )
        yield "workspace", spaces
        yield "membership", members
        invitations: list[Row] = []
        for _ in range(160):
            space = self.draw.choice(self.workspaces)
            guest = self.draw.choice(self.members[space]) if self.draw.random() < 0.6 else None
            # Some accept with an account that has another address.
            same = guest is not None and self.draw.random() < 0.85
            email = guest.email if guest and same else self.draw.choice(self.leads)
            invitations.append(
                (
                    self.uuid(),
                    space,
                    email,
                    self.hash(),
                    self.members[space][0].key,
                    guest.key if guest else None,
                    self.when(),
                )
            )
        yield "invitation", invitations

    def reported(self) -> dict[str, Any]:
        """Give a task's properties: some came by mail, from people with and without an account."""
        found: dict[str, Any] = {"estimate": self.draw.randrange(1, 9), "labels": ["bug", "mobile"]}
        if self.draw.random() < 0.4:
            reporter = self.who()
            inside = self.draw.random() < 0.6
            found["source"] = "email"
            found["reporter"] = (
                {"id": str(reporter.key), "email": reporter.email}
                if inside
                else {"email": self.draw.choice(self.leads)}
            )
            found["cc"] = [{"email": p.email} for p in self.draw.sample(self.people, 2)]
        return found

    def work(self) -> Iterable[tuple[str, list[Row]]]:
        projects: list[Row] = []
        tasks: list[Row] = []
        for number in range(90):
            project, space = self.uuid(), self.draw.choice(self.workspaces)
            self.projects.append((project, space))
            projects.append(
                (
                    project,
                    space,
                    f"P{number}",
                    self.phrase(2),
                    self.maybe(self.acting(space), 0.7),
                    self.draw.choice(self.members[space]).key,
                    START,
                    self.maybe(self.when(), 0.1),
                )
            )
            parent: UUID | None = None
            for place in range(1, self.draw.randrange(8, 16)):
                task = self.uuid()
                watchers = self.draw.sample(self.members[space], self.draw.randrange(0, 4))
                tasks.append(
                    (
                        task,
                        project,
                        self.maybe(parent, 0.2),
                        place,
                        self.phrase(6),
                        self.maybe(self.phrase(20), 0.7),
                        self.draw.choice(("open", "doing", "done")),
                        self.acting(space),
                        self.maybe(self.acting(space), 0.6),
                        [p.key for p in watchers],
                        Jsonb(self.reported()),
                        self.when(),
                        self.when(),
                        self.maybe(self.when(), 0.05),
                    )
                )
                parent = parent or task
                self.tasks.append((task, space))
        yield "project", projects
        yield "task", tasks

    def talk(self) -> Iterable[tuple[str, list[Row]]]:
        comments: list[Row] = []
        for _ in range(1200):
            kind = self.draw.choice(("task", "task", "task", "project"))
            target, space = self.draw.choice(self.tasks if kind == "task" else self.projects)
            named = self.draw.sample(self.members[space], self.draw.choice((0, 0, 1, 2)))
            body = " ".join([*(f"@{p.username}" for p in named), self.phrase(12)])
            meta: dict[str, Any] = {"client": "web"}
            if self.draw.random() < 0.4:
                fans = self.draw.sample(self.members[space], 2)
                meta["reactions"] = [{"emoji": "tada", "by": str(p.key)} for p in fans]
            comments.append(
                (
                    self.uuid(),
                    kind,
                    target,
                    self.acting(space),
                    body,
                    [p.key for p in named],
                    Jsonb(meta),
                    self.when(),
                    self.maybe(self.when(), 0.05),
                )
            )
        yield "comment", comments
        files: list[Row] = []
        for number in range(260):
            kind = self.draw.choice(("task", "comment"))
            if kind == "task":
                target, space = self.draw.choice(self.tasks)
            else:
                target, space = self.draw.choice(comments)[0], self.draw.choice(self.workspaces)
            files.append(
                (
                    self.uuid(),
                    kind,
                    target,
                    self.maybe(self.acting(space), 0.9),
                    f"{space}/{self.uuid()}",
                    f"screenshot {number}.png",
                    "image/png",
                    self.draw.randrange(2_000, 3_000_000),
                    self.when(),
                )
            )
        yield "attachment", files
        notes: list[Row] = []
        for _ in range(900):
            task, space = self.draw.choice(self.tasks)
            sender, receiver = self.draw.sample(self.members[space], 2)
            payload = {
                "actor": {"id": str(sender.key), "name": sender.name},
                "task": {"id": str(task), "title": self.phrase(5)},
            }
            notes.append(
                (
                    self.uuid(),
                    receiver.key,
                    self.draw.choice(("mention", "assigned", "comment")),
                    Jsonb(payload),
                    self.when(),
                    self.maybe(self.when(), 0.6),
                )
            )
        yield "notification", notes

    def billing(self) -> Iterable[tuple[str, list[Row]]]:
        customers: list[Row] = []
        for number, space in enumerate(self.workspaces[:28]):
            payer = self.members[space][0]
            own = number % 4 != 0
            customers.append(
                (
                    self.uuid(),
                    space,
                    f"cus_{self.hash()[:14]}",
                    payer.email
                    if own
                    else f"accounts@{self.draw.choice(COMPANIES).lower()}.example",
                    payer.name if own else f"{self.draw.choice(COMPANIES)} Ltd",
                    self.maybe(f"DE{self.draw.randrange(10**8, 10**9)}", 0.5),
                    Jsonb({"line1": f"{number + 1} Mill Lane", "city": "Leeds", "country": "GB"}),
                    Jsonb(
                        {
                            "brand": "visa",
                            "last4": f"{self.draw.randrange(10**4):04}",
                            "exp": "04/28",
                        }
                    )
                    if number % 3
                    else None,
                )
            )
        yield "billing_customer", customers
        yield (
            "invoice",
            [
                (
                    self.uuid(),
                    self.draw.choice(customers)[0],
                    f"2026-{n:05}",
                    f"in_{self.hash()[:14]}",
                    self.draw.randrange(900, 90_000),
                    "EUR",
                    self.when().date(),
                    self.maybe(self.when(), 0.9),
                )
                for n in range(240)
            ],
        )

    def tracked(self) -> Row:
        space = self.draw.choice(self.workspaces)
        person = self.draw.choice(self.members[space])
        context: dict[str, Any] = {"ip": self.ip(), "userAgent": self.draw.choice(AGENTS)}
        actor: UUID | None = person.key
        device: str | None = person.device
        properties: dict[str, Any] = {"path": "/board"}
        target: tuple[str | None, UUID | None] = (None, None)
        kind = self.draw.choice(
            (
                "page.viewed",
                "task.assigned",
                "member.invited",
                "actor.updated",
                "lead.captured",
                "build.finished",
            )
        )
        if kind == "task.assigned":
            properties = {"assignee_id": str(self.draw.choice(self.members[space]).key)}
            target = ("task", self.draw.choice(self.tasks)[0])
        elif kind == "member.invited":
            properties = {"invitee": {"email": self.draw.choice(self.leads)}, "role": "guest"}
        elif kind == "actor.updated":
            properties, target = {"fields": ["locale"]}, ("actor", self.who().key)
        elif kind == "lead.captured":  # before sign-up: only the device and what the form said
            context["traits"] = {"email": self.draw.choice([*self.leads, person.email])}
            actor, properties = None, {"form": "pricing"}
        elif kind == "build.finished":
            actor, device, context = self.draw.choice(self.services), None, {}
        else:
            actor = self.maybe(actor, 0.8)
        found = (self.uuid(), self.when(), self.maybe(space, 0.9), actor, device, kind, *target)
        return (*found, Jsonb(properties), Jsonb(context))

    def changed(self) -> Row:
        task, space = self.draw.choice(self.tasks)
        old, new = self.draw.sample(self.members[space], 2)
        if self.draw.random() < 0.7:
            diff = {"before": {"assignee": str(old.key)}, "after": {"assignee": str(new.key)}}
            return (
                self.when(),
                space,
                self.acting(space),
                "task.update",
                "task",
                task,
                self.ip(),
                Jsonb(diff),
            )
        return (
            self.when(),
            space,
            self.maybe(self.acting(space), 0.9),
            "member.role",
            "actor",
            new.key,
            self.maybe(self.ip(), 0.8),
            Jsonb({"after": {"role": "admin"}}),
        )

    def machinery(self) -> Iterable[tuple[str, list[Row]]]:
        yield "schema_migrations", [(f"2025{n:04}", START) for n in range(1, 60)]
        yield (
            "webhook_endpoint",
            [
                (
                    self.uuid(),
                    space,
                    f"https://hooks.{self.draw.choice(COMPANIES).lower()}.example/t",
                    "whsec_" + self.hash()[:24],
                    ["task.created", "task.updated"],
                    True,
                )
                for space in self.draw.choices(self.workspaces, k=30)
            ],
        )
        yield (
            "feature_flag",
            [
                (
                    f"flag-{n}",
                    n % 2 == 0,
                    n / 20,
                    Jsonb([{"plan": "pro"}, {"percent": n * 5}]),
                    START,
                )
                for n in range(18)
            ],
        )

    def all_rows(self) -> Iterable[tuple[str, list[Row]]]:
        yield "actor", self.actors()
        yield from self.sign_in()
        yield from self.teams()
        yield from self.work()
        yield from self.talk()
        yield from self.billing()
        yield "event", [self.tracked() for _ in range(2500)]
        yield "audit_entry", [self.changed() for _ in range(800)]
        yield (
            "email_preference",
            [
                (
                    address,
                    self.draw.choice(([], ["product"], ["product", "events"])),
                    Jsonb({"source": "ads", "campaign": "spring"} if n % 2 else {}),
                    self.when(),
                )
                for n, address in enumerate([*self.leads, *(p.email for p in self.people[:150])])
            ],
        )
        yield from self.machinery()


def fill(connection: psycopg.Connection) -> None:
    """Copy all rows into the tables of `schema.sql`; the caller commits."""
    for table, rows in Tracker().all_rows():
        columns = [
            row[0]
            for row in connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                " AND attidentity = '' ORDER BY attnum",
                (table,),
            )
        ]
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with connection.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
