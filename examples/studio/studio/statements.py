"""Named SQL statements, kept in `.sql` files next to the code."""

from __future__ import annotations

import re
from importlib.resources import files


def text(name: str) -> str:
    """Read a file of fixed SQL of this package."""
    return files(__package__).joinpath(name).read_text("utf-8")


def named(name: str) -> dict[str, str]:
    """Split a file at its `-- name: …` lines; what stands before the first is dropped."""
    _, *parts = re.split(r"^-- name: (\w+)\n", text(name), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
