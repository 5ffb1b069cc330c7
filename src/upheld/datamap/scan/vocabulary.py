"""How the word lists of the scan are written."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Give the words of a text, which blanks and line ends part."""
    return frozenset(text.split())
