"""Random cases: a schema, rows, a map that fits, and a batch of people to erase.

Hypothesis draws what shrinking can make smaller (which shapes, how many people, how many
rows, how large a batch) and one seed for all the rest.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from random import Random
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.property.erasure.drafting import TODAY, Draft
from tests.property.erasure.model import Case, Identifier
from tests.property.erasure.shapes import SHAPES, people, wreck

MOST_TABLES = 12
FEWEST_TABLES = 3


@dataclass(frozen=True)
class Structure:
    """What a case is built from; equal structures give equal cases."""

    seed: int
    shapes: tuple[str, ...]
    people: int
    rows: int
    batch: int
    wreck: bool = False


structures = st.builds(
    Structure,
    seed=st.integers(0, 2**32 - 1),
    shapes=st.lists(st.sampled_from(sorted(SHAPES)), min_size=2, max_size=9, unique=True).map(
        tuple
    ),
    people=st.integers(3, 10),
    rows=st.integers(2, 15),
    batch=st.integers(1, 4),
    wreck=st.sampled_from([False] * 9 + [True]),
)


def structure(seed: int) -> Structure:
    """Draw a structure from a seed alone, for tests that want the same cases each time."""
    rng = Random(seed)
    shapes = rng.sample(sorted(SHAPES), rng.randint(2, 8))
    return Structure(
        seed=seed,
        shapes=tuple(shapes),
        people=rng.randint(3, 10),
        rows=rng.randint(3, 15),
        batch=rng.randint(1, 4),
        wreck=rng.random() < 0.1,
    )


def build(plan: Structure) -> Case:
    """Put a case together."""
    draft = Draft(rng=Random(f"{plan.seed} people"), most_rows=plan.rows)
    people(draft, plan.people)
    chosen = [*plan.shapes, *(name for name in ("events", "newsletter") if len(plan.shapes) < 3)]
    for name in dict.fromkeys(chosen):
        shape, size = SHAPES[name]
        if len(draft.tables) + size <= MOST_TABLES - plan.wreck:
            draft.rng = Random(f"{plan.seed} {name}")
            shape(draft)
    if plan.wreck:
        draft.rng = Random(f"{plan.seed} wreck")
        wreck(draft)
    draft.rng = Random(f"{plan.seed} batch")
    batch = _batch(draft, plan.batch)
    draft.rng = Random(f"{plan.seed} audit")
    if draft.has_audit:
        draft.entries["audit_log"] = {"nobody": True}
    return Case(
        tables=draft.tables,
        rows=draft.rows,
        map=_map(draft),
        batch=batch,
        today=TODAY,
        shapes=frozenset(draft.shapes),
        ignored=frozenset({"audit_log"} if draft.has_audit else ()),
    )


def _map(draft: Draft) -> dict[str, Any]:
    return {
        "upheld": "datamap/1",
        "system": "drawn",
        "title": "A drawn database",
        "store": "postgres",
        "region": "DE",
        "operator": {"name": "Drawn GmbH", "role": "controller"},
        "identifiers": draft.kinds,
        "tables": draft.entries,
    }


def _batch(draft: Draft, size: int) -> list[list[Identifier]]:
    """Draw who leaves, each by what a person would give: an e-mail, an account id, or both."""
    leaving = draft.rng.sample(draft.customers, min(size, len(draft.customers)))
    batch = [_gives(draft, human.key, human.email) for human in leaving]
    if draft.chance(0.3):
        guests = sorted(email for email, owners in draft.claimed.items() if not owners)
        if guests:
            batch.append([("email", draft.rng.choice(guests))])
            draft.saw("leaver without account")
    if "seller" in draft.tables and draft.chance(0.5):
        seller = draft.rng.choice(draft.rows["seller"])
        batch.append([("seller", str(seller["id"]))])
    if len(batch) > 1:
        draft.saw("batch of several")
    return batch


def _gives(draft: Draft, key: Any, email: str | None) -> list[Identifier]:  # noqa: ANN401  any key
    account: Identifier = ("customer", str(key))
    # An e-mail that is somebody else's too leads to nobody: then the account id is given.
    if email is None or draft.claimed[email.lower()] != {key} or draft.chance(0.4):
        return [account]
    by_email: Identifier = ("email", draft.rng.choice((email, email.upper())))
    return [by_email, account] if draft.chance(0.3) else [by_email]


def map_yaml(case_map: dict[str, Any]) -> str:
    """Write a map as the engine reads it."""
    return yaml.safe_dump(_plain(case_map), sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:  # noqa: ANN401  any YAML value
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, uuid.UUID) else value


cases = structures.map(build)
