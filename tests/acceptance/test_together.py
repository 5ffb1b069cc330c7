"""Several processes at once: two batches that overlap, and a service that goes on writing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.service import Service


def receipts(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.json")}


def test_two_batches_that_overlap_end_well_and_prove_each_once(studio: Service) -> None:
    people = studio.people(20, 60)
    batches = {"a": people[:25], "b": people[15:]}
    processes = {}
    for name, batch in batches.items():
        who = studio.folder / f"{name}.txt"
        who.write_text("\n".join(batch), encoding="utf-8")
        processes[name] = studio.start("request", "erase", "--from", who, "--out", name)
    for process in processes.values():
        out, err = process.communicate()
        assert process.returncode == 0, err.decode()
        assert b"Traceback" not in err, out
    assert studio.engine("SELECT count(*), count(position) FROM upheld.leaf") == [(40, 40)]
    assert studio.engine("SELECT 1 FROM upheld.batch WHERE state <> 'done'") == []
    assert studio.left_in_work() == []
    first, second = receipts(studio.folder / "a"), receipts(studio.folder / "b")
    assert len(first | second) == 40
    both = set(first) & set(second)
    assert len(both) == 10
    for name in both:
        index = [
            studio.json("verify", studio.folder / batch / name)[0]["index"] for batch in batches
        ]
        assert index[0] == index[1]
    assert studio.json("log", "verify")["ok"]


def test_the_same_batch_twice_at_once_is_one_erasure(studio: Service) -> None:
    who = studio.write_who(studio.people(20, 40))
    words = ("request", "erase", "--from", who, "--out")
    processes = [studio.start(*words, name) for name in ("a", "b", "c")]
    for process in processes:
        _, err = process.communicate()
        assert process.returncode == 0, err.decode()
    assert studio.engine("SELECT count(*) FROM upheld.leaf") == [(20,)]
    names = [set(receipts(studio.folder / name)) for name in ("a", "b", "c")]
    assert names[0] == names[1] == names[2]
    assert len(names[0]) == 20


@contextmanager
def busy_service(service: Service, email: str) -> Iterator[list[int]]:
    """Write comments, events and mail for a leaver until the account is gone."""
    written: list[int] = []
    stop = threading.Event()
    refused: list[psycopg.Error] = []

    def write() -> None:
        with psycopg.connect(service.conninfo, autocommit=True) as conn:
            account, work = conn.execute(
                "SELECT a.id, (SELECT max(g.id) FROM generation g WHERE g.account_id <> a.id) "
                "FROM account a WHERE email = %s",
                (email,),
            ).fetchone() or (0, 0)
            while not stop.is_set():
                try:
                    with conn.transaction():
                        signed_in = "SELECT 1 FROM account WHERE id = %s FOR KEY SHARE"
                        if conn.execute(signed_in, (account,)).fetchone() is None:
                            return
                        conn.execute(
                            "INSERT INTO comment (generation_id, account_id, body) "
                            "VALUES (%s, %s, 'still here, write to ' || %s)",
                            (work, account, email),
                        )
                        conn.execute(
                            "INSERT INTO event (name, props) VALUES ('busy', "
                            "jsonb_build_object('account_id', %s::bigint, 'to', %s::text))",
                            (account, email),
                        )
                except (psycopg.errors.ForeignKeyViolation, psycopg.errors.DeadlockDetected) as no:
                    refused.append(no)  # as any service would, it tries again
                else:
                    written.append(1)
                stop.wait(0.004)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_service_that_goes_on_writing_leaves_no_residue(studio: Service, nth: int) -> None:
    people = studio.people(20 + 10 * nth, 30 + 10 * nth)
    with busy_service(studio, people[0]) as written:
        while len(written) < 20:
            pass
        done = studio.json("request", "erase", "--from", studio.write_who(people))
        during = len(written)
    assert during > 20, "it wrote while the erasure ran"
    assert done["residue"] == {"media": 0, "studio": 0}
    left = studio.ask(
        "SELECT 'comment' FROM comment WHERE position(lower(%s) in lower(body)) > 0 UNION ALL "
        "SELECT 'event' FROM event WHERE position(lower(%s) in lower(props::text)) > 0",
        people[0],
        people[0],
    )
    assert left == []
    assert studio.left_in_work() == []
