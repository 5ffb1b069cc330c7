"""Who asks: identifiers as a person or a file gives them, read strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from upheld.datamap import DataMap
from upheld.errors import Place, RequestError
from upheld.located import did_you_mean

_EMAIL = re.compile(r"[^@\s,]{1,64}@[^@\s,.]+(\.[^@\s,.]+)+\Z")
_MOST_PEOPLE = 1_000_000


@dataclass(frozen=True, slots=True)
class Ask:
    """One person who asks, and the identifiers given, as (kind, value)."""

    given: tuple[tuple[str, str], ...]
    where: Place | None = None

    @property
    def label(self) -> str:
        """Show who is meant, in words the person typed."""
        return ", ".join(
            value if kind == "email" else f"{kind}:{value}" for kind, value in self.given
        )


def read_asks(
    emails: Sequence[str], accounts: Sequence[str], file: Path | None, maps: Iterable[DataMap]
) -> tuple[Ask, ...]:
    """Give who asks; raise RequestError where an identifier is malformed or nobody is named.

    A file holds one person a line: an e-mail address, or `kind:value`, several
    separated by commas; empty lines and `#` lines are passed over. `--account`
    takes a key of the person table, whatever the map calls that kind.
    """
    known = tuple(maps)
    kinds = {kind for datamap in known for kind in datamap.kinds()} | {"email"}
    keys = [
        table.person.kind for datamap in known for table in datamap.tables.values() if table.person
    ]
    asks = [Ask((_identifier(email, kinds, None),)) for email in emails]
    for account in accounts:
        if not keys:
            message = "no data map has a person table, so there are no accounts"
            raise RequestError(message)
        asks.append(Ask((_identifier(f"{keys[0]}:{account}", kinds, None),)))
    if file is not None:
        asks.extend(_read_file(file, kinds))
    if not asks:
        message = "nobody is named"
        raise RequestError(message, help="say --email, --account or --from FILE")
    return _once_each(asks)


def _read_file(file: Path, kinds: set[str]) -> Iterable[Ask]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        message = f"cannot read `{file}`: {reason}"
        raise RequestError(message) from None
    if len(lines) > _MOST_PEOPLE:
        message = f"`{file}` has more than {_MOST_PEOPLE:,} lines"
        raise RequestError(message, help="split it")
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not text.startswith("#"):
            where = Place(file, number)
            yield Ask(
                tuple(_identifier(part.strip(), kinds, where) for part in text.split(",")), where
            )


def _identifier(text: str, kinds: set[str], where: Place | None) -> tuple[str, str]:
    kind, colon, value = text.partition(":")
    if not colon:
        kind, value = "email", text
    value = value.strip()
    if kind not in kinds:
        message = f"unknown kind of identifier `{kind}`"
        advice = did_you_mean(kind, kinds) or f"known kinds: {', '.join(sorted(kinds))}"
        raise RequestError(message, where=where, help=advice)
    if kind == "email" and not _EMAIL.match(value):
        message = f"`{value}` is not an e-mail address"
        raise RequestError(message, where=where, help="write it as name@example.org")
    if not value or "\0" in value:
        message = f"the {kind} is empty"
        raise RequestError(message, where=where)
    return kind, value


def _once_each(asks: Sequence[Ask]) -> tuple[Ask, ...]:
    """Join those who ask twice in the same words."""
    return tuple({_folded(ask): ask for ask in reversed(asks)}.values())[::-1]


def _folded(ask: Ask) -> frozenset[tuple[str, str]]:
    return frozenset(
        (kind, value.lower() if kind == "email" else value) for kind, value in ask.given
    )
