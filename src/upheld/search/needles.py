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
from itertools import product
from typing import Any
from urllib.parse import quote

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

MASK = "[erased]"
SHORTEST = 5
_MOST_SPECIAL = 3
_RAW, _URL, _JSON, _HEX = range(4)
# Small letters; and 4 as 6, 5 as 7, so that the hexadecimal digits of a letter are
# the same whether it is small (0x61) or capital (0x41).
_FOLD = bytes(range(256)).lower().replace(b"4", b"6").replace(b"5", b"7")
_FOLD_TEXT = str.maketrans("45", "67")
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
        self.values = tuple(value for value in values if len(value) >= SHORTEST)
        forms: dict[tuple[str, int], int] = {}
        hexes: dict[str, int] = {}
        for number, value in enumerate(self.values):
            for text, form in _forms(value):
                forms.setdefault((text, form), number)
            hexes.setdefault(_hex(value).translate(_FOLD_TEXT), number)
        self._forms = tuple((form, number) for (_, form), number in forms.items())
        self._hexes = tuple(hexes.values())
        written = [text for text, _ in forms]
        self._texts = _automaton(AhoCorasick, written)
        self._digits = _automaton(AhoCorasick, list(hexes))
        sieve = {p.translate(_FOLD) for text in written for p in _byte_patterns(text)}
        self._bytes = _automaton(
            BytesAhoCorasick, sorted(sieve | {digits.encode() for digits in hexes})
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
        return [start for _, start, _ in self._bytes.find_matches_as_indexes(data.translate(_FOLD))]

    def find(self, text: str) -> list[Found]:
        """Find whole tokens, leftmost first, the longest of those that overlap."""
        if self._texts is None or self._digits is None:
            return []
        low = text.lower()
        if len(low) != len(text):  # a few letters change length, such as İ
            low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        hits = []
        for pattern, start, end in self._texts.find_matches_as_indexes(low, overlapping=True):
            form, number = self._forms[pattern]
            if _is_token(low, start, end, form, mail="@" in self.values[number]):
                hits.append(Found(number, start, end, form))
        digits = low.translate(_FOLD_TEXT)
        for pattern, start, end in self._digits.find_matches_as_indexes(digits, overlapping=True):
            number = self._hexes[pattern]
            if _spells(low[start:end], self.values[number]) and _is_token(
                low, start, end, _HEX, mail="@" in self.values[number]
            ):
                hits.append(Found(number, start, end, _HEX))
        hits.sort(key=lambda hit: (hit.start, -hit.end))
        chosen: list[Found] = []
        for hit in hits:
            if not chosen or hit.start >= chosen[-1].end:
                chosen.append(hit)
        return chosen

    def mask(self, text: str, mask: str = MASK) -> tuple[str, list[Found]]:
        """Put `mask` in the place of each identifier; give the new text and what was found."""
        found = self.find(text)
        parts: list[str] = []
        last = 0
        for hit in found:
            parts += [text[last : hit.start], _written(mask, hit.form)]
            last = hit.end
        return ("".join([*parts, text[last:]]), found) if found else (text, found)

    def mask_json(self, text: str, mask: str = MASK) -> tuple[str, list[Found]]:
        """Mask a JSON document and keep it one, numbers included."""
        masked, found = self.mask(text, mask)
        if not found:
            return text, found
        try:
            json.loads(masked)
        except ValueError:
            return json.dumps(self._mask_value(json.loads(text)), ensure_ascii=False), found
        return masked, found

    def find_bytes(self, data: bytes) -> list[Found]:
        """Find in bytes; what is not UTF-8 among them touches no token."""
        return self.find(_readable(data))

    def mask_bytes(self, data: bytes) -> tuple[bytes, list[Found]]:
        """Mask in bytes, and leave every other byte as it is."""
        masked, found = self.mask(_readable(data))
        return (_as_bytes(masked), found) if found else (data, found)

    def _mask_value(self, value: Any) -> Any:  # noqa: ANN401  JSON holds anything
        if isinstance(value, dict):
            return {self.mask(k)[0]: self._mask_value(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._mask_value(item) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        masked, found = self.mask(str(value))
        return masked if found else value


# Bytes that are not UTF-8, as characters that are no letters: U+F0080 to U+F00FF.
_STRAY = {0xDC80 + byte: 0xF0080 + byte for byte in range(0x80)}
_BACK = {private: stray for stray, private in _STRAY.items()}


def _readable(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape").translate(_STRAY)


def _as_bytes(text: str) -> bytes:
    return text.translate(_BACK).encode("utf-8", "surrogateescape")


def _forms(value: str) -> Iterable[tuple[str, int]]:
    """Give the ways in which an identifier may be written, in small letters.

    Writers differ in which characters they escape and how (a URL within JSON does
    both), so each choice is a form: an address has one or two such characters.
    """
    low = value.lower()
    yield low, _RAW
    special = sorted({c for c in low if not (c.isascii() and (c.isalnum() or c in "._-"))})
    special = special[:_MOST_SPECIAL]
    for chosen in product((_RAW, _URL, _JSON), repeat=len(special)):
        if any(chosen):
            escaped = {c: _escape(c, form) for c, form in zip(special, chosen, strict=True)}
            text = "".join(escaped.get(c, c) for c in low)
            yield text, _URL if _URL in chosen else _JSON
    if "/" in low:
        yield low.replace("/", "\\/"), _JSON


def _hex(value: str) -> str:
    return value.lower().encode().hex()


def _spells(digits: str, value: str) -> bool:
    """Say whether hexadecimal digits spell the value, in any case of its letters."""
    try:
        return bytes.fromhex(digits).decode().lower() == value.lower()
    except ValueError:
        return False


def _written(mask: str, form: int) -> str:
    if form == _URL:
        return quote(mask, safe="")
    return mask.encode().hex() if form == _HEX else mask


def _automaton(kind: Any, patterns: list[Any]) -> Any:  # noqa: ANN401  two classes of one shape
    return kind(patterns, implementation=Implementation.ContiguousNFA) if patterns else None


def _escape(character: str, form: int) -> str:
    if form == _URL:
        return quote(character, safe="").lower()
    return json_escape(character) if form == _JSON else character


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
            # COPY doubles them; so do arrays and bytea on their way into it.
            for times in (2, 4, 8):
                yield data.replace(b"\\", b"\\" * times)


def _is_token(text: str, start: int, end: int, form: int, *, mail: bool) -> bool:
    if form == _HEX:
        before, after = _hex_before(text, start), _hex_after(text, end)
        following = _hex_after(text, end + 2)
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
