"""Access packages: one zip with everything a service holds about one person.

Values in, one file out. `index.html` is for the person and opens offline;
`data/` holds every table as CSV and as JSON, `objects/` the files, `about.json`
what the package is, and `manifest.json` the SHA-256 of every other file.
"""

from __future__ import annotations

from .model import (
    About,
    ExportColumn,
    ExportObject,
    ExportTable,
    PackageJob,
    PackageSummary,
    TableRows,
)
from .writer import write_package, write_packages

__all__ = [
    "About",
    "ExportColumn",
    "ExportObject",
    "ExportTable",
    "PackageJob",
    "PackageSummary",
    "TableRows",
    "write_package",
    "write_packages",
]
