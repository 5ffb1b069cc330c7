"""Masking, character by character: what the words of docs/datamap.md say and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

PLAIN = "[erased]"
PERCENT = "%5Berased%5D"
HEX = PLAIN.encode().hex()
_JSON_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}
_JSON_ESCAPES["/"] = "/"
_HEX_RUN = re.compile(r"(?<![^\W])[0-9a-fA-F]{10,}(?![^\W])")


@dataclass(frozen=True)
class _Sign:
    """One character as it is meant, and as it is written."""

    meant: str
    written: str

    @property
    def percent(self) -> bool:
        return len(self.written) == 3 and self.written.startswith("%")


def _signs(text: str) -> list[_Sign]:
    """Read a text sign by sign; an escape counts as the character that it stands for."""
    signs = []
    at = 0
    while at < len(text):
        percent = re.match(r"%([0-9a-fA-F]{2})", text[at:])
        coded = re.match(r"\\u([0-9a-fA-F]{4})", text[at:])
        escape = re.match(r'\\([ntrbf"\\/])', text[at:])
        if percent:
            sign = _Sign(chr(int(percent[1], 16)), percent[0])
        elif coded:
            sign = _Sign(chr(int(coded[1], 16)), coded[0])
        elif escape:
            sign = _Sign(_JSON_ESCAPES[escape[1]], escape[0])
        else:
            sign = _Sign(text[at], text[at])
        signs.append(sign)
        at += len(sign.written)
    return signs


def _in_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def _whole(before: str, after: str, identifier: str) -> bool:
    """Tell whether what touches an identifier leaves it a whole token."""
    if _in_word(before[-1:]) or _in_word(after[:1]):
        return False
    if "@" not in identifier:
        return True
    if before[-1:] in (".", "%", "+", "-") and before:
        return False
    if after[:1] == "-":
        return False
    return not (after[:1] == "." and after[1:2].isalnum())


def mask_text(text: str, identifiers: list[str]) -> str:
    """Put `[erased]` in place of each whole token that is one of the identifiers."""
    longest_first = sorted({one.lower() for one in identifiers}, key=lambda one: (-len(one), one))
    signs = _signs(_mask_hex(text, longest_first))
    meant = "".join(sign.meant for sign in signs)
    result = []
    at = 0
    while at < len(signs):
        found = None
        for identifier in longest_first:
            end = at + len(identifier)
            same = meant[at:end].lower() == identifier
            if same and _whole(meant[:at], meant[end:], identifier):
                found = end
                break
        if found is None:
            result.append(signs[at].written)
            at += 1
        else:
            result.append(PERCENT if any(sign.percent for sign in signs[at:found]) else PLAIN)
            at = found
    return "".join(result)


def _mask_hex(text: str, identifiers: list[str]) -> str:
    """Do so for identifiers written as the hexadecimal form of their bytes."""

    def replace(run: re.Match[str]) -> str:
        for identifier in identifiers:
            if len(run[0]) % 2 == 0 and bytes.fromhex(run[0]).lower() == identifier.encode():
                return HEX
        return run[0]

    return _HEX_RUN.sub(replace, text)


def mask_json(value: Any, identifiers: list[str]) -> Any:  # noqa: ANN401  any JSON value
    """Mask every string of a JSON value, names of members included."""
    if isinstance(value, str):
        return mask_text(value, identifiers)
    if isinstance(value, list):
        return [mask_json(one, identifiers) for one in value]
    if isinstance(value, dict):
        return {
            mask_text(name, identifiers): mask_json(one, identifiers) for name, one in value.items()
        }
    return value


def mask_json_text(text: str, identifiers: list[str]) -> Any:  # noqa: ANN401  any JSON value
    """Give the masked value of JSON text."""
    return mask_json(json.loads(text), identifiers)


def mask_bytes(data: bytes, identifiers: list[str]) -> bytes:
    """Mask bytes as the text that they are in Latin-1, where each byte is one sign."""
    return mask_text(data.decode("latin-1"), identifiers).encode("latin-1")
