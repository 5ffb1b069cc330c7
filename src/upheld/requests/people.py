"""Identity resolution across systems: what one of them finds, the others are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from upheld.stores.postgres.resolution import Held, Resolution, Subject


def resolve_everywhere(resolutions: Mapping[str, Resolution], subjects: Sequence[Subject]) -> None:
    """Resolve in each system, and pass on what is somebody's alone, until nothing is new."""
    for resolution in resolutions.values():
        resolution.run(_known(resolution, subjects))
    if len(resolutions) == 1:
        return
    while True:
        found: dict[tuple[int, str], set[str]] = defaultdict(set)
        for resolution in resolutions.values():
            for one in resolution.held():
                if one.alone:
                    found[one.n, one.kind].add(one.value)
        grown = False
        for resolution in resolutions.values():
            had = {(one.n, one.kind, one.value) for one in resolution.held()}
            new = [
                Subject(
                    n,
                    tuple((kind, value) for value in sorted(values) if (n, kind, value) not in had),
                )
                for (n, kind), values in found.items()
                if kind in resolution.datamap.kinds()
            ]
            wanted = [subject for subject in new if subject.given]
            if wanted:
                resolution.add(wanted)
                grown = True
        if not grown:
            return


def _known(resolution: Resolution, subjects: Sequence[Subject]) -> list[Subject]:
    """Leave out identifiers of kinds that a system does not know."""
    kinds = set(resolution.datamap.kinds())
    return [
        Subject(subject.n, tuple(pair for pair in subject.given if pair[0] in kinds))
        for subject in subjects
    ]


def by_person(held: Sequence[Held]) -> dict[int, list[Held]]:
    """Group what is held by person."""
    grouped: dict[int, list[Held]] = defaultdict(list)
    for one in held:
        grouped[one.n].append(one)
    return grouped
