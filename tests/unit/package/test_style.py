"""The colours of the page keep the contrast that WCAG 2.2 asks for, light and dark."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("upheld.requests.package").joinpath("style.css").read_text("utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--(\w+): (#[0-9a-f]+);", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
)


def luminance(colour: str) -> float:
    """Give the relative luminance (WCAG 2.2, 0 to 1) of `#rgb` or `#rrggbb`."""
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "sheet"])
@pytest.mark.parametrize("text", ["ink", "soft", "link", "seen"])
def test_text_is_readable(scheme: dict[str, str], ground: str, text: str) -> None:
    assert contrast(scheme[text], scheme[ground]) >= 7  # level AAA


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_focus_can_be_seen(scheme: dict[str, str]) -> None:
    assert contrast(scheme["mark"], scheme["paper"]) >= 3


def test_nothing_is_fetched_from_elsewhere() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
