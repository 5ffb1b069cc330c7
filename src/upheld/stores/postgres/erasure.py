"""A batch erased in one PostgreSQL database: plan, execute, mask, search again.

The stages are small and each can be repeated: `prepare` commits the worklist;
`finish` executes it, searches again by footprint (what it finds is a further
round), masks mentions, and searches again by identifier. Who calls them decides
when; a run that was killed is taken up by calling them again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from upheld.datamap.live import LiveSchema
from upheld.datamap.model import DataMap
from upheld.errors import MapError, StoreError
from upheld.footprint.server import server_text
from upheld.search.needles import Needles
from upheld.stores.postgres.catalog import read_schema
from upheld.stores.postgres.footprint import Footprint, Workspace
from upheld.stores.postgres.resolution import (
    Held,
    Resolution,
    Subject,
    person_table,
    subjects_of,
)
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
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """A committed worklist, read back; `number` counts rounds from 1."""

    plan: Plan
    held: tuple[Held, ...]
    kept: tuple[Kept, ...]
    number: int = 1


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
        self.resolution = Resolution(conn, datamap, self.live)

    def begin(self) -> None:
        """Open the planning transaction; `commit` or `abandon` ends it."""
        if self.conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            message = "the store's connection is in use"
            raise StoreError(message)
        self.conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        ensure_work_schema(self.conn)

    def resolve(self, subjects: Iterable[Subject]) -> None:
        """Find everything that the people of the batch hold in this database."""
        self.resolution.run(subjects)

    def plan(self, today: date) -> Prepared:
        """Plan the batch within the open transaction."""
        footprint = Footprint(self.resolution, Workspace(self.run))
        planner = Planner(footprint)
        plan = planner.plan(today)
        held = tuple(self.resolution.held())
        kept = tuple(planner.kept())
        planner.save(plan, self.seal(_pack(held, kept)))
        return Prepared(plan, held, kept)

    def commit(self) -> None:
        """Make the worklist durable."""
        self.conn.commit()

    def abandon(self) -> None:
        """Leave no trace of the plan."""
        self.conn.rollback()

    def prepare(self, batch: Given, today: date) -> Prepared:
        """Plan one batch and commit its worklist."""
        self.begin()
        try:
            self.resolve(subjects_of(batch))
            prepared = self.plan(today)
        except BaseException:
            self.abandon()
            raise
        self.commit()
        return prepared

    def saved(self, number: int = 1) -> Saved | None:
        """Give a round's worklist where it was committed."""
        with self.conn.transaction():
            ensure_work_schema(self.conn)
            found = saved_run(self.conn, round_name(self.run, number))
        if found is None:
            return None
        plan, sealed = found
        return Saved(plan, *_unpack(self.unseal(sealed)))

    def finish(self, today: date, progress: Progress = silent, *, search: bool = True) -> Verified:
        """Carry the committed worklist out, round by round, until nothing is found.

        What the first round could not see (rows that triggers wrote, or the
        service while it ran) is a further round. Safe to repeat after a kill.
        """
        rows = mentions = 0
        refused: StoreError | None = None
        for _ in range(MAX_ROUNDS):
            saved = self._last_round()
            refused = self._execute(saved.plan, progress)
            rows = self.verify_footprint(saved.number + 1, saved.held, today)
            if not rows:
                break
        if refused is not None:
            raise refused
        if search:
            mentions = self._mask(saved.held, progress)
        return Verified(rows, mentions)

    def _mask(self, held: Sequence[Held], progress: Progress) -> int:
        """Mask mentions until a search finds none that can be; give how many are left."""
        needles = self.needles(held)
        sweep = Sweep(self.conn, self.datamap, self.live, self._first().plan)
        mentions = 0
        for _ in range(MAX_ROUNDS):
            masked = sweep.mask(needles, progress)
            mentions = sum(1 for _ in sweep.search(needles, progress)) if masked.found else 0
            if not mentions or not masked.changed:
                break
        return mentions

    def _execute(self, plan: Plan, progress: Progress) -> StoreError | None:
        """Execute a round; give the refusal of a constraint, which the next round may settle.

        So it is where the service wrote a row that points to one that goes after
        the plan was made. The driver's text is cut to its first line: what
        follows quotes values.
        """
        try:
            Execution(self.conn, self.live, plan).run(progress)
        except psycopg.IntegrityError as problem:
            message = f"`{self.datamap.system}` refused a change: {problem.diag.message_primary}"
            return StoreError(
                message,
                help="the batch is not lost: see what writes to the "
                "table, then run the command again",
            )
        return None

    def _last_round(self) -> Saved:
        number, last = 1, self._first()
        while (further := self.saved(number + 1)) is not None:
            number, last = number + 1, further
        return replace(last, number=number)

    def verify_footprint(self, number: int, held: Sequence[Held], today: date) -> int:
        """Search again by footprint; commit what is left as round `number`, and count it.

        The identifiers are those that the worklist remembers: the rows that led
        to them are gone.
        """
        first = self._first()
        self.begin()
        try:
            self.resolution.run(())
            restore(self.resolution, held)
            workspace = Workspace(round_name(self.run, number))
            footprint = Footprint(self.resolution, workspace)
            footprint.remember(Workspace(self.run), dict(first.plan.members))
            planner = Planner(footprint)
            plan = planner.plan(today, is_first=False)
            if not plan.is_empty:
                planner.save(plan, self.seal(_pack(held, ())))
        except BaseException:
            self.abandon()
            raise
        if plan.is_empty:
            self.abandon()
        else:
            self.commit()
        return plan.rows

    def objects_gone(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Give, per object store and round, the keys of objects that go with the rows."""
        number = 1
        while (saved := self.saved(number)) is not None:
            for one in saved.plan.objects:
                yield one.store, self._object_keys(Workspace(saved.plan.run), one.work)
            number += 1

    def _object_keys(self, workspace: Workspace, work: str) -> Iterator[str]:
        with self.conn.transaction(), self.conn.cursor("upheld_objects") as cursor:
            cursor.execute(sql.SQL("SELECT key FROM {} ORDER BY seq").format(workspace.name(work)))
            for (key,) in cursor:
                yield key

    def changed(self) -> Iterator[Changed]:
        """Give every change to a row that was not the leavers' own."""
        return changed_rows(self.conn, self.run)

    def destroy(self) -> None:
        """Drop the worklist: it has done its work."""
        with self.conn.transaction():
            destroy_run(self.conn, self.run)

    def searched(self, held: Sequence[Held]) -> list[str]:
        """Give the identifiers to search for: the leavers' own, of kinds that are searched."""
        return list(
            dict.fromkeys(
                one.value for one in held if not one.outside and self.datamap.kind(one.kind).search
            )
        )

    def needles(self, held: Sequence[Held]) -> Needles:
        """Give the same, as patterns."""
        return Needles(self.searched(held))

    def _first(self) -> Saved:
        saved = self.saved(1)
        if saved is None:
            message = f"the batch `{self.run}` was never planned in `{self.datamap.system}`"
            raise StoreError(message, help="file the request again")
        return saved


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
                "INSERT INTO {} (n, key) SELECT n, value::{} FROM uf_ident WHERE kind = {} "
                "AND alone ON CONFLICT DO NOTHING"
            ).format(
                sql.Identifier(person_table(index)),
                server_text(column.type),
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


def _pack(held: Sequence[Held], kept: Sequence[Kept]) -> bytes:
    return json.dumps(
        {"held": [asdict(one) for one in held], "kept": [asdict(one) for one in kept]}
    ).encode()


def _unpack(data: bytes) -> tuple[tuple[Held, ...], tuple[Kept, ...]]:
    said = json.loads(data)
    return (tuple(Held(**one) for one in said["held"]), tuple(Kept(**one) for one in said["kept"]))
