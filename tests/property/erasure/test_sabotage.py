"""The comparison can fail: an engine that forgets a path, takes a shared row or skips a mention.

The engine gets a sabotaged map and the oracle the true one. Each sabotage must be
noticed on some of the cases that the sound engine passes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.property.erasure.model import Case
from tests.property.erasure.schemas import build, map_yaml, structure
from tests.property.erasure.test_erasure import check_case
from upheld.errors import UpheldError

Map = dict[str, Any]
SEEDS = range(40)


def forget_a_path(whole: Map) -> Map | None:
    """Drop the first owner path of each table that has more ways than one to be reached."""
    sabotaged = copy.deepcopy(whole)
    for table in sabotaged["tables"].values():
        for path in table.get("paths", []):
            if path.get("role", "owner") == "owner":
                table["paths"].remove(path)
                return sabotaged
    return None


def take_a_shared_row(whole: Map) -> Map | None:
    """Let rows go with the first of their owners."""
    sabotaged = copy.deepcopy(whole)
    changed = False
    for table in sabotaged["tables"].values():
        for path in table.get("paths", []):
            if path.get("role") == "co-owner" and path.get("when_gone") != "go":
                path["when_gone"] = "go"
                changed = True
    return sabotaged if changed else None


def skip_mentions(whole: Map) -> Map | None:
    """Search for no identifier at all."""
    sabotaged = copy.deepcopy(whole)
    for kind in sabotaged.get("identifiers", {}).values():
        kind["search"] = False
    return sabotaged if sabotaged.get("identifiers") else None


def _is_noticed(playground: str, case: Case, sabotaged: Map) -> bool:
    try:
        found = check_case(playground, case, map_yaml(sabotaged))
    except UpheldError:
        return False  # the loader noticed: not what is tried here
    # An engine that refuses to start was not caught in the act: only the comparison counts.
    return any(not one.startswith("the plan") for one in found)


@pytest.mark.parametrize("sabotage", [forget_a_path, take_a_shared_row, skip_mentions])
def test_a_sabotaged_eraser_is_caught(
    playground: str, sabotage: Callable[[Map], Map | None]
) -> None:
    caught = []
    for seed in SEEDS:
        case = build(structure(seed))
        sabotaged = sabotage(case.map)
        if sabotaged is None:
            continue
        if _is_noticed(playground, case, sabotaged):
            assert check_case(playground, case) == [], f"seed {seed}"
            caught.append(seed)
        if len(caught) == 3:
            return
    pytest.fail(f"noticed on {len(caught)} cases only")
