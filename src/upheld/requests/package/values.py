r"""One value as JSON, as a CSV cell, and as text for people.

JSON holds the exact value: numerics as strings with every digit, bytes as
PostgreSQL writes them (`\x` and hexadecimal digits), dates as ISO 8601.

CSV is made for spreadsheets, which run a cell that begins with `=`, `+`, `-`,
`@`, tab or return as a formula (OWASP, "CSV Injection"). In text, an
apostrophe is put in front of each of these wherever a cell could begin: at
the start, and after a line break, tab, `;` or `|`, where a spreadsheet set to
another separator would cut. Numbers are left alone. All text is quoted, so an
empty text (`""`) and nothing at all differ. NUL, which spreadsheets cut at,
becomes U+FFFD. Files begin with a byte order mark, without which Excel reads
UTF-8 as the local code page.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

BYTE_ORDER_MARK: Final = "\ufeff"
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_STARTS = re.compile(rf"""\A[ "']*(?=[\t\r\n{_FORMULA}])|(?<=[\n\r\t;|])[ "']*(?=[{_FORMULA}])""")
_MAY_START = re.compile(rf"""[\n\r\t;|][ "']*[{_FORMULA}]""")
_HOT = frozenset("=+-@\t\r\n \"'\uff1d\uff0b\uff0d\uff20")


def plain(value: object) -> Any:  # noqa: ANN401  what JSON knows: str or a list
    """Give a value that JSON does not know as text, exactly."""
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=plain).encode
_ENCODE_LINES: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, default=plain, separators=(",\n", ": ")
).encode


def as_json(value: object) -> str:
    """Encode on one line; numbers that JSON does not have (NaN, infinity) become text."""
    try:
        return _ENCODE(value)
    except ValueError:
        return _ENCODE(_finite(value))


def json_items(rows: list[dict[str, Any]]) -> str:
    """Encode rows as the items of an array, without its brackets, a line for each value.

    One call for many rows: setting up the encoder costs as much as a row.
    """
    try:
        return _ENCODE_LINES(rows)[1:-1]
    except ValueError:
        return _ENCODE_LINES(_finite(rows))[1:-1]


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _disarm(found: re.Match[str]) -> str:
    return "'" + found.group()


def csv_text(text: str) -> str:
    """Quote a text and disarm what a spreadsheet would run."""
    if text and (text[0] in _HOT or _MAY_START.search(text)):
        text = _STARTS.sub(_disarm, text)
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if '"' in text else f'"{text}"'


def _other_csv(value: object) -> str:
    if isinstance(value, list | tuple | dict):
        return csv_text(as_json(value))
    return csv_text(plain(value))


# By exact type: a chain of isinstance costs more than the rest of a cell.
_CSV: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: "",
    str: csv_text,
    int: str,
    float: str,
    bool: lambda v: "true" if v else "false",
    Decimal: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
    UUID: str,
}


def csv_row(values: Iterable[object]) -> str:
    """Give one line of CSV (RFC 4180) with its line break."""
    return ",".join([_CSV.get(type(v), _other_csv)(v) for v in values]) + "\r\n"


def _moment(value: datetime) -> str:
    text = value.isoformat(" ", "seconds")
    return text[:-6] + " UTC" if text.endswith("+00:00") else text


_SPOKEN: Final[dict[type, Callable[[Any], str]]] = {
    int: str,
    float: str,
    Decimal: str,
    datetime: _moment,
    date: date.isoformat,
    UUID: str,
}


def spoken(value: object, yes: str, no: str, *, within: bool = False) -> str:
    """Give a value as text for people: lists by commas, mappings as lines of `key: value`.

    `within` another value, a mapping stands on one line.
    """
    if isinstance(value, str):
        return value
    known = _SPOKEN.get(type(value))
    if known:
        return known(value)
    if isinstance(value, bool):
        return yes if value else no
    if isinstance(value, dict):
        between = ", " if within else "\n"
        return between.join(
            [f"{key}: {spoken(item, yes, no, within=True)}" for key, item in value.items()]
        )
    if isinstance(value, list | tuple):
        between = "\n" if any(isinstance(item, dict) for item in value) else ", "
        return between.join([spoken(item, yes, no, within=True) for item in value])
    return "" if value is None else str(plain(value))
