"""Everything that a request touches, wired by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from upheld.database.conninfo import Conninfo
from upheld.datamap import DataMap
from upheld.evidence import Keys
from upheld.stores.objects import Objects


@dataclass(frozen=True, slots=True)
class Stores:
    """The engine's record and keys, and every system and object store.

    `reports` is the folder for reports of erasures; `clock` gives the time, in UTC.
    """

    conn: psycopg.Connection[Any]
    keys: Keys
    maps: Mapping[str, DataMap]
    systems: Mapping[str, Conninfo]
    objects: Mapping[str, Objects]
    reports: Path
    clock: Callable[[], datetime]
