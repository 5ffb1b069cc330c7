"""Identifiers in text: every writing of them is found, and nothing that only looks like one."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upheld.search import MASK, Needles

MAIL = "jane.12@ex.com"
NEEDLES = Needles([MAIL, "amber_otter_1", "+49151000001", "jürgen@ex.de", "1234567890", "abc"])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to jane.12@ex.com, please", f"write to {MASK}, please"),
        ("JANE.12@EX.COM.", f"{MASK}."),
        ("<jane.12@ex.com>", f"<{MASK}>"),
        ("q=jane.12%40ex.com&p=1", "q=%5Berased%5D&p=1"),
        ("%20jane.12%40ex.com", "%20%5Berased%5D"),
        ('{"to": "\\njane.12\\u0040ex.com"}', f'{{"to": "\\n{MASK}"}}'),
        (f"x {b'hi jane.12@ex.com'.hex()}", f"x {b'hi [erased]'.hex()}"),
        ("(amber_otter_1)", f"({MASK})"),
        ("tel:+49151000001", f"tel:{MASK}"),
        ("JÜRGEN@ex.de", MASK),
        ('"j\\u00fcrgen@ex.de"', f'"{MASK}"'),
    ],
)
def test_a_whole_token_is_masked(text: str, masked: str) -> None:
    assert NEEDLES.mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "jane.12@ex.com.au",
        "mary.jane.12@ex.com",
        "xjane.12@ex.com",
        "jane.12@ex.com-",
        "%2Bjane.12%40ex.com",
        "amber_otter_12",
        "amber_otter_1ß",
        f"{b'xjane.12@ex.com'.hex()}",
        "abc",
    ],
)
def test_part_of_a_longer_token_is_left(text: str) -> None:
    assert NEEDLES.mask(text) == (text, [])


def test_short_values_are_never_searched_for() -> None:
    assert "abc" not in NEEDLES.values


def test_a_number_in_json_stays_json() -> None:
    masked, found = NEEDLES.mask_json('{"a": 1234567890, "b": "1234567890"}')
    assert json.loads(masked) == {"a": MASK, "b": MASK}
    assert len(found) == 2


def test_of_two_that_overlap_the_longer_goes() -> None:
    needles = Needles(["amber", "amber otter"])
    assert needles.mask("amber otter, amber")[0] == f"{MASK}, {MASK}"


words = st.text(alphabet='abcXY12._-+@ %\\/\n"{}', max_size=12)
kinds = st.sampled_from(["raw", "upper", "url", "json", "hex"])


@given(before=words, after=words, kind=kinds)
def test_the_sieve_misses_nothing_that_is_found(before: str, after: str, kind: str) -> None:
    written = {
        "raw": MAIL,
        "upper": MAIL.upper(),
        "url": quote(MAIL, safe=""),
        "json": MAIL.replace("@", "\\u0040"),
        "hex": MAIL.encode().hex(),
    }[kind]
    text = before + written + after
    found = NEEDLES.find(text)
    if found:
        assert NEEDLES.near(text.encode())
        # COPY doubles backslashes.
        assert NEEDLES.near(text.replace("\\", "\\\\").encode())
    if before == "" and after == "":
        assert found


@given(text=st.text(max_size=60))
def test_masked_text_holds_nothing_any_more(text: str) -> None:
    masked, _ = NEEDLES.mask(text + " " + MAIL + " " + text)
    assert not NEEDLES.find(masked)
