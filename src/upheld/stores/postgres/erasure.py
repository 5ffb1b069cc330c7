"""A batch erased in one PostgreSQL database: plan, execute, mask, search again.

The stages are small and each can be repeated: `prepare` commits the worklist,
`carry_out` executes and masks, `verify` searches once more and either finds
nothing or commits a further round. Who calls them decides when; a run that was
killed is taken up by calling them again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from upheld.datamap.live import LiveSchema
from upheld.datamap.model import DataMap
from upheld.errors import MapError, StoreError
from upheld.search.needles import Needles
from upheld.stores.postgres.catalog import read_schema
from upheld.stores.postgres.footprint import Footprint, Workspace
from upheld.stores.postgres.resolution import Held, Resolution, person_table, subjects_of
from upheld.stores.postgres.sweep import Sweep
from upheld.stores.postgres.worklist import (
    Changed,
    Execution,
    Kept,
    Plan,
    Planner,
    Progress,
    changed_rows,
    destroy_run,
    ensure_work_schema,
    saved_run,
)

MAX_ROUNDS = 5
Given = Sequence[Sequence[tuple[str, str]]]


def silent(_what: str, _done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the plan of a batch says, before anything is done."""

    plan: Plan
    held: tuple[Held, ...]
    counts: tuple[tuple[int, str, int], ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What the second search found. Residue 0 is the only way to be done."""

    rows: int
    mentions: int

    @property
    def residue(self) -> int:
        """Give how many rows still are, or mention, somebody of the batch."""
        return self.rows + self.mentions


class Erasure:
    """One batch in one database. `seal` and `unseal` encrypt what the worklist must remember."""

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        datamap: DataMap,
        run: str,
        seal: Callable[[bytes], bytes],
        unseal: Callable[[bytes], bytes],
    ) -> None:
        self.conn = conn
        self.datamap = datamap
        self.run = run
        self.seal = seal
        self.unseal = unseal
        self.live: LiveSchema = fitting_schema(conn, datamap)

    def prepare(self, batch: Given, today: date, *, keep: bool = True) -> Prepared:
        """Plan the batch; with `keep`, commit the worklist, else leave no trace."""
        with _one_transaction(self.conn, keep=keep):
            ensure_work_schema(self.conn)
            resolution = Resolution(self.conn, self.datamap, self.live)
            resolution.run(subjects_of(batch))
            footprint = Footprint(resolution, Workspace(self.run))
            planner = Planner(footprint)
            plan = planner.plan(today)
            held = tuple(resolution.held())
            prepared = Prepared(plan, held, tuple(footprint.counts()), tuple(planner.kept()))
            if keep:
                planner.save(plan, self.seal(_pack(held, prepared.kept)))
        return prepared

    def saved(self, number: int = 1) -> tuple[Plan, tuple[Held, ...], tuple[Kept, ...]] | None:
        """Give a round's worklist where it was committed."""
        with self.conn.transaction():
            ensure_work_schema(self.conn)
            found = saved_run(self.conn, round_name(self.run, number))
        if found is None:
            return None
        plan, sealed = found
        return (plan, *_unpack(self.unseal(sealed)))

    def carry_out(self, plan: Plan, held: Sequence[Held], progress: Progress = silent) -> None:
        """Execute a worklist and mask mentions; safe to repeat."""
        Execution(self.conn, self.live, plan).run(progress)
        Sweep(self.conn, self.datamap, self.live, self._first(plan)).mask(
            self.needles(held), progress
        )

    def verify(
        self, number: int, held: Sequence[Held], today: date, progress: Progress = silent
    ) -> Verified:
        """Search again by footprint and by identifier; commit what is left as round `number`.

        The identifiers are those that the worklist remembers: the rows that led
        to them are gone.
        """
        workspace = Workspace(round_name(self.run, number))
        with _one_transaction(self.conn, keep=True):
            resolution = Resolution(self.conn, self.datamap, self.live)
            resolution.run(())
            restore(resolution, held)
            planner = Planner(Footprint(resolution, workspace))
            plan = planner.plan(today, anonymise=False)
            planner.save(plan, self.seal(_pack(held, ())))
        first = self.saved(1)
        sweep = Sweep(self.conn, self.datamap, self.live, first[0] if first else plan)
        mentions = sum(1 for _ in sweep.search(self.needles(held), progress))
        self.conn.commit()
        return Verified(plan.rows, mentions)

    def changed(self) -> Iterator[Changed]:
        """Give every change to a row that was not the leavers' own."""
        return changed_rows(self.conn, self.run)

    def destroy(self) -> None:
        """Drop the worklist: it has done its work."""
        with self.conn.transaction():
            destroy_run(self.conn, self.run)

    def needles(self, held: Sequence[Held]) -> Needles:
        """Give the identifiers to search for: the leavers' own, of kinds that are searched."""
        return Needles(
            dict.fromkeys(
                one.value for one in held if not one.outside and self.datamap.kind(one.kind).search
            )
        )

    def _first(self, plan: Plan) -> Plan:
        first = self.saved(1)
        return first[0] if first else plan


def round_name(run: str, number: int) -> str:
    """Name a round of a run: the first has the run's own name."""
    return run if number == 1 else f"{run}_{number}"


def restore(resolution: Resolution, held: Sequence[Held]) -> None:
    """Put remembered identifiers back, instead of resolving rows that are gone."""
    with resolution.conn.cursor().copy(
        "COPY uf_ident (n, kind, value, given, alone, outside) FROM STDIN"
    ) as copy:
        for one in held:
            copy.write_row((one.n, one.kind, one.value, False, one.alone, one.outside))
    resolution.conn.execute("ANALYZE uf_ident")
    for index, name in enumerate(resolution.persons):
        table = resolution.live.tables[name]
        said = resolution.datamap.tables[name].person
        column = table.columns[table.key[0]]
        resolution.conn.execute(
            sql.SQL(
                "INSERT INTO {} (n, key) SELECT n, value::{} FROM uf_ident WHERE kind = {} AND alone "
                "ON CONFLICT DO NOTHING"
            ).format(
                sql.Identifier(person_table(index)),
                sql.SQL(column.type),  # type: ignore[arg-type]  the server's own format_type
                sql.Literal(said.kind if said else ""),
            )
        )
        resolution.conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(person_table(index))))


def fitting_schema(conn: psycopg.Connection[Any], datamap: DataMap) -> LiveSchema:
    """Read the live schema; raise MapError where the map names what is not there."""
    with conn.transaction():
        live = read_schema(conn)
    for name, table in datamap.tables.items():
        there = live.tables.get(name)
        if there is None:
            message = f"the map names the table `{name}`, which `{datamap.system}` does not have"
            raise MapError(message, help="`upheld map check` lists all differences")
        for column in table.columns:
            if column not in there.columns:
                message = f"the map names the column `{name}.{column}`, which is not there"
                raise MapError(message, help="`upheld map check` lists all differences")
        if table.person is not None and len(there.key) != 1:
            message = f"the person table `{name}` needs a key of one column"
            raise MapError(message, help="point `person` at a table with such a key")
    return live


@contextmanager
def _one_transaction(conn: psycopg.Connection[Any], *, keep: bool) -> Iterator[None]:
    """Work in one snapshot; commit only with `keep`."""
    if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        message = "the store's connection is in use"
        raise StoreError(message)
    conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        yield
    except BaseException:
        conn.rollback()
        raise
    if keep:
        conn.commit()
    else:
        conn.rollback()


def _pack(held: Sequence[Held], kept: Sequence[Kept]) -> bytes:
    return json.dumps(
        {"held": [asdict(one) for one in held], "kept": [asdict(one) for one in kept]}
    ).encode()


def _unpack(data: bytes) -> tuple[tuple[Held, ...], tuple[Kept, ...]]:
    said = json.loads(data)
    return (tuple(Held(**one) for one in said["held"]), tuple(Kept(**one) for one in said["kept"]))
