"""Identifiers that resemble each other, and texts that hold them in every writing."""

from __future__ import annotations

import json
from random import Random
from typing import Any

# Neighbours on purpose: each is part of another that must not be touched.
EMAILS = (
    "jane@ex.com",
    "xjane@ex.com",
    "mary.jane@ex.com",
    "jane@ex.com.au",
    "jane@ex.com-old.org",
    "news@ex.com",
    "lea+news@ex.com",
    "kim_7@mail.org",
    "b@mail.org",
    "omar.b@mail.org",
    "tom-x@ex.com",
    "zoe99@mail.org",
)
HANDLES = (
    "starfox_01", "star", "bluejay77", "bluejay7", "jo", "quill", "quillon", "night-owl", "mira.k",
)  # fmt: skip
DEVICES = tuple(f"dev-{number:04x}f{number}" for number in (10, 11, 266, 4001, 52001, 61007))
PHONES = ("+4917012345678", "+491701234567", "+33612345670", "+12025550143")

_FILLERS = ("hello", "see", "from", "ask", "grüße", "100%", "a_b", "cc:", "ok.", "x")


def respell(rng: Random, identifier: str) -> str:
    """Write an identifier another way that still means it."""
    way = rng.randrange(3)
    if way == 0:
        return identifier.upper()
    return identifier.title() if way == 1 else identifier


def near_miss(rng: Random, identifier: str) -> str:
    """Write something that holds an identifier and is another."""
    ways = [f"x{identifier}", f"{identifier}x", f"{identifier}_", f"ü{identifier}"]
    if "@" in identifier:
        ways += [f"mary.{identifier}", f"a+{identifier}", f"a-{identifier}", f"{identifier}.au"]
        ways += [f"{identifier}-b.org", f"%{identifier}"]
    return rng.choice(ways)


def encoded(rng: Random, identifier: str, *, escapes: bool) -> str:
    """Write an identifier as URLs, hexadecimal dumps and JSON do."""
    ways = [f"id={identifier.encode().hex()};"]
    if rng.random() < 0.3:
        ways.append(f"id={identifier.encode().hex().upper()};")
    for sign in "@+":
        if sign in identifier:
            coded = identifier.replace(sign, f"%{ord(sign):02X}")
            ways += [f"https://t.org/?u={coded}&v=1", f"to%20{coded}%20now"]
            if escapes:
                coded = identifier.replace(sign, f"\\u{ord(sign):04x}")
                ways.append(f'"{coded}"')
    if escapes:
        ways.append(f'line\\n{identifier}\\tend \\"{identifier}\\"')
    return rng.choice(ways)


def mention(rng: Random, identifier: str, *, escapes: bool = True) -> str:
    """Write an identifier in one of the many ways, or something that only looks like it."""
    way = rng.random()
    if way < 0.45:
        plain = respell(rng, identifier)
        around = rng.choice(("{}", "<{}>", "({})", "{},", "{}.", "'{}'", "/{}/", "@{}", "{}: hi"))
        return around.format(plain)
    if way < 0.7:
        return near_miss(rng, identifier)
    return encoded(rng, identifier, escapes=escapes)


def prose(rng: Random, identifiers: list[str], *, escapes: bool = True) -> str:
    """Write a short text that may name a few of the identifiers."""
    words = [rng.choice(_FILLERS) for _ in range(rng.randrange(4))]
    words += [
        mention(rng, rng.choice(identifiers), escapes=escapes)
        for _ in range(rng.choice((0, 1, 1, 2)))
        if identifiers
    ]
    rng.shuffle(words)
    return rng.choice((" ", " ", "\n", ", ")).join(words)


def document(rng: Random, identifiers: list[str]) -> dict[str, Any]:
    """Make a small JSON object with texts at several depths, names of members included."""
    made: dict[str, Any] = {"note": prose(rng, identifiers, escapes=False), "n": rng.randrange(9)}
    if rng.random() < 0.5:
        made["log"] = [prose(rng, identifiers, escapes=False), None, {"deep": [True, "x"]}]
    if identifiers and rng.random() < 0.3:
        made[rng.choice(identifiers)] = 1
    return made


def json_text(rng: Random, value: Any) -> str:  # noqa: ANN401  any JSON value
    """Write JSON as a service might: with blanks or without, with signs escaped or not."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.4:
        text = text.replace("@", "\\u0040")
    return text
