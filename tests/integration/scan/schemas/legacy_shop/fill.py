"""Fills the legacy shop with the same rows on every run: 380 logins, 350 customers."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql


def words(text: str) -> list[str]:
    """Give the words of a text, so that a list of them reads like one."""
    return text.split()


FIRST = words(
    "Anna Bernd Carla Dieter Elke Frank Gisela Hans Ines Jürgen Karin Lars Monika Norbert Olga "
    "Peter Renate Stefan Tanja Uwe Vera Wolfgang Yvonne Zoltan Ayşe Björn Céline Dörte Emre Fatma"
)
LAST = words(
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter "
    "Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Yildiz "
    "Nowak Jansen Petersen Öztürk Groß"
)
STREETS = ("Hauptstr.", "Bahnhofstraße", "Gartenweg", "Lindenallee", "Am Markt", "Im Winkel")
CITIES = ("10115 Berlin", "20095 Hamburg", "80331 München", "50667 Köln", "04109 Leipzig")
HOSTS = ("gmx.example", "web.example", "t-online.example", "posteo.example", "firma.example")
STAFF = (
    ("HSC", "Helga Schuster", "Vertrieb"),
    ("MKR", "Manfred Krause", "Lager"),
    ("TBE", "Tim Berger", "EDV"),
    ("SVO", "Sabine Vogt", "Buchhaltung"),
)
PRODUCTS = ("Füllhalter", "Taschenmesser", "Pokal", "Schlüsselanhänger", "Teekanne", "Uhr", "Kerze")
WORDS = words(
    "danke für die schnelle Lieferung leider ist der Deckel verkratzt hat jemand Erfahrung mit "
    "diesem Modell die Gravur ist sehr schön geworden ich suche ein Ersatzteil für meine Kanne"
)
AGENTS = (
    "Mozilla/5.0 (Windows NT 6.1; rv:52.0)",
    "Mozilla/4.0 (compatible; MSIE 8.0)",
    "Opera/9.80",
)
START = datetime(2016, 1, 4, 8, 0, 0)  # noqa: DTZ001  the shop stores local time without a zone
PEOPLE = 380

Row = Sequence[Any]


def plain(text: str) -> str:
    """Give a name as it stands in an address."""
    for letter, ascii_letters in zip(
        "äöüßşéç", ("ae", "oe", "ue", "ss", "s", "e", "c"), strict=True
    ):
        text = text.lower().replace(letter, ascii_letters)
    return text


class Shop:
    """Draws everything from one seed, table after table, and keeps what later tables point to."""

    def __init__(self) -> None:
        self.draw = random.Random(2003)
        self.users: list[tuple[int, str, str]] = []  # id, nick, mail
        self.customers: list[tuple[int, int, int | None, str]] = []  # mandant, number, user, mail
        self.orders: list[tuple[int, int, int, str]] = []  # number, mandant, customer, mail
        self.posts: list[int] = []

    def when(self) -> datetime:
        return START + timedelta(minutes=self.draw.randrange(0, 5_000_000))

    def ip(self) -> str:
        return f"203.0.113.{self.draw.randrange(1, 255)}"

    def staff(self) -> str:
        return self.draw.choice(STAFF)[0]

    def maybe(self, value: Any, share: float) -> Any:  # noqa: ANN401  any column's value
        return value if self.draw.random() < share else None

    def phrase(self, words: int = 9) -> str:
        return " ".join(self.draw.choices(WORDS, k=words))

    def mixed(self, mail: str) -> str:
        return self.draw.choice((mail, mail, mail.title(), mail.upper()))

    def phone(self) -> str:
        area, number = (
            self.draw.choice(("30", "40", "89", "171")),
            self.draw.randrange(10**6, 10**7),
        )
        return self.draw.choice(
            (f"0{area}/{number}", f"+49 {area} {number}", f"0049{area}{number}")
        )

    def address(self, name: str) -> str:
        street = self.draw.choice(STREETS)
        return f"{name}\n{street} {self.draw.randrange(1, 140)}\n{self.draw.choice(CITIES)}"

    def fixed(self) -> Iterable[tuple[str, list[Row]]]:
        yield (
            "tbl_Mandant",
            [
                (1, "Gravur & Geschenk", "www.gravur.example", "info@gravur.example"),
                (2, "Teehaus Nord", "www.teehaus.example", "info@teehaus.example"),
            ],
        )
        yield (
            "tbl_Land",
            [("DE", "Deutschland", "J"), ("AT", "Österreich", "J"), ("CH", "Schweiz", "N")],
        )
        yield "tbl_MwSt", [(1, Decimal(19), START.date()), (2, Decimal(7), START.date())]
        yield (
            "cfg_param",
            [
                ("shop_mail", "service@gravur.example", self.when(), "TBE"),
                ("smtp_host", "10.0.0.7", self.when(), "TBE"),
                ("max_warenkorb", "50", self.when(), "HSC"),
                ("versand_frei_ab", "75.00", self.when(), "HSC"),
                ("hotline", "040/5550100", None, None),
            ],
        )
        yield (
            "tbl_Mitarb",
            [
                (short, name, f"{short.lower()}@gravur.example", f"-{i}2", unit, "J")
                for i, (short, name, unit) in enumerate(STAFF, 1)
            ],
        )
        yield (
            "tbl_Art",
            [
                (
                    f"{p[:2].upper()}-{n:04}",
                    f"{p} Nr. {n}",
                    p,
                    Decimal(n * 7 + 95) / 10,
                    1 + n % 2,
                    n * 3,
                    self.when(),
                    self.staff(),
                    self.maybe(self.staff(), 0.5),
                )
                for n, p in enumerate(PRODUCTS * 9, 1)
            ],
        )

    def articles(self) -> list[str]:
        return [f"{p[:2].upper()}-{n:04}" for n, p in enumerate(PRODUCTS * 9, 1)]

    def logins(self) -> list[Row]:
        rows: list[Row] = [
            (
                1,
                "system",
                "noreply@gravur.example",
                "0" * 32,
                "S",
                None,
                None,
                START,
                None,
                None,
                0,
                None,
                None,
            )
        ]
        for number in range(2, PEOPLE + 2):
            first, last = self.draw.choice(FIRST), self.draw.choice(LAST)
            mail = f"{plain(first)}.{plain(last)}{number}@{self.draw.choice(HOSTS)}".replace(
                " ", ""
            )
            nick = f"{plain(first)[:5]}{self.draw.choice(('_', '', 'x'))}{number * 7}"
            self.users.append((number, nick, mail))
            rows.append(
                (
                    number,
                    nick,
                    self.mixed(mail),
                    hashlib.sha256(mail.encode()).hexdigest()[:32],
                    "M" if number % 60 == 0 else "K",
                    self.maybe(f"Grüße, {first}", 0.3),
                    self.maybe(f"avatare/{number}.gif", 0.2),
                    self.when(),
                    self.maybe(self.ip(), 0.8),
                    self.maybe(self.when(), 0.7),
                    int(number % 50 == 0),
                    self.maybe(self.staff(), 0.1),
                    self.maybe(self.staff(), 0.1),
                )
            )
        return rows

    def clients(self) -> list[Row]:
        rows: list[Row] = []
        for number in range(1, 351):
            mandant, first, last = 1 + number % 2, self.draw.choice(FIRST), self.draw.choice(LAST)
            # 250 have a login, 30 of those are customers of both shops, the rest ordered as guests.
            login = number if number <= 250 else number - 320 if number > 320 else None
            user, _, mail = (None, "", "") if login is None else self.users[login]
            mail = mail or f"{plain(last)}.{number}@{self.draw.choice(HOSTS)}".replace(" ", "")
            # The two shops number their customers apart, so that the same number stands for two.
            key = (mandant, 10_000 + number // 2)
            self.customers.append((*key, user, mail))
            rows.append(
                (
                    *key,
                    user,
                    self.draw.choice(("Herr", "Frau", None)),
                    last,
                    first,
                    self.maybe(f"{last} GmbH", 0.1),
                    self.mixed(mail),
                    self.maybe(self.phone(), 0.7),
                    self.address(f"{first} {last}"),
                    self.draw.choice(("DE", "DE", "DE", "AT", "CH")),
                    self.maybe(
                        date(1950, 1, 1) + timedelta(days=self.draw.randrange(19000)),
                        0.4,
                    ),
                    self.maybe(f"DE{self.draw.randrange(10**8, 10**9)}", 0.1),
                    self.maybe(f"DE{self.draw.randrange(10**19, 10**20)}", 0.3),
                    self.maybe(f"PP{self.draw.randrange(10**10, 10**11)}", 0.3),
                    self.draw.randrange(1, 6),
                    self.maybe("Kunde ruft öfter an, " + self.phrase(4), 0.15),
                    self.when(),
                    self.staff(),
                    self.maybe(self.when(), 0.5),
                    self.maybe(self.staff(), 0.5),
                )
            )
        return rows

    def sales(self) -> Iterable[tuple[str, list[Row]]]:
        orders: list[Row] = []
        items: list[Row] = []
        bills: list[Row] = []
        for number in range(500_001, 500_901):
            mandant, customer, _, mail = self.draw.choice(self.customers)
            self.orders.append((number, mandant, customer, mail))
            when, total = self.when(), Decimal(self.draw.randrange(900, 30_000)) / 100
            pay = self.draw.choice(("RECH", "LAST", "PAYPAL"))
            orders.append(
                (
                    number,
                    mandant,
                    customer,
                    when,
                    self.draw.randrange(1, 6),
                    pay,
                    f"{self.draw.randrange(16**16):016X}" if pay == "PAYPAL" else None,
                    self.maybe(self.address("c/o " + self.draw.choice(LAST)), 0.3),
                    self.maybe(self.phone(), 0.3),
                    self.ip(),
                    total,
                    self.maybe("bitte " + self.phrase(4), 0.1),
                    self.maybe(self.staff(), 0.2),
                    self.maybe(self.staff(), 0.6),
                )
            )
            items.extend(
                (
                    number,
                    place,
                    self.draw.choice(self.articles()),
                    self.draw.randrange(1, 4),
                    Decimal(self.draw.randrange(500, 9000)) / 100,
                    self.maybe(f"Für {self.draw.choice(FIRST)} 20.6.", 0.2),
                )
                for place in range(1, self.draw.randrange(2, 5))
            )
            if number % 5:
                bills.append(
                    (
                        f"RE{when.year}-{number}",
                        number,
                        mandant,
                        customer,
                        when.date(),
                        total,
                        self.maybe(when.date() + timedelta(days=14), 0.8),
                        self.maybe(self.mixed(mail), 0.6),
                    )
                )
        yield "tbl_Auftr", orders
        yield "tbl_AuftrPos", items
        yield "tbl_Rech", bills
        yield (
            "tbl_Gutsch",
            [
                (
                    f"GS{self.draw.randrange(16**8):08X}",
                    Decimal(10 * (1 + n % 5)),
                    self.maybe(self.draw.choice(self.users)[2], 0.6),
                    self.maybe(self.draw.choice(self.orders)[0], 0.4),
                    self.when().date(),
                )
                for n in range(120)
            ],
        )

    def newsletter(self) -> list[Row]:
        known = [mail for _, _, mail in self.draw.sample(self.users, 150)]
        others = [f"leser{n}@{self.draw.choice(HOSTS)}" for n in range(200)]
        return [
            (
                self.mixed(mail),
                self.draw.choice(("ALLG", "TEE", "B2B")),
                self.when(),
                self.maybe(self.ip(), 0.7),
                self.maybe(self.when(), 0.2),
                self.draw.choice(("shop", "messe", "import2015")),
            )
            for mail in known + others
        ]

    def reviews(self) -> list[Row]:
        rows: list[Row] = []
        for number in range(1, 261):
            user, nick, mail = self.draw.choice(self.users)
            guest = number % 4 == 0
            rows.append(
                (
                    number,
                    self.draw.choice(self.articles()),
                    None if guest else user,
                    self.mixed(mail) if guest else None,
                    self.draw.choice(FIRST) if guest else nick,
                    self.draw.randrange(1, 6),
                    self.maybe(self.phrase(), 0.8),
                    self.when(),
                    self.maybe(self.staff(), 0.9),
                )
            )
        return rows

    def forum(self) -> Iterable[tuple[str, list[Row]]]:
        ids = [user for user, _, _ in self.users]
        nicks = {user: nick for user, nick, _ in self.users}
        yield "frm_forum", [(1, "Gravuren", 60), (2, "Tee", 120), (3, "Allgemeines", None)]
        threads: list[Row] = []
        posts: list[Row] = []
        for thread in range(1, 141):
            starter = self.maybe(self.draw.choice(ids), 0.95)  # null: login was deleted by hand
            first = len(posts) + 9001
            for _ in range(self.draw.randrange(2, 12)):
                number, author = len(posts) + 9001, self.maybe(self.draw.choice(ids), 0.95)
                text = self.phrase(14)
                if self.draw.random() < 0.2:
                    text = f"@{nicks[self.draw.choice(ids)]} {text}"
                posts.append(
                    (
                        number,
                        thread,
                        self.maybe(first, 0.5) if number > first else None,
                        author,
                        text,
                        self.when(),
                        self.maybe(self.ip(), 0.9),
                        self.maybe(self.draw.choice((60, 120, 180)), 0.06),
                        int(self.draw.random() < 0.03),
                    )
                )
            threads.append(
                (
                    thread,
                    self.draw.randrange(1, 4),
                    self.phrase(5),
                    starter,
                    self.when(),
                    len(posts) + 9000,
                )
            )
        self.posts = [int(row[0]) for row in posts]
        yield "frm_thema", threads
        yield "frm_beitr", posts
        yield (
            "frm_pn",
            [
                (
                    n,
                    self.draw.choice(ids),
                    ", ".join(map(str, self.draw.sample(ids, self.draw.choice((1, 1, 2, 4)))))
                    if n % 2
                    else ",".join(map(str, self.draw.sample(ids, self.draw.choice((1, 3))))),
                    self.phrase(3),
                    self.phrase(12),
                    self.when(),
                )
                for n in range(1, 301)
            ],
        )

    def mails(self) -> list[Row]:
        rows: list[Row] = []
        for number in range(1, 601):
            order, _, _, mail = self.draw.choice(self.orders)
            about_order = number % 3 != 0
            people = [mail] if about_order else [m for _, _, m in self.draw.sample(self.users, 3)]
            rows.append(
                (
                    number,
                    self.when(),
                    ", ".join(map(self.mixed, people)),
                    f"Ihr Auftrag {order}" if about_order else "Neues aus dem Forum",
                    "Guten Tag,\n" + self.phrase(15),
                    order if about_order else None,
                    number % 2,
                )
            )
        return rows

    def logs(self) -> Iterable[tuple[str, list[Row]]]:
        entries: list[Row] = []
        for number in range(1200):
            kind, key = self.draw.choice(
                (
                    ("USR", str(self.draw.choice(self.users)[0])),
                    ("AUF", str(self.draw.choice(self.orders)[0])),
                    ("BTR", str(self.draw.choice(self.posts))),
                    ("ART", self.draw.choice(self.articles())),
                )
            )
            entry = (
                self.when(),
                kind,
                key,
                self.draw.choice(("INS", "UPD", "SPERR")),
                self.draw.choice((self.staff(), "SYSTEM")),
                self.maybe(self.phrase(4), 0.3),
            )
            entries.extend([entry, entry] if number % 40 == 0 else [entry])
        yield "sys_log", entries
        logins: list[Row] = []
        for _ in range(1500):
            mail = self.mixed(self.draw.choice(self.users)[2])
            if self.draw.random() < 0.05:
                mail = mail.replace(".example", ".exampel")
            logins.append(
                (
                    self.when(),
                    mail,
                    self.ip(),
                    self.draw.choice(AGENTS),
                    int(self.draw.random() < 0.9),
                )
            )
        yield "log_login", logins

    def all_rows(self) -> Iterable[tuple[str, list[Row]]]:
        yield from self.fixed()
        yield "tbl_usr", self.logins()
        yield "tbl_Kdn", self.clients()
        yield from self.sales()
        yield "NL_Empf", self.newsletter()
        yield "tbl_Bewert", self.reviews()
        yield from self.forum()
        yield "MailAusg", self.mails()
        yield from self.logs()


def fill(connection: psycopg.Connection) -> None:
    """Copy all rows into the tables of `schema.sql`; the caller commits."""
    for table, rows in Shop().all_rows():
        with connection.cursor().copy(
            sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
        ) as copy:
            for row in rows:
                copy.write_row(row)
