"""Identifiers as search patterns: found as whole tokens, and masked.

Each identifier is looked for as it is written, URL-encoded, JSON-escaped and
hex-encoded, without regard to case. One Aho-Corasick automaton (Aho and
Corasick, 1975) holds all forms of all identifiers, so that the time of a search
hardly depends on how many there are. See docs/datamap.md, "A whole token".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

MASK = "[erased]"
SHORTEST = 5
_RAW, _URL, _JSON, _HEX = range(4)
_MASKS = {
    _RAW: MASK,
    _JSON: MASK,
    _URL: quote(MASK, safe=""),
    _HEX: MASK.encode().hex(),
}
_LEFT_OF_MAIL = frozenset(".%+-")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Found:
    """One identifier in a text: which one, and where."""

    identifier: int
    start: int
    end: int
    form: int


class Needles:
    """The patterns of some identifiers. `values` are the identifiers as written."""

    def __init__(self, values: Iterable[str]) -> None:
        forms: dict[tuple[str, int], int] = {}
        self.values = tuple(value for value in values if len(value) >= SHORTEST)
        for number, value in enumerate(self.values):
            for text, form in _forms(value):
                forms.setdefault((text, form), number)
        self._forms = tuple((form, number) for (_, form), number in forms.items())
        written = [text for text, _ in forms]
        self._texts = (
            AhoCorasick(written, implementation=Implementation.ContiguousNFA) if written else None
        )
        self._bytes = (
            BytesAhoCorasick(
                sorted({p for text in written for p in _byte_patterns(text)}),
                implementation=Implementation.ContiguousNFA,
            )
            if written
            else None
        )

    def __len__(self) -> int:
        """Give how many identifiers are looked for."""
        return len(self.values)

    def near(self, data: bytes) -> list[int]:
        """Give byte offsets in `data` where something like an identifier begins.

        A sieve: it may report what `find` refuses, and misses nothing that
        `find` would report (letters outside ASCII all small or all capital).
        """
        if self._bytes is None:
            return []
        return [start for _, start, _ in self._bytes.find_matches_as_indexes(data.lower())]

    def find(self, text: str) -> list[Found]:
        """Find whole tokens, leftmost first, the longest of those that overlap."""
        if self._texts is None:
            return []
        low = text.lower()
        if len(low) != len(text):  # a few letters change length, such as İ
            low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        hits = []
        for pattern, start, end in self._texts.find_matches_as_indexes(low, overlapping=True):
            form, number = self._forms[pattern]
            if _is_token(low, start, end, form, mail="@" in self.values[number]):
                hits.append(Found(number, start, end, form))
        hits.sort(key=lambda hit: (hit.start, -hit.end))
        chosen: list[Found] = []
        for hit in hits:
            if not chosen or hit.start >= chosen[-1].end:
                chosen.append(hit)
        return chosen

    def mask(self, text: str) -> tuple[str, list[Found]]:
        """Put the mask in the place of each identifier; give the new text and what was found."""
        found = self.find(text)
        parts: list[str] = []
        last = 0
        for hit in found:
            parts += [text[last : hit.start], _MASKS[hit.form]]
            last = hit.end
        return ("".join([*parts, text[last:]]), found) if found else (text, found)

    def mask_json(self, text: str) -> tuple[str, list[Found]]:
        """Mask a JSON document and keep it one, numbers included."""
        masked, found = self.mask(text)
        if not found:
            return text, found
        try:
            json.loads(masked)
        except ValueError:
            return json.dumps(self._mask_value(json.loads(text)), ensure_ascii=False), found
        return masked, found

    def _mask_value(self, value: Any) -> Any:  # noqa: ANN401  JSON holds anything
        if isinstance(value, dict):
            return {self.mask(k)[0]: self._mask_value(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._mask_value(item) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        masked, found = self.mask(str(value))
        return masked if found else value


def _forms(value: str) -> Iterable[tuple[str, int]]:
    """Give the ways in which an identifier may be written, in small letters."""
    low = value.lower()
    yield low, _RAW
    for safe in ("", "+", "@"):
        url = quote(value, safe=safe).lower()
        if url != low and "%" in url:
            yield url, _URL
    for escaped in _json_forms(low):
        if escaped != low:
            yield escaped, _JSON
    for case in {value, low, value.upper()}:
        yield case.encode().hex(), _HEX


def _json_forms(low: str) -> Iterable[str]:
    yield json.dumps(low)[1:-1].lower()
    yield low.replace("/", "\\/")
    yield _escaped(low, lambda c: c == "@")
    yield _escaped(low, lambda c: not (c.isascii() and (c.isalnum() or c in "._-")))


def _escaped(text: str, which: Any) -> str:  # noqa: ANN401  a predicate over characters
    return "".join(json_escape(c) if which(c) else c for c in text)


def json_escape(character: str) -> str:
    r"""Write a character as \uXXXX, with surrogates where JSON needs them."""
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _byte_patterns(text: str) -> Iterable[bytes]:
    r"""Give the bytes of a form as COPY may print it: backslashes single or doubled.

    `bytes.lower` folds ASCII only, so other letters are tried in both cases.
    """
    for case in {text, text.upper()}:
        data = case.encode().lower()
        yield data
        if b"\\" in data:
            yield data.replace(b"\\", b"\\\\")


def _is_token(text: str, start: int, end: int, form: int, *, mail: bool) -> bool:
    if form == _HEX:
        before, after = _hex_before(text, start), _hex_after(text, end)
        following = ""
    else:
        before = _char_before(text, start)
        after, following = text[end : end + 1], text[end + 1 : end + 2]
    if _is_word(before) or _is_word(after):
        return False
    if mail:
        if before in _LEFT_OF_MAIL and before:
            return False
        if after == "-" or (after == "." and (following.isalnum())):
            return False
    return True


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def _char_before(text: str, start: int) -> str:
    """Give the character before `start`; an escape counts as what it stands for."""
    before = text[start - 1 : start] if start else ""
    url = text[max(start - 3, 0) : start]
    if len(url) == 3 and url[0] == "%" and set(url[1:]) <= _HEX_DIGITS:  # noqa: PLR2004  %XX
        return chr(int(url[1:], 16))
    unicode = re.search(r"(\\+)u([0-9a-fA-F]{4})\Z", text[max(start - 12, 0) : start])
    if unicode and len(unicode[1]) % 2:
        return chr(int(unicode[2], 16))
    if before in _ESCAPES:
        slashes = re.search(r"\\+\Z", text[max(start - 12, 0) : start - 1])
        if slashes and len(slashes[0]) % 2:
            return _ESCAPES[before]
    return before


def _hex_before(text: str, start: int) -> str:
    pair = text[max(start - 2, 0) : start]
    if len(pair) == 2 and set(pair) <= _HEX_DIGITS:  # noqa: PLR2004  two digits make a byte
        return chr(int(pair, 16))
    return ""


def _hex_after(text: str, end: int) -> str:
    pair = text[end : end + 2]
    if len(pair) == 2 and set(pair) <= _HEX_DIGITS:  # noqa: PLR2004  two digits make a byte
        return chr(int(pair, 16))
    return ""
