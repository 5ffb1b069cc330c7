"""Erasure of a batch in one database, without the engine's record: for tests and trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg

from upheld.datamap import load_map_text
from upheld.stores.postgres.erasure import Erasure
from upheld.stores.postgres.worklist import Changed, Kept


@dataclass(frozen=True, slots=True)
class ErasureSummary:
    """What an erasure did: kept rows, changes to others' rows, and what is left."""

    kept: tuple[Kept, ...]
    changed: tuple[Changed, ...]
    residue: int


def erase_once(
    conninfo: str, map_yaml: str, batch: Sequence[Sequence[tuple[str, str]]], today: date
) -> ErasureSummary:
    """Erase `batch` (per person the identifiers given, as (kind, value)); raise PlanError."""
    datamap = load_map_text(map_yaml, Path("map.yaml"))
    with psycopg.connect(conninfo, autocommit=True) as conn:
        erasure = Erasure(conn, datamap, "once", seal=bytes, unseal=bytes)
        prepared = erasure.prepare(batch, today)
        verified = erasure.finish(today)
        changed = tuple(erasure.changed())
        erasure.destroy()
    return ErasureSummary(prepared.kept, changed, verified.residue)
