"""Access: one package per person, a whole batch in one pass, all or none of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from upheld.database.conninfo import connect
from upheld.errors import RequestError, StoreError
from upheld.evidence import Identifier, Leaf, append_all, issue_receipts, sequence
from upheld.requests import record
from upheld.requests.asking import Ask
from upheld.requests.package import About, PackageJob, PackageSummary, write_packages
from upheld.requests.people import resolve_everywhere
from upheld.requests.reading import Reading, snapshot
from upheld.requests.seal import seal
from upheld.requests.stores import Stores
from upheld.stores.postgres.erasure import fitting_schema, silent
from upheld.stores.postgres.footprint import Footprint, Workspace
from upheld.stores.postgres.resolution import Resolution, Subject
from upheld.stores.postgres.worklist import Progress


@dataclass(frozen=True, slots=True)
class Package:
    """One person's package: where it lies, what is in it, and its receipt."""

    request: UUID
    file: Path
    summary: PackageSummary
    receipt: bytes


def write_packages_for(
    stores: Stores, asks: Sequence[Ask], out: Path, progress: Progress = silent
) -> tuple[Package, ...]:
    """Write a package for everybody who asks; raise RequestError where somebody is unknown.

    Packages are made in a folder beside and moved when all are whole: on any
    error nothing of them is left, and nothing is recorded.
    """
    requests = [record.new_id() for _ in asks]
    part = _make_part(out)
    try:
        with readings(stores, asks) as found:
            _refuse_unknown(found, asks)
            jobs = (
                _job(part, _about(stores, requests[n - 1], ask), found, n)
                for n, ask in enumerate(asks, 1)
            )
            summaries = []
            for summary in write_packages(jobs):
                summaries.append(summary)
                progress("packages", len(summaries), len(asks))
        receipts = _prove(stores, asks, requests, summaries)
        packages = tuple(
            Package(request, out / summary.target.name, summary, receipt)
            for request, summary, receipt in zip(requests, summaries, receipts, strict=True)
        )
        for package in packages:
            package.summary.target.replace(package.file)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return packages


@contextmanager
def readings(stores: Stores, asks: Sequence[Ask]) -> Iterator[Mapping[str, Reading]]:
    """Resolve a batch in every system and open its rows for reading, in one snapshot each."""
    with ExitStack() as stack:
        resolutions: dict[str, Resolution] = {}
        for name, datamap in stores.maps.items():
            conn = stack.enter_context(connect(stores.systems[name], autocommit=True))
            live = fitting_schema(conn, datamap)
            snapshot(conn)
            stack.callback(conn.rollback)
            resolutions[name] = Resolution(conn, datamap, live)
        resolve_everywhere(resolutions, [Subject(n, ask.given) for n, ask in enumerate(asks, 1)])
        found: dict[str, Reading] = {}
        for name, resolution in resolutions.items():
            footprint = Footprint(resolution, Workspace())
            footprint.compute()
            found[name] = Reading(footprint, stores.objects)
        yield found


def _make_part(out: Path) -> Path:
    part = out / f".part-{record.new_id().hex}"
    try:
        part.mkdir(mode=0o700, parents=True)
    except OSError as problem:
        message = f"cannot write into `{out}`: {problem.strerror}"
        raise StoreError(message, help="choose another folder with --out") from None
    return part


def _refuse_unknown(found: Mapping[str, Reading], asks: Sequence[Ask]) -> None:
    known: set[int] = set()
    for reading in found.values():
        known |= reading.people()
    for n, ask in enumerate(asks, 1):
        if n not in known:
            message = f"no system knows `{ask.label}`"
            raise RequestError(
                message, where=ask.where, help="check the spelling; nothing was written"
            )


def _about(stores: Stores, request: UUID, ask: Ask) -> About:
    operators = dict.fromkeys(datamap.operator.name for datamap in stores.maps.values())
    return About(
        request=str(request),
        made_at=stores.clock(),
        controller=", ".join(operators),
        systems=tuple(
            f"{datamap.title or name} ({datamap.region})" for name, datamap in stores.maps.items()
        ),
        subject_label=ask.label,
        notes=(),
    )


def _job(part: Path, about: About, found: Mapping[str, Reading], n: int) -> PackageJob:
    """Give one person's package to write; its rows are read when its turn comes."""
    return PackageJob(
        part / f"access-{about.request}.zip",
        about,
        (rows for reading in found.values() for rows in reading.of(n)),
        (one for reading in found.values() for one in reading.objects_of()),
    )


def _prove(
    stores: Stores,
    asks: Sequence[Ask],
    requests: Sequence[UUID],
    summaries: Sequence[PackageSummary],
) -> list[bytes]:
    """Record the requests with one leaf each, and give their receipts."""
    batch, at = record.new_id(), stores.clock()
    leaves = [
        (
            Leaf("access", request, at, _facts(summary))
            .about([Identifier(kind, value) for kind, value in ask.given], stores.keys.receipt)
            .encode(),
            f"access:{request}",
        )
        for ask, request, summary in zip(asks, requests, summaries, strict=True)
    ]
    sealed = seal(stores.keys.seal, b"[]", str(batch))
    with stores.conn.transaction():
        record.open_batch(stores.conn, batch, "access", sealed, requests, at)
        ids = list(append_all(stores.conn, leaves))
        record.set_leaves(stores.conn, requests, ids)
        record.close_batch(stores.conn, batch, at)
    sequence(stores.conn, stores.keys.signer, stores.clock)
    return [receipt for _, receipt in issue_receipts(stores.conn, ids, stores.keys)]


def _facts(summary: PackageSummary) -> dict[str, Any]:
    systems: dict[str, dict[str, int]] = {}
    for (system, table), rows in summary.rows.items():
        systems.setdefault(system, {})[table] = rows
    return {
        "systems": systems,
        "objects": summary.objects,
        "manifest_sha256": summary.manifest_sha256,
    }
