"""Which category each column holds: shape first, then its name, then the table's topic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from upheld.datamap.live import LiveColumn, LiveTable
from upheld.datamap.scan.draft import DraftColumn, DraftPath
from upheld.datamap.scan.people import PersonTable
from upheld.datamap.scan.samples import Sampled, Samples, Source
from upheld.datamap.scan.vocabulary import word_set
from upheld.datamap.scan.words import concept, has, topic_of, words_of

Guess = tuple[str, float, str]
_MOST = 0.7
_SECRET = word_set(
    """
    password passwd passwort pwd pass pw hash token secret salt otp totp csrf apikey
    nonce pin
    """
)
_FILES = word_set(
    """
    sha256 sha1 md5 checksum etag digest content file
    """
)
_MARKETING = word_set(
    """
    newsletter marketing utm campaign consent optin subscribe unsubscribe subscribed
    werbung referrer referral werber source kampagne quelle
    """
)


def categorise(
    table: LiveTable,
    samples: Samples,
    topic: str | None,
    person: PersonTable | None,
    paths: Iterable[DraftPath],
    people_columns: Collection[str],
    marks: Mapping[str, str],
) -> tuple[tuple[DraftColumn, ...], bool]:
    """Give each column's category, and whether anything in the table looks personal by itself."""
    row = "account" if person else topic
    owned = person is not None or any(True for _ in paths)
    found, personal = [], False
    for name, column in table.columns.items():
        seen = samples.sources[Source(table.name, name)]
        inner = {
            s: v for s, v in samples.sources.items() if s.table == table.name and s.column == name
        }
        guess, own = _column(name, column, seen, inner, row, person is not None)
        if name in people_columns:
            guess = ("account", 0.9, "points to a person's row")
        if guess is None and owned:
            guess = (row, 0.6, "a plain column takes the row's category") if row else None
        personal = personal or own
        category, confidence, reason = guess or (
            "unknown",
            0.0,
            "neither its values nor its name say",
        )
        is_object = column.is_text and seen.share("object") > _MOST and len(seen.distinct) > 1
        secret = category == "credentials" or has(words_of(name), _SECRET)
        found.append(
            DraftColumn(
                name,
                category,
                confidence,
                reason,
                marks.get(name),
                "files" if is_object else None,
                secret,
            )
        )
    return tuple(found), personal


def _column(
    name: str,
    column: LiveColumn,
    seen: Sampled,
    inner: Mapping[Source, Sampled],
    row: str | None,
    person: bool,  # noqa: FBT001
) -> tuple[Guess | None, bool]:
    """Guess from the column itself; the second value says whether it is personal by itself."""
    words = words_of(name)
    tally = f"of {len(seen.pairs)} sampled values"
    if (
        has(words, _SECRET)
        and not has(words, _FILES)
        and column.base != "bool"
        and not column.kind == "D"
    ):
        return ("credentials", 0.9, "the name speaks of a secret"), False
    share = seen.share("email")
    if share > _MOST or (
        concept(name, "email") and column.is_text and (share > 0.2 or not seen.pairs)
    ):
        kind = _of_row(row, person, "contact")
        return (kind, 0.6 + 0.35 * share, f"{share:.0%} {tally} are e-mail addresses"), True
    if column.base in {"inet", "cidr"} or seen.share("ip") > _MOST:
        return ("security", 0.9, f"IP addresses: {seen.share('ip'):.0%} {tally}"), True
    if seen.share("agent") > _MOST:
        return ("device", 0.9, f"{seen.share('agent'):.0%} {tally} are user agents"), True
    if seen.share("iban") > _MOST:
        return ("payment", 0.95, f"{seen.share('iban'):.0%} {tally} are IBANs"), True
    if seen.share("phone") > _MOST or (
        concept(name, "phone") and not has(words, frozenset({"verified", "type"}))
    ):
        return (
            _of_row(row, False, "contact"),
            0.85,
            f"{seen.share('phone'):.0%} {tally} are phone numbers",
        ), True
    if any(
        s.kind in {"list", "array", "json"} and v.share("email", "phone") > _MOST
        for s, v in inner.items()
    ):
        return ((row, 0.6, "holds e-mail addresses or phone numbers inside") if row else None), True
    if seen.share("brand") > _MOST or (
        concept(name, "money") and row not in {None} and column.base != "bool"
    ):
        return ("payment", 0.8, "money or a means of payment"), False
    if concept(name, "place") and not column.is_text:
        return ("location", 0.85, "the name speaks of a place"), False
    if _address(words) and (row in {None, "account", "contact"}):
        return ("contact", 0.8, "the name speaks of a postal address"), False
    if person and (
        has(
            words,
            word_set(
                """
    vorname nachname firstname lastname surname forename first last full
    """
            ),
        )
        or concept(name, "birth")
    ):
        return ("contact", 0.75, "the name speaks of a person's name or birth"), True
    if (
        concept(name, "device")
        and not has(words, frozenset({"type"}))
        and seen.share("uuid", "opaque", "hash", "text", "handle") > _MOST
    ):
        return ("device", 0.8, "the name speaks of a device"), False
    if has(words, _MARKETING) and row in {"account", "marketing", "usage"}:
        return ("marketing", 0.75, "the name speaks of marketing"), False
    return None, False


def _of_row(row: str | None, person: bool, otherwise: str) -> str:  # noqa: FBT001  a row of an account table
    """E-mail and phone in somebody's rows: an account's, a payment's, or for contact."""
    if person:
        return "account"
    return row if row in {"payment", "communication", "marketing", "security"} else otherwise


def _address(words: tuple[str, ...]) -> bool:
    return has(
        words,
        word_set(
            """
    address addr adresse anschrift street strasse str city ort stadt zip plz postal
    postcode postleitzahl hausnr hausnummer town ville rue calle zipcode land country
    """
        ),
    )


__all__ = ["categorise", "topic_of"]
