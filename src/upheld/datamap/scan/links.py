"""Links between tables: declared, or inferred from names, types and included values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from upheld.datamap.live import LiveColumn, LiveSchema, LiveTable
from upheld.datamap.scan.people import PersonTable
from upheld.datamap.scan.samples import (
    MAX_ASKED,
    MAX_PROBED,
    Question,
    Sampled,
    Samples,
    Source,
    Target,
    castable,
    extras_of,
)
from upheld.datamap.scan.vocabulary import word_set
from upheld.datamap.scan.words import (
    CREATOR,
    KEY_WORDS,
    OTHERS,
    PERSON,
    RECIPIENT,
    STAFF,
    STRONG,
    alike,
    concept,
    has,
    shared_prefix,
    singular,
    stems,
    words_of,
)

_NOBODY = frozenset({"0", "-1"})  # written for nobody where null is not liked
_SEPARATOR = "\x1f"
_KEYLIKE_BASES = word_set(
    """
    int2 int4 int8 numeric uuid text varchar bpchar citext
    """
)
_UPWARDS = frozenset({"parent", "eltern", "reply", "root", "vorgaenger", "ober"})
_AGREE = 0.5
_EVEN = 0.9
_ENOUGH = 0.75
_WELL = 0.7
_SOME = 0.6
_LITTLE = 0.4
_MANY = 10


@dataclass(frozen=True, slots=True)
class Link:
    """A source whose values are a target's. `staff` is the share that a scope column sets apart."""

    source: Source
    target: Target
    confidence: float
    reason: str
    declared: bool = False
    names: float = 0.0
    covered: float = 1.0
    filled: float = 0.0  # share of the target's rows that the values name
    key: bool = False  # the target is a declared primary key


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of a schema, read once: what each table is about."""

    about: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, live: LiveSchema) -> Naming:
        """Read the names of all tables; first words that most of them share say nothing."""
        idle = shared_prefix(live.tables)
        about = {}
        for name in live.tables:
            words = words_of(name.rpartition(".")[2])
            kept = words[1:] if len(words) > 1 and words[0] in idle else words
            about[name] = stems(kept) or kept
        return cls(about)


def targets(live: LiveSchema, samples: Samples) -> list[Target]:
    """Give what can be pointed to: keys, declared or seen to be such, and handles."""
    found: list[Target] = []
    for table in live.tables.values():
        extras = extras_of(table, samples.sources)
        found += [
            Target(table.name, (name,), concept(name, "handle") or concept(name, "email"), extras)
            for name in key_columns(table, samples)
        ]
        found += [
            Target(table.name, columns, extras=extras)
            for columns in dict.fromkeys((table.primary_key, *table.uniques))
            if len(columns) in {2, 3} and not any(table.foreign_keys_of(c) for c in columns[1:])
        ]
        found += [  # what is pointed to, whatever its shape
            Target(key.to, key.to_columns, extras=extras_of(live.tables[key.to], samples.sources))
            for key in table.fks
        ]
    unique: dict[tuple[str, tuple[str, ...]], Target] = {}
    for target in found:
        unique.setdefault((target.table, target.columns), target)
    return list(unique.values())


def key_columns(table: LiveTable, samples: Samples) -> list[str]:
    """Name the columns that name a row alone; without a declared key, those whose values do."""
    declared = [c[0] for c in (table.primary_key, *table.uniques) if len(c) == 1]
    found = list(dict.fromkeys(declared))
    for position, (name, column) in enumerate(table.columns.items()):
        if name in found or column.base not in _KEYLIKE_BASES:
            continue
        seen = samples.sources.get(Source(table.name, name))
        whole = seen is not None and seen.filled == seen.rows >= 3 and seen.spread == 1.0  # noqa: PLR2004
        if not whole or seen is None:
            continue
        lone = not table.primary_key or len(table.primary_key) > 1
        words = words_of(name)
        named = has(words, KEY_WORDS) or concept(name, "handle")
        short = max(map(len, seen.distinct)) <= 64  # noqa: PLR2004  keys are short
        first = position == 0 and not table.primary_key
        lone = lone and named and name not in table.primary_key
        if short and (concept(name, "handle") or concept(name, "email") or first or lone):
            found.append(name)
    return found


def agreement(source: Source, target: Target, naming: Naming) -> float:
    """Say from 0 to 1 how well the names of a source and a target go together."""
    if source.kind == "columns":
        return 1.0
    about = naming.about[target.table]
    if source.where is not None:
        return _type_agrees(source.where[1], about)
    return _names_agree(source.words, target.column, about, itself=source.table == target.table)


@lru_cache(maxsize=200_000)
def _names_agree(
    words: tuple[str, ...], column: str, about: tuple[str, ...], *, itself: bool
) -> float:
    own, key = stems(words), stems(words_of(column))
    if not own:
        return 0.6 if words and column != "id" and words == words_of(column) else 0.0
    if key and len(key) == len(own) and all(map(alike, own, key)):
        return 1.0 if not has(own, PERSON) or has(about, PERSON) else 0.7
    if itself and has(words, _UPWARDS):
        return 0.8
    return _table_agrees(own, about)


def _table_agrees(own: tuple[str, ...], about: tuple[str, ...]) -> float:
    matched = [word for word in own if any(alike(word, other) for other in about)]
    if not matched:
        return 0.0
    if alike(own[-1], about[-1]):
        return 1.0 if len(matched) >= len(about) else 0.7
    if len(matched) == len(own):
        return 0.75 if len(about) <= len(own) + 1 else 0.5
    return 0.6 if len(about) == 1 and alike(own[0], about[-1]) else 0.0


def _type_agrees(kind: str, about: tuple[str, ...]) -> float:
    said = stems(words_of(kind.rpartition("\\")[2].rpartition(".")[2]))
    if said and len(said) == len(about) and all(map(alike, said, about)):
        return 1.0
    if said and alike(said[-1], about[-1]):
        return 0.8
    if len(kind) <= 2 and about[-1].startswith(kind.lower()):  # noqa: PLR2004  `K` for `kunde`
        return 0.6
    both_people = has(said, PERSON) and has(about, PERSON)
    return 0.6 if both_people else 0.0


def questions(live: LiveSchema, samples: Samples) -> list[Question]:
    """Give what to ask the database: per target, all values that may point to it."""
    naming = Naming.of(live)
    every = targets(live, samples)
    asked: dict[Target, dict[str, None]] = {target: {} for target in every}
    for _, seen, target, limit in candidates(live, samples, naming, every):
        for value in _written(seen, target, live, limit):
            asked[target].setdefault(value)
    return [Question(target, tuple(values)) for target, values in asked.items() if values]


def candidates(
    live: LiveSchema, samples: Samples, naming: Naming, every: Iterable[Target]
) -> Iterator[tuple[Source, Sampled, Target, int]]:
    """Pair sources with the targets that they may point to, by type, shape and name.

    The number is how many values to look for: few where only the values speak for the pair.
    """
    every = list(every)
    single = [target for target in every if len(target.columns) == 1]
    for source, seen in samples.sources.items():
        column = live.tables[source.table].columns[source.column]
        if not seen.distinct or not _comparable(column, source):
            continue
        speaks = _speaks_of_people(source)
        telling = {casefold: _is_telling(seen, casefold=casefold) for casefold in (False, True)}
        for target in single:
            if (source.table, source.column) == (target.table, target.column):
                continue
            people = speaks and has(naming.about[target.table], PERSON | STAFF)
            if people or agreement(source, target, naming) >= _AGREE:
                yield source, seen, target, MAX_ASKED
            elif telling[target.casefold]:
                yield source, seen, target, MAX_PROBED
    for target in every:
        if len(target.columns) > 1:
            for source, seen in _composite(live, samples, target):
                yield source, seen, target, MAX_ASKED


def _speaks_of_people(source: Source) -> bool:
    words = source.words
    return has(words, PERSON | STAFF | STRONG | CREATOR | OTHERS | RECIPIENT) or has(
        words, frozenset({"by", "von", "por", "par", "door"})
    )


def _comparable(column: LiveColumn, source: Source) -> bool:
    return source.kind != "column" or column.base in _KEYLIKE_BASES


def _is_telling(seen: Sampled, *, casefold: bool) -> bool:
    """Say whether inclusion alone proves something: values that do not meet by chance."""
    if casefold:
        return seen.share("handle", "opaque") > _EVEN and len(seen.distinct) >= 5  # noqa: PLR2004
    return seen.share("uuid", "opaque", "hash") > _EVEN


def _composite(
    live: LiveSchema, samples: Samples, target: Target
) -> Iterator[tuple[Source, Sampled]]:
    """Find columns of other tables that pair with a key of several columns."""
    for table in live.tables.values():
        if table.name == target.table:
            continue
        pairing = [_counterpart(table, column) for column in target.columns]
        if None in pairing or len(set(pairing)) < len(pairing):
            continue
        names = [name for name in pairing if name is not None]
        parts = [samples.sources.get(Source(table.name, name), Sampled((), 0)) for name in names]
        by_row = [dict(part.pairs) for part in parts]
        rows = set(by_row[0]).intersection(*by_row[1:])
        pairs = tuple((row, _SEPARATOR.join(part[row] for part in by_row)) for row in sorted(rows))
        yield (
            Source(table.name, names[0], "columns", more=tuple(names[1:])),
            Sampled(pairs, parts[0].rows),
        )


def _counterpart(table: LiveTable, column: str) -> str | None:
    if column in table.columns:
        return column
    wanted = stems(words_of(column))
    for name in table.columns:
        own = stems(words_of(name))
        if (
            wanted
            and len(own) == len(wanted)
            and all(map(alike, own, wanted))
            and has(words_of(name), KEY_WORDS)
        ):
            return name
    return None


def _written(seen: Sampled, target: Target, live: LiveSchema, limit: int) -> list[str]:
    """Give the values as the target's type writes them."""
    values = list(seen.distinct[:limit])
    far = live.tables[target.table].columns
    if len(target.columns) > 1:
        kept = []
        for value in values:
            parts = value.split(_SEPARATOR)
            if all(castable([p], far[c]) for p, c in zip(parts, target.columns, strict=True)):
                kept.append(value)
        return kept
    if target.casefold:
        values = [value.lower() for value in values]
    return castable(values, far[target.column])


def find_links(
    live: LiveSchema, samples: Samples, naming: Naming, people: dict[str, PersonTable]
) -> list[Link]:
    """Give the best link of each source; declared foreign keys come first."""
    found: dict[Source, Link] = {}
    for link in _declared(live, samples):
        found[link.source] = link
    fixed = {(s.table, c) for s in found for c in s.columns if s.kind == "column"}
    every = targets(live, samples)
    for source, seen, target, limit in candidates(live, samples, naming, every):
        if any((source.table, column) in fixed for column in source.columns):
            continue
        values = [v for v in seen.distinct[:limit] if v not in _NOBODY]
        pair = Pair(source, target, values, _is_telling(seen, casefold=target.casefold))
        candidate = _judge(pair, live, samples, naming, people)
        best = found.get(source)
        if candidate and (best is None or _rank(candidate, people) > _rank(best, people)):
            found[source] = candidate
    return _without_parts(found)


def _rank(link: Link, people: dict[str, PersonTable]) -> tuple[float, ...]:
    person = people.get(link.target.table)
    return (
        round(link.confidence, 1),
        link.key,
        round(link.confidence, 2),
        link.names,
        link.filled if link.names < _WELL else 0.0,  # a role's name fits every person table
        person.score if person else 0.0,
        -len(link.target.columns),
    )


def _declared(live: LiveSchema, samples: Samples) -> Iterator[Link]:
    for table in live.tables.values():
        for key in table.fks:
            source = Source(
                table.name,
                key.columns[0],
                "columns" if len(key.columns) > 1 else "column",
                more=key.columns[1:],
            )
            target = Target(
                key.to, key.to_columns, extras=extras_of(live.tables[key.to], samples.sources)
            )
            yield Link(source, target, 1.0, f"foreign key {key.name}", declared=True, names=1.0)


@dataclass(frozen=True, slots=True)
class Pair:
    """A source and a target that it may point to, with the values that were looked for."""

    source: Source
    target: Target
    asked: list[str]
    telling: bool


def _judge(
    pair: Pair,
    live: LiveSchema,
    samples: Samples,
    naming: Naming,
    people: dict[str, PersonTable],
) -> Link | None:
    """Weigh coverage, distinctness and names; None where it may be chance."""
    source, target, asked = pair.source, pair.target, pair.asked
    held = samples.answers.get(target)
    if held is None:
        return None
    hits = sum((v.lower() if target.casefold else v) in held for v in asked)
    if not asked or not hits:
        return None
    covered = hits / len(asked)
    names = agreement(source, target, naming)
    if target.table in people and names < _AGREE and _speaks_of_people(source):
        names = 0.6
    own_key = live.tables[source.table].primary_key == (source.column,)
    if own_key and source.kind == "column" and not _extends(source, target, live, naming):
        return None
    if pair.telling:
        named = covered >= _LITTLE and names >= _AGREE
        good = covered >= _EVEN or named or (covered >= _SOME and hits >= _MANY)
        confidence = min(0.99, (0.8 if target.casefold else 0.9) * covered + 0.1 * names)
    else:
        good = names >= _AGREE and covered >= (_EVEN if names < _WELL else _ENOUGH)
        confidence = min(0.97, 0.55 * covered + 0.42 * names)
    if not good:
        return None
    place = f"{target.table}.{'+'.join(target.columns)}"
    reason = f"{hits} of {len(asked)} sampled values are found in {place}"
    if names >= _AGREE:
        reason += ", and the names agree"
    return Link(
        source,
        target,
        confidence,
        reason,
        names=names,
        covered=covered,
        filled=min(1.0, hits / max(1, samples.rows.get(target.table, 0))),
        key=live.tables[target.table].primary_key == target.columns,
    )


def _extends(source: Source, target: Target, live: LiveSchema, naming: Naming) -> bool:
    """Say whether a table's own key names another table's rows: one row more about each."""
    own, about = stems(source.words), naming.about[target.table]
    named = bool(own) and alike(own[-1], about[-1])
    itself = bool(own) and alike(own[-1], naming.about[source.table][-1])
    return named and not itself and live.tables[target.table].primary_key == target.columns


def _without_parts(found: dict[Source, Link]) -> list[Link]:
    """Drop what a better link says already: parts of composite keys, wholes of typed pairs."""
    typed = {(s.table, s.column) for s in found if s.where}
    lists = {(s.table, s.column) for s in found if s.kind == "list"}
    kept: list[Link] = []
    for source, link in found.items():
        place = (source.table, source.column)
        plain = source.kind == "column" and source.where is None and not link.declared
        if plain and (place in typed or place in lists):
            continue
        if source.kind == "columns" and not link.declared and _alone_is_enough(source, link, found):
            continue
        kept.append(link)
    return kept


def _alone_is_enough(source: Source, link: Link, found: dict[Source, Link]) -> bool:
    """Say whether one of the columns reaches the same table by a key of its own."""
    singles = [found.get(Source(source.table, column)) for column in source.columns]
    return any(s is not None and s.target.table == link.target.table for s in singles)


def base_word(table: str, naming: Naming) -> str:
    """Name a table's rows by one word: `app_users` gives `user`."""
    about = naming.about[table]
    return singular(about[-1]) if about else table
