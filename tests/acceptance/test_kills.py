"""A batch that is killed again and again ends as one that was left alone, and is proved once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from tests.acceptance.service import Service, kill

KILLS = 25
BATCH = 8
# An undisturbed run takes one to two seconds: the kills fall all over it.
SHORTEST, LONGEST = 0.3, 1.4
KILLS_PER_BATCH = 4


def erase(service: Service, people: list[str]) -> list[object]:
    return ["request", "erase", "--from", service.write_who(people), "--out", "receipts"]


def test_batches_killed_25_times_end_as_those_that_were_not(
    copy_of_studio: Callable[[str], Service],
) -> None:
    calm, killed = copy_of_studio("calm"), copy_of_studio("killed")
    everybody = calm.people(20, 170)
    rng = random.Random(7)
    kills = erased = 0
    while kills < KILLS:
        people = everybody[erased : erased + BATCH]
        assert len(people) == BATCH, "too few kills met a running process"
        erased += BATCH
        for _ in range(KILLS_PER_BATCH):
            process = killed.start(*erase(killed, people))
            time.sleep(rng.uniform(SHORTEST, LONGEST))
            kills += kill(process)
        done = killed.run(*erase(killed, people))
        assert done.returncode == 0, done.stderr
    assert killed.engine("SELECT count(*), count(position) FROM upheld.leaf") == [(erased, erased)]
    for start in range(0, erased, BATCH):
        done = calm.run(*erase(calm, everybody[start : start + BATCH]))
        assert done.returncode == 0, done.stderr

    assert killed.state() == calm.state()
    assert killed.left_in_work() == []
    undone = "SELECT 1 FROM upheld.batch WHERE state <> 'done' OR sealed IS NOT NULL"
    assert killed.engine(undone) == []
    receipts = sorted((killed.folder / "receipts").glob("*.json"))
    assert len(receipts) == erased
    assert len(killed.json("verify", *receipts)) == erased
    assert killed.json("log", "verify")["ok"]
