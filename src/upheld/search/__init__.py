"""Finding and masking identifiers in text, however they are written down."""

from upheld.search.needles import MASK, Found, Needles

__all__ = ["MASK", "Found", "Needles"]
