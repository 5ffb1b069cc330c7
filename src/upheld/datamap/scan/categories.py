"""Which category each column holds: shape first, then its name, then the table's topic."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from upheld.datamap.live import LiveColumn, LiveTable
from upheld.datamap.scan.draft import DraftColumn, DraftPath
from upheld.datamap.scan.people import PersonTable
from upheld.datamap.scan.samples import Sampled, Samples, Source
from upheld.datamap.scan.shapes import is_desk
from upheld.datamap.scan.vocabulary import word_set
from upheld.datamap.scan.words import concept, has, near, words_of

Guess = tuple[str, float, str]
_MOST = 0.7
_SOME = 0.2  # free text in an address column leaves that many
_SECRET = word_set(
    """
    password passwd passwort pwd pass pw hash token secret salt otp totp csrf apikey nonce pin
    """
)
_FILES = word_set("sha256 sha1 md5 checksum etag digest content file")
_MARKETING = word_set(
    """
    newsletter marketing utm campaign consent optin subscribe unsubscribe subscribed unsubscribed
    werbung referrer referral werber source kampagne quelle
    """
)
_NAMES = word_set(
    """
    vorname nachname vname nname firstname lastname surname forename fullname legal anrede prenom
    nombre apellido apellidos nom
    """
)
_ADDRESS = word_set(
    """
    address addr adresse anschrift anschr street strasse str city ort stadt zip plz postal postcode
    postleitzahl hausnr hausnummer town ville rue calle zipcode land country direccion
    """
)
_INPUT = word_set("prompt input seed params query eingabe")
_FLAGS = word_set("verified type confirmed bounced status opt")
# Shape -> category, confidence, what to call it. E-mail and phone depend on the row.
_SHAPES: tuple[tuple[str, str, float, str], ...] = (
    ("ip", "security", 0.9, "IP addresses"),
    ("agent", "device", 0.9, "user agents"),
    ("iban", "payment", 0.95, "IBANs"),
    ("brand", "payment", 0.8, "brands of payment cards"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a table's rows: their topic, whether somebody owns them, whose columns."""

    topic: str | None
    person: PersonTable | None
    paths: tuple[DraftPath, ...]
    pointing: Collection[str]

    @property
    def category(self) -> str | None:
        """Give the category that plain columns take."""
        return "account" if self.person else self.topic

    @property
    def owned(self) -> bool:
        """Say whether rows have owners."""
        return self.person is not None or any(path.role != "mentioned" for path in self.paths)


def categorise(
    table: LiveTable, samples: Samples, row: Row, marks: Mapping[str, str]
) -> tuple[tuple[DraftColumn, ...], bool]:
    """Give each column's category, and whether anything in the table looks personal by itself."""
    guesses: dict[str, Guess | None] = {}
    personal = False
    for name, column in table.columns.items():
        seen = samples.sources[Source(table.name, name)]
        guess = by_shape(column, seen, row)
        personal = personal or (guess is not None and guess[0] != "none")
        guesses[name] = guess or by_name(column, seen, row)
    for name, guess in guesses.items():
        if name in row.pointing:
            guesses[name] = ("account", 0.9, "points to a person's row")
        elif guess is None or (guess[2].startswith("the name") and not row.owned and not personal):
            guesses[name] = _plain(row, table, personal=personal)
    found = []
    for name, column in table.columns.items():
        seen = samples.sources[Source(table.name, name)]
        category, confidence, reason = guesses[name] or ("unknown", 0.0, "nothing says what it is")
        is_object = column.is_text and seen.share("object") > _MOST and len(seen.distinct) > 1
        found.append(
            DraftColumn(
                name,
                category,
                confidence,
                reason,
                marks.get(name),
                "files" if is_object else None,
                secret=category == "credentials",
            )
        )
    return tuple(found), personal


def _plain(row: Row, table: LiveTable, *, personal: bool) -> Guess | None:
    """Give a plain column the row's category; that of nobody's rows is none."""
    if not row.owned and not personal:
        return ("none", 0.6, "the rows are nobody's, and nothing here looks personal")
    if row.category:
        return (row.category, 0.6, "a plain column takes the row's category")
    if any(path.source.column in table.primary_key and path.to and path.role for path in row.paths):
        return ("account", 0.5, "the row stands for a group of people")
    if sum(concept(n, c) for n in table.columns for c in ("name", "address", "phone", "birth")) > 1:
        return ("account", 0.5, "the row is about a person: names, addresses, telephones")
    written = sum(has(words_of(name), _WRITTEN) for name in table.columns)
    if written and row.owned:
        return ("communication", 0.4, "the row has a text that somebody wrote")
    return None


_WRITTEN = word_set(
    """
    txt text body message content inhalt titel title subject betreff betr kommentar mensaje texte
    """
)


def by_shape(column: LiveColumn, seen: Sampled, row: Row) -> Guess | None:
    """Guess from the values; what is found here is personal by itself."""
    share = seen.share("email")
    tally = f"of {len(seen.pairs)} sampled values are"
    named = concept(column.name, "email") and column.is_text and not seen.pairs
    if share > _MOST or named or (concept(column.name, "email") and share > _SOME):
        if seen.distinct and sum(map(is_desk, seen.distinct)) >= _MOST * len(seen.distinct):
            return ("none", 0.6, "addresses of desks, not of people")
        return (_of_row(row), 0.6 + 0.35 * share, f"{share:.0%} {tally} e-mail addresses")
    if column.base in {"inet", "cidr"}:
        return ("security", 0.95, "IP addresses by the column's type")
    for shape, category, confidence, what in _SHAPES:
        if seen.share(shape) > _MOST:
            return (category, confidence, f"{seen.share(shape):.0%} {tally} {what}")
    phone = seen.share("phone")
    if phone > _MOST or (
        concept(column.name, "phone") and phone >= 0 and not has(words_of(column.name), _FLAGS)
    ):
        return ("contact", 0.7 + 0.25 * phone, f"{phone:.0%} {tally} phone numbers")
    return None


def by_name(column: LiveColumn, seen: Sampled, row: Row) -> Guess | None:
    """Guess from the column's name and type."""
    name, words, kind = column.name, words_of(column.name), row.category
    stamp, flag = column.kind == "D", column.base == "bool"
    secret = has(words, _SECRET) or has(words, frozenset({"motdepasse", "contrasena", "clave"}))
    file_hash = has(words, _FILES) and not has(words, _SECRET - {"hash"})
    rules: tuple[tuple[bool, str, float, str], ...] = (
        (secret and not (stamp or flag or file_hash), "credentials", 0.9, "a secret"),
        (has(words, _INPUT) and kind == "outputs", "inputs", 0.8, "what somebody put in"),
        (concept(name, "money") and kind is not None and not flag, "payment", 0.8, "money"),
        (concept(name, "place") and column.kind == "N", "location", 0.85, "a place"),
        (near(words, _ADDRESS) and _is_address(words, seen), "contact", 0.8, "a postal address"),
        (
            row.person is not None and (has(words, _NAMES) or concept(name, "birth")),
            "contact",
            0.75,
            "a name or a birth",
        ),
        (
            concept(name, "device")
            and "type" not in words
            and seen.share("uuid", "opaque", "hash", "text", "handle") > _MOST,
            "device",
            0.8,
            "a device",
        ),
        (
            has(words, _MARKETING) and kind in {"account", "marketing", "usage"},
            "marketing",
            0.75,
            "marketing",
        ),
    )
    for holds, category, confidence, what in rules:
        if holds:
            return (category, confidence, f"the name speaks of {what}")
    return None


def _is_address(words: tuple[str, ...], seen: Sampled) -> bool:
    """Say whether an address is a postal one: no IP, no web address, no e-mail."""
    return seen.share("ip", "url", "email", "uuid", "integer") < _SOME and not has(
        words, frozenset({"ip", "mail", "email", "web", "mac"})
    )


def _of_row(row: Row) -> str:
    """E-mail addresses in somebody's rows: an account's, a payment's, or for contact."""
    if row.person is not None:
        return "account"
    topics = {"payment", "communication", "marketing", "security"}
    return row.topic if row.topic in topics else "contact"
