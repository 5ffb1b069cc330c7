"""Erasure, from those who ask to the receipts that prove it.

A batch moves received → planned → proved → done. Each step can be repeated,
and each is recorded together with what it did, so that a run killed at any
moment is taken up by `resume`, and each erasure is proved exactly once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import psycopg

from upheld.database.conninfo import connect
from upheld.datamap import load_map_text
from upheld.errors import RequestError, StoreError
from upheld.evidence import Identifier, Leaf, append_all, issue_receipts, sequence
from upheld.requests import record
from upheld.requests.asking import Ask
from upheld.requests.people import by_person, resolve_everywhere
from upheld.requests.seal import ledger_hash, seal, unseal
from upheld.requests.stores import Stores
from upheld.search.needles import Needles
from upheld.stores.postgres.erasure import Erasure, Prepared, silent
from upheld.stores.postgres.outcome import fates, own_rows
from upheld.stores.postgres.resolution import Held, Subject
from upheld.stores.postgres.worklist import Changed, Kept, Progress

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Planned:
    """What a dry run says: (system, table, fate) -> rows, and changes to others' rows."""

    people: int
    fates: dict[tuple[str, str, str], int]
    changes: dict[tuple[str, str, str, str], int]
    objects: dict[str, int]
    already: int


@dataclass(frozen=True, slots=True)
class Proof:
    """One person's receipt; `person` says who it is in the words of whoever asked."""

    person: str
    request: UUID
    receipt: bytes


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of a batch. `outcome` is free of personal data."""

    batch: UUID | None
    outcome: dict[str, Any]
    receipts: tuple[Proof, ...]
    report: Path | None


class Erasing:
    """Erases batches; one object serves many.

    Without `search` identifiers are not looked for in text: for measurements, which
    time that part by itself. The evidence then says so.
    """

    def __init__(self, stores: Stores, progress: Progress = silent, *, search: bool = True) -> None:
        self.stores = stores
        self.progress = progress
        self.search = search

    # -- the steps ---------------------------------------------------------

    def resume(self) -> list[Erased]:
        """Take up every batch that was not finished and that nobody is working on."""
        done: list[Erased] = []
        for batch in record.open_batches(self.stores.conn):
            if batch.right == "erase" and self._take(batch.id):
                try:
                    erased = self._take_up(batch.id)
                    done += [erased] if erased else []
                finally:
                    self._release(batch.id)
        return done

    def plan(self, asks: Sequence[Ask]) -> Planned:
        """Say what erasing would do, and leave no trace."""
        with self._erasures(f"dry{record.new_id().hex}", "") as erasures:
            prepared = self._prepare(erasures, asks)
            found, again = self._sort_out(erasures, prepared, asks)
            planned = self._planned(erasures, prepared, len(found), len(again))
            for erasure in erasures.values():
                erasure.abandon()
        return planned

    def erase(self, asks: Sequence[Ask]) -> Erased:
        """Erase everybody who asks; raise RequestError where somebody is unknown.

        Those who were erased before and of whom nothing has come back get the
        same receipt again.
        """
        batch = self._record(asks)
        try:
            again = self._start(batch, asks)
            if not again:
                return self._finish(batch)
        finally:
            self._release(batch)
        new = [ask for n, ask in enumerate(asks, 1) if n not in again]
        sequence(self.stores.conn, self.stores.keys.signer, self.stores.clock)
        before = self._receipts(
            [leaf for _, leaf in again.values()], [asks[n - 1].label for n in again]
        )
        if not new:
            return Erased(None, {"people": 0, "already": len(again)}, before, None)
        erased = self.erase(new)
        return replace(
            erased,
            receipts=(*before, *erased.receipts),
            outcome={**erased.outcome, "already": len(again)},
        )

    def _record(self, asks: Sequence[Ask]) -> UUID:
        """Record a batch and take it, once no other one has any of these people in it.

        A process that was killed may hold its batch for a moment longer, until its
        server notices; one that works on it is waited for. Either way the batch is
        then finished, and whoever was in it counts as erased before.
        """
        conn = self.stores.conn
        while True:
            with self._starting():
                rival = self._overlapping(asks)
                if rival is None:
                    batch = record.new_id()
                    self._take(batch)
                    requests = [record.new_id() for _ in asks]
                    sealed = self._seal(batch, _pack(asks))
                    record.open_batch(conn, batch, "erase", sealed, requests, self.stores.clock())
                    return batch
            self.progress("waiting for another batch", 0, 1)
            conn.execute("SELECT pg_advisory_lock(%s)", (_lock(rival),))
            try:
                self._take_up(rival)
            finally:
                self._release(rival)

    def _overlapping(self, asks: Sequence[Ask]) -> UUID | None:
        """Give an unfinished batch that has somebody of these in it."""
        wanted = {_folded(pair) for ask in asks for pair in ask.given}
        for batch in record.open_batches(self.stores.conn):
            if batch.right == "erase" and batch.sealed is not None:
                others = _unpack(self._unseal(batch.id, batch.sealed))
                if wanted & {_folded(pair) for ask in others for pair in ask.given}:
                    return batch.id
        return None

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Let one process at a time decide whether to record a batch."""
        self.stores.conn.execute("SELECT pg_advisory_lock(hashtext('upheld.batch'))")
        try:
            yield
        finally:
            self.stores.conn.execute("SELECT pg_advisory_unlock(hashtext('upheld.batch'))")

    def _take_up(self, batch: UUID) -> Erased | None:
        """Finish a batch that was left; forget one of which no worklist was committed."""
        found = record.batch_of(self.stores.conn, batch)
        if found is None:
            return None
        said, _ = found
        if said.state == "received":
            with self._erasures(said.run, str(batch)) as erasures:
                planned = any(erasure.saved() for erasure in erasures.values())
            if not planned:
                record.forget_batch(self.stores.conn, batch)
                return None
        return self._finish(batch)

    def _start(self, batch: UUID, asks: Sequence[Ask]) -> dict[int, tuple[UUID, int]]:
        """Commit the worklists of a recorded batch; or give those who were erased before.

        The record comes first, so that no worklist is ever without one. It is
        forgotten where nothing was committed: bad input leaves no trace.
        """
        conn, committed = self.stores.conn, False
        try:
            with self._erasures(batch.hex, str(batch)) as erasures:
                prepared = self._prepare(erasures, asks)
                _, again = self._sort_out(erasures, prepared, asks)
                if not again:
                    committed = True
                    for erasure in erasures.values():
                        erasure.commit()
                else:
                    for erasure in erasures.values():
                        erasure.abandon()
        finally:
            if not committed:
                record.forget_batch(conn, batch)
        if not again:
            record.set_state(conn, batch, "planned")
        return again

    def _finish(self, batch: UUID) -> Erased:
        """Carry a recorded batch out, prove it, and destroy its worklists."""
        stores = self.stores
        found = record.batch_of(stores.conn, batch)
        if found is None:
            message = f"the batch `{batch}` is not on record"
            raise StoreError(message, help="file the request again")
        said, outcome = found
        asks: tuple[Ask, ...] = ()
        if said.sealed is not None:
            asks = _unpack(self._unseal(batch, said.sealed))
            with self._erasures(said.run, str(batch)) as erasures:
                if said.state == "received":
                    self._plan_missing(erasures, asks)
                    record.set_state(stores.conn, batch, "planned")
                if said.state != "proved":
                    outcome = self._carry_out(batch, erasures)
                    self._prove(batch, asks, erasures, outcome)
                sequence(stores.conn, stores.keys.signer, stores.clock)
                for erasure in erasures.values():
                    erasure.destroy()
            record.close_batch(stores.conn, batch, stores.clock())
        leaves = [leaf for _, _, leaf in record.requests_of(stores.conn, batch) if leaf]
        receipts = self._receipts(leaves, [ask.label for ask in asks])
        return Erased(batch, outcome, receipts, self._report_path(batch))

    def _plan_missing(self, erasures: Mapping[str, Erasure], asks: Sequence[Ask]) -> None:
        """Plan where a killed run had not; what other systems remember helps to find people."""
        remembered: list[Held] = []
        for erasure in erasures.values():
            saved = erasure.saved()
            remembered += saved.held if saved else ()
        known = by_person(remembered)
        for erasure in erasures.values():
            if erasure.saved() is not None:
                continue
            kinds = set(erasure.datamap.kinds())
            subjects = [
                Subject(
                    n,
                    tuple(
                        dict.fromkeys(
                            pair
                            for pair in (
                                *ask.given,
                                *((h.kind, h.value) for h in known.get(n, ()) if h.alone),
                            )
                            if pair[0] in kinds
                        )
                    ),
                )
                for n, ask in enumerate(asks, 1)
            ]
            erasure.begin()
            erasure.resolve(subjects)
            erasure.plan(self._today())
            erasure.commit()

    # -- planning ----------------------------------------------------------

    def _prepare(self, erasures: Mapping[str, Erasure], asks: Sequence[Ask]) -> dict[str, Prepared]:
        for erasure in erasures.values():
            erasure.begin()
        resolve_everywhere(
            {name: erasure.resolution for name, erasure in erasures.items()},
            [Subject(n, ask.given) for n, ask in enumerate(asks, 1)],
        )
        return {name: erasure.plan(self._today()) for name, erasure in erasures.items()}

    def _sort_out(
        self,
        erasures: Mapping[str, Erasure],
        prepared: Mapping[str, Prepared],
        asks: Sequence[Ask],
    ) -> tuple[set[int], dict[int, tuple[UUID, int]]]:
        """Tell people with data from people erased before; raise where somebody is neither."""
        found: set[int] = set()
        for name, erasure in erasures.items():
            found.update(
                f.n for f in fates(erasure.conn, erasure.live, prepared[name].plan) if f.fate != "k"
            )
        again: dict[int, tuple[UUID, int]] = {}
        for n, ask in enumerate(asks, 1):
            if n in found:
                continue
            hashes = [
                ledger_hash(self.stores.keys.ledger, kind, value) for kind, value in ask.given
            ]
            before = record.erased_before(self.stores.conn, hashes)
            if before is None:
                message = f"no system knows `{ask.label}`"
                raise RequestError(
                    message, where=ask.where, help="check the spelling; nothing was changed"
                )
            again[n] = before
        return found, again

    def _planned(
        self,
        erasures: Mapping[str, Erasure],
        prepared: Mapping[str, Prepared],
        people: int,
        already: int,
    ) -> Planned:
        rows: dict[tuple[str, str, str], int] = {}
        changes: dict[tuple[str, str, str, str], int] = {}
        objects: dict[str, int] = {}
        for name, erasure in erasures.items():
            plan = prepared[name].plan
            for deletion in (one for group in plan.deletions for one in group):
                rows[name, deletion.table, "g"] = deletion.rows
            for fate in fates(erasure.conn, erasure.live, plan):
                if fate.fate != "g":
                    key = (name, fate.table, fate.fate)
                    rows[key] = rows.get(key, 0) + fate.rows
            for update in plan.updates:
                change = (name, update.table, ", ".join(update.columns), update.rule)
                changes[change] = changes.get(change, 0) + update.rows
            for one in plan.objects:
                objects[one.store] = objects.get(one.store, 0) + one.rows
        return Planned(people, rows, changes, objects, already)

    # -- carrying out ------------------------------------------------------

    def _carry_out(self, batch: UUID, erasures: Mapping[str, Erasure]) -> dict[str, Any]:
        """Delete, change, mask and search again; raise StoreError where something is left."""
        left: dict[str, int] = {}
        reported: dict[str, list[str]] = {}
        gone: dict[str, int] = {}
        values: dict[str, None] = {}
        for name, erasure in erasures.items():
            saved = erasure.saved()
            left[name] = erasure.finish(self._today(), self.progress, search=self.search).residue
            for one, keys in erasure.objects_gone():
                gone[one] = gone.get(one, 0) + self.stores.objects[one].delete(keys)
            values.update(dict.fromkeys(erasure.searched(saved.held if saved else ())))
        needles = Needles(values if self.stores.objects else ())
        for name, store in self.stores.objects.items():
            self.progress(name, 0, 1)
            store.mask(needles, partial(record.note_masked, self.stores.conn, batch, name))
            hits = list(store.search(needles))
            left[name] = sum(hit.is_text for hit in hits)
            reported[name] = [hit.key for hit in hits if not hit.is_text]
            self.progress(name, 1, 1)
        outcome = {
            "residue": left,
            "objects_removed": gone,
            "objects_to_review": {k: v for k, v in reported.items() if v},
        }
        self._write_report(batch, erasures, outcome)
        if any(left.values()):
            where = ", ".join(f"{rows} in `{name}`" for name, rows in left.items() if rows)
            message = f"the second search still finds rows or objects of the batch: {where}"
            raise StoreError(
                message,
                help="see why in the report "
                f"`{self._report_path(batch)}`, then run the command again",
            )
        return outcome

    def _prove(
        self,
        batch: UUID,
        asks: Sequence[Ask],
        erasures: Mapping[str, Erasure],
        outcome: dict[str, Any],
    ) -> None:
        """Write one leaf per request, the ledger and the new state, in one transaction."""
        stores = self.stores
        facts, totals = self._facts(erasures)
        outcome.update(people=len(asks), rows=totals)
        numbered = record.requests_of(stores.conn, batch)
        held = by_person(_held(erasures))
        at = stores.clock()
        leaves = (
            (
                Leaf(
                    "erasure",
                    request,
                    at,
                    {"systems": facts.get(n, {}), "residue": 0, "searched": self.search},
                )
                .about(_provable(asks[n - 1], held.get(n, ())), stores.keys.receipt)
                .encode(),
                f"erasure:{request}",
            )
            for n, request, _ in numbered
        )
        hashes = (
            (ledger_hash(stores.keys.ledger, kind, value), request)
            for n, request, _ in numbered
            for kind, value in {
                *asks[n - 1].given,
                *((h.kind, h.value) for h in held.get(n, ()) if h.alone),
            }
        )
        with stores.conn.transaction():
            ids = list(append_all(stores.conn, leaves))
            record.set_leaves(stores.conn, [request for _, request, _ in numbered], ids)
            record.remember_erased(stores.conn, hashes)
            record.save_outcome(stores.conn, batch, outcome)
            record.set_state(stores.conn, batch, "proved")

    def _facts(
        self, erasures: Mapping[str, Erasure]
    ) -> tuple[dict[int, dict[str, Any]], dict[str, dict[str, dict[str, int]]]]:
        """Give per person and system the rows by fate, and the same for the whole batch."""
        facts: dict[int, dict[str, Any]] = {}
        totals: dict[str, dict[str, dict[str, int]]] = {}
        for name, erasure in erasures.items():
            saved = erasure.saved()
            if saved is None:
                continue
            for fate in fates(erasure.conn, erasure.live, saved.plan):
                said = facts.setdefault(fate.n, {}).setdefault(name, {})
                said.setdefault(_FATES[fate.fate], {})[fate.table] = fate.rows
            for group in saved.plan.deletions:
                for one in group:
                    _add(totals, name, "erased", one.table, one.rows)
            for update in saved.plan.updates:
                _add(totals, name, update.rule, update.table, update.rows)
            for kept in saved.kept:
                _add(totals, name, "kept", kept.table, 1)
                said = facts.setdefault(kept.n, {}).setdefault(name, {})
                said["kept_because"] = kept.basis
                said["kept_until"] = max(kept.until, said.get("kept_until", ""))
        return facts, totals

    # -- the report --------------------------------------------------------

    def _report_path(self, batch: UUID) -> Path:
        return self.stores.reports / f"{batch}.jsonl"

    def _write_report(
        self, batch: UUID, erasures: Mapping[str, Erasure], outcome: dict[str, Any]
    ) -> None:
        """Write what went, was kept and was changed for others, by table and key, line by line."""
        path = self._report_path(batch)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as out:
            part.chmod(0o600)
            _line(out, {"what": "outcome", **outcome})
            for store, object_key in record.masked_objects(self.stores.conn, batch):
                key = json.dumps({"object": object_key})
                _row(out, "changed", store, "(objects)", key, column=None, rule="mask")
            for name, erasure in erasures.items():
                saved = erasure.saved()
                if saved is None:
                    continue
                for kept in saved.kept:
                    key = self._named(erasure, kept.table, kept.key)
                    _row(
                        out,
                        "kept",
                        name,
                        kept.table,
                        key,
                        n=kept.n,
                        basis=kept.basis,
                        until=kept.until,
                    )
                for one in erasure.changed():
                    _row(out, "changed", name, one.table, one.key, column=one.column, rule=one.rule)
                for fate, table, key in own_rows(erasure.conn, erasure.live, saved.plan):
                    _row(out, _FATES[fate], name, table, self._named(erasure, table, key))
        part.replace(path)

    def _named(self, erasure: Erasure, table: str, key: str) -> str:
        """Give a key for the report: identifiers of leavers in it only as keyed hashes."""
        said = erasure.datamap.tables.get(table)
        kinds = dict(said.identifiers()) if said else {}
        person = said.person.kind if said and said.person else None
        hidden = {n: c.identifier for n, c in kinds.items() if c.identifier not in (None, person)}
        if not any(f'"{column}"' in key for column in hidden):
            return key
        named = json.loads(key)
        for column, kind in hidden.items():
            if column in named:
                digest = ledger_hash(self.stores.keys.ledger, str(kind), str(named[column]))
                named[column] = f"hash:{digest.hex()}"
        return json.dumps(named)

    # -- small things ------------------------------------------------------

    def _receipts(self, leaves: Sequence[int], people: Sequence[str]) -> tuple[Proof, ...]:
        """Issue receipts, in order; another process that finished the batch knows no names."""
        stores = self.stores
        rows = dict(
            stores.conn.execute(
                "SELECT leaf, id FROM upheld.request WHERE leaf = ANY(%s)", (list(leaves),)
            ).fetchall()
        )
        issued = issue_receipts(stores.conn, leaves, stores.keys)
        return tuple(
            Proof(people[at] if at < len(people) else "", rows[leaf], receipt)
            for at, (leaf, receipt) in enumerate(issued)
        )

    @contextmanager
    def _erasures(self, run: str, about: str) -> Iterator[dict[str, Erasure]]:
        """Connect to every system for the length of a block."""
        key = self.stores.keys.seal
        with ExitStack() as stack:
            yield {
                name: Erasure(
                    self._only(
                        stack.enter_context(connect(self.stores.systems[name], autocommit=True)),
                        run,
                    ),
                    datamap,
                    run,
                    seal=lambda data: seal(key, data, about),
                    unseal=lambda data: unseal(key, data, about),
                )
                for name, datamap in self.stores.maps.items()
            }

    @staticmethod
    def _only(conn: psycopg.Connection[Any], run: str) -> psycopg.Connection[Any]:
        """Wait until no session of a killed process works on the run any more."""
        conn.execute("SELECT pg_advisory_lock(hashtext(%s))", (f"upheld.{run}",))
        return conn

    def _take(self, batch: UUID) -> bool:
        """Take a batch for this process, unless another has it."""
        row = self.stores.conn.execute(
            "SELECT pg_try_advisory_lock(%s)", (_lock(batch),)
        ).fetchone()
        return bool(row and row[0])

    def _release(self, batch: UUID) -> None:
        if self.stores.conn.closed:
            return  # the lock went with the session
        self.stores.conn.execute("SELECT pg_advisory_unlock(%s)", (_lock(batch),))

    def _seal(self, batch: UUID, data: bytes) -> bytes:
        return seal(self.stores.keys.seal, data, str(batch))

    def _unseal(self, batch: UUID, data: bytes) -> bytes:
        return unseal(self.stores.keys.seal, data, str(batch))

    def _today(self) -> date:
        return self.stores.clock().date()


_FATES = {"g": "erased", "a": "anonymised", "k": "kept", "s": "shared", "m": "mentions"}


def _lock(batch: UUID) -> int:
    return batch.int & (2**63 - 1)


def _folded(pair: tuple[str, str]) -> tuple[str, str]:
    kind, value = pair
    return kind, value.strip().lower()


def _add(
    totals: dict[str, dict[str, dict[str, int]]], system: str, what: str, table: str, rows: int
) -> None:
    tables = totals.setdefault(system, {}).setdefault(what, {})
    tables[table] = tables.get(table, 0) + rows


def _provable(ask: Ask, held: Sequence[Held]) -> list[Identifier]:
    """Give what the person may prove the receipt with: what they gave, and their e-mails."""
    pairs = dict.fromkeys(
        [*ask.given, *((h.kind, h.value) for h in held if h.alone and h.kind == "email")]
    )
    return [Identifier(kind, value) for kind, value in pairs]


def _held(erasures: Mapping[str, Erasure]) -> list[Held]:
    found: list[Held] = []
    for erasure in erasures.values():
        saved = erasure.saved()
        found += saved.held if saved else ()
    return found


def _row(
    out: IO[str], what: str, system: str, table: str, key: str, **more: str | int | None
) -> None:
    """Write one line of the report; `key` is JSON text already."""
    head = json.dumps({"what": what, "system": system, "table": table, **more}, ensure_ascii=False)
    out.write(f'{head[:-1]}, "key": {key}}}\n')


def _line(out: IO[str], value: dict[str, Any]) -> None:
    out.write(json.dumps(value, ensure_ascii=False) + "\n")


def _pack(asks: Sequence[Ask]) -> bytes:
    return json.dumps([ask.given for ask in asks]).encode()


def _unpack(data: bytes) -> tuple[Ask, ...]:
    return tuple(Ask(tuple((kind, value) for kind, value in given)) for given in json.loads(data))


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
