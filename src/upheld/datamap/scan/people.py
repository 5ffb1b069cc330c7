"""Which tables are people's accounts."""

from __future__ import annotations

from dataclasses import dataclass

from upheld.datamap.live import LiveSchema, LiveTable
from upheld.datamap.scan.samples import Samples, Source, is_email_like, is_scope
from upheld.datamap.scan.vocabulary import word_set
from upheld.datamap.scan.words import (
    CONCEPTS,
    GROUPS,
    KEY_WORDS,
    PERSON,
    STAFF,
    alike,
    concept,
    has,
    stems,
    topic_of,
    words_of,
)

_ENOUGH = 3.5
_FEW = 2
_KEY_TYPES = frozenset({"int2", "int4", "int8", "uuid"})
_NOT_ACCOUNTS = word_set(
    """
    log history order invoice address newsletter lead session token message comment
    event payment email import backup archive login attempt ticket audit group role
    permission setting preference profile device adresse subscriber bestellung rechnung
    note contact kontakt invite invitation membership member_role waitlist score
    prospect card key consent
    """
)


_PASSWORD = word_set(
    "password passwd pass pwd pw passwort passhash clave contrasena mdp motdepasse"
)


@dataclass(frozen=True, slots=True)
class PersonTable:
    """A table of accounts: its key, the columns that may tell staff, and why it was taken."""

    table: str
    key: str
    score: float
    staff: bool
    scope: tuple[str, ...]
    reason: str

    @property
    def confidence(self) -> float:
        """Give the score as a confidence from 0 to 1."""
        return min(0.99, 0.5 + self.score / 16)


def find_people(
    live: LiveSchema, samples: Samples, about: dict[str, tuple[str, ...]]
) -> dict[str, PersonTable]:
    """Score each table; the key must be one column."""
    inbound = _inbound(live, about)
    found: dict[str, PersonTable] = {}
    for table in live.tables.values():
        key = _key(table, samples)
        if key is None:
            continue
        score, reasons = _score(table, samples, about[table.name], inbound[table.name])
        if score < _ENOUGH:
            continue
        staff = has(about[table.name], STAFF)
        scope = tuple(
            name
            for name, column in table.columns.items()
            if is_scope(name, column, samples.sources[Source(table.name, name)])
        )
        found[table.name] = PersonTable(table.name, key, score, staff, scope, "; ".join(reasons))
    return _without_details(live, found)


def _key(table: LiveTable, samples: Samples) -> str | None:
    if len(table.primary_key) == 1:
        return table.primary_key[0]
    for columns in table.uniques:
        if (
            len(columns) == 1
            and not table.columns[columns[0]].nullable
            and not concept(columns[0], "email")
        ):
            return columns[0]
    if table.primary_key:
        return None
    for position, name in enumerate(table.columns):
        seen = samples.sources.get(Source(table.name, name))
        whole = seen is not None and seen.filled == seen.rows > _FEW and seen.spread == 1.0
        keyed = position == 0 or has(words_of(name), KEY_WORDS)
        if whole and keyed and table.columns[name].base in _KEY_TYPES:
            return name
    return None


def _inbound(live: LiveSchema, about: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Count foreign keys to each table, and columns elsewhere that are named after it."""
    counts = dict.fromkeys(live.tables, 0)
    for table in live.tables.values():
        for key in table.fks:
            counts[key.to] += key.to != table.name
        for name in table.columns:
            own = stems(words_of(name))
            for other, words in about.items():
                if other != table.name and own and len(words) == 1 and alike(own[-1], words[0]):
                    counts[other] += not table.foreign_keys_of(name)
    return counts


def _score(
    table: LiveTable, samples: Samples, about: tuple[str, ...], inbound: int
) -> tuple[float, list[str]]:
    score, reasons = 0.0, []
    sampled = {name: samples.sources[Source(table.name, name)] for name in table.columns}
    mails = [
        n for n, s in sampled.items() if is_email_like(s) or (not s.pairs and concept(n, "email"))
    ]
    if any(sampled[n].spread > 0.9 or not sampled[n].pairs for n in mails):  # noqa: PLR2004  twins share one
        score += 2
        reasons.append("a distinct e-mail address in each row")
    if any(has(words_of(n), _PASSWORD) for n in sampled):
        score += 2.5
        reasons.append("a password column")
    names = [n for n in sampled if has(words_of(n), CONCEPTS["name"]) and n.lower() != "name"]
    if names or (has(about, PERSON) and "name" in sampled):
        score += 1
        reasons.append("names of people")
    if any(concept(n, c) for n in sampled for c in ("phone", "handle", "birth")):
        score += 0.5
    if has(about[-1:], PERSON | STAFF):
        score += 2
        reasons.append("the table's name")
    if inbound >= 2:  # noqa: PLR2004  one reference may be a detail table's
        score += min(2.0, 0.4 * inbound)
        reasons.append(f"{inbound} references from other tables")
    if has(about, _NOT_ACCOUNTS) or topic_of(about) in {
        "log",
        "marketing",
        "payment",
        "security",
        "communication",
        "usage",
    }:
        score -= 3
    if has(about[-1:], GROUPS):
        score -= 2
    if not mails and not any(concept(n, "handle") or concept(n, "password") for n in sampled):
        score -= 1.5
    return score, reasons


def _without_details(live: LiveSchema, found: dict[str, PersonTable]) -> dict[str, PersonTable]:
    """Leave out tables that say more of a person in another one: their key points there."""
    kept = dict(found)
    for name, person in found.items():
        table = live.tables[name]
        for key in table.fks:
            belongs = len(key.columns) == 1 and not table.columns[key.columns[0]].nullable
            unique = any(key.columns == columns for columns in (table.primary_key, *table.uniques))
            if (
                key.to in found
                and key.to != name
                and belongs
                and (unique or found[key.to].score > person.score)
            ):
                kept.pop(name, None)
    return kept
