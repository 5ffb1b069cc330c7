"""Hold a drafted map against a truth: which paths and categories were found, which are wrong.

Paths are compared by what they join. `identifier: email` and a join to a column that either
side marks `identifier: email` are the same path. `owner` and `co-owner` are the same role.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from upheld.datamap.model import DataMap, Path, Step, Term

Canonical = tuple[Any, ...]
OWNERS = {"owner", "co-owner"}


@dataclass
class Score:
    """What was found, missed and wrong; a number is right when it is `found`."""

    found: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        whole = len(self.found) + len(self.missed)
        return len(self.found) / whole if whole else 1.0

    @property
    def precision(self) -> float:
        whole = len(self.found) + len(self.wrong)
        return len(self.found) / whole if whole else 1.0

    def __str__(self) -> str:
        whole = len(self.found) + len(self.missed)
        return (
            f"recall {self.recall:.1%} ({len(self.found)} of {whole}), "
            f"precision {self.precision:.1%} ({len(self.wrong)} wrong)"
        )


@dataclass(frozen=True)
class Wanted:
    """A path of the truth, and how it counts."""

    steps: tuple[Canonical, ...]
    roles: frozenset[str]
    optional: bool


Kinds = dict[tuple[str, str], str]


def kinds_of(datamap: DataMap) -> Kinds:
    """Give the kind of identifier of each column that holds one; person keys stay keys."""
    return {
        (name, column): said.identifier
        for name, table in datamap.tables.items()
        for column, said in table.columns.items()
        if said.identifier and not (table.person and table.person.kind == said.identifier)
    }


def term(said: Term) -> Canonical:
    if said.columns:
        return ("columns", *said.columns)
    if said.json_column:
        return ("json", said.json_column, *said.path)
    if said.array:
        return ("array", said.array)
    return ("list", said.list_column, said.separator)


def step(said: Step, kinds: Kinds) -> Canonical:
    where = tuple(
        sorted((t.column, t.negated, tuple(map(str, t.values))) for t in said.where.tests)
    ) if said.where else ()  # fmt: skip
    if said.to is None:
        return (term(said.start), "identifier", said.identifier, where)
    far = (said.to.table, term(said.to.term))
    if len(said.to.term.columns) == 1:
        kind = kinds.get((said.to.table, said.to.term.columns[0]))
        if kind:
            return (term(said.start), "identifier", kind, where)
    return (term(said.start), "to", far, where)


def drafted(datamap: DataMap, kinds: Kinds) -> Iterator[tuple[str, str, tuple[Canonical, ...]]]:
    for name, table in datamap.tables.items():
        for path in table.paths:
            yield name, path.role, tuple(step(s, kinds) for s in path.via)


def of_truth(truth: dict[str, Any], kinds: Kinds) -> dict[str, list[Wanted]]:
    found: dict[str, list[Wanted]] = {}
    for name, table in truth["tables"].items():
        for said in table.get("paths", ()):
            path = Path.model_validate({"role": said["role"], "via": said["steps"]})
            roles = {said["role"], *said.get("role_or", ())}
            found.setdefault(name, []).append(
                Wanted(
                    tuple(step(s, kinds) for s in path.via),
                    frozenset(roles | (OWNERS if roles & OWNERS else set())),
                    bool(said.get("optional") or said.get("redundant")),
                )
            )
    return found


def of_map(datamap: DataMap, kinds: Kinds) -> dict[str, list[Wanted]]:
    return {
        name: [
            Wanted(
                tuple(step(s, kinds) for s in path.via),
                frozenset(OWNERS if path.role in OWNERS else {path.role}),
                optional=False,
            )
            for path in table.paths
        ]
        for name, table in datamap.tables.items()
    }


def score_paths(draft: DataMap, wanted: dict[str, list[Wanted]], kinds: Kinds) -> Score:
    """Count a path as found if it joins the same and has a right role."""
    score, left = Score(), {name: list(paths) for name, paths in wanted.items()}
    for name, role, steps in drafted(draft, kinds):
        label = f"{name}: {role} {steps}"
        match = next((w for w in left.get(name, ()) if w.steps == steps), None)
        if match is None:
            score.wrong.append(label)
            continue
        if role not in match.roles:
            if not match.optional:
                score.wrong.append(f"{label} (role: {sorted(match.roles)})")
            continue
        left[name].remove(match)
        if not match.optional:
            score.found.append(label)
    for name, paths in left.items():
        score.missed += [f"{name}: {sorted(w.roles)} {w.steps}" for w in paths if not w.optional]
    return score


def score_categories(draft: DataMap, wanted: dict[tuple[str, str], set[str]]) -> Score:
    """`unknown` is missed, not wrong; another category is both."""
    score = Score()
    for (name, column), right in wanted.items():
        table = draft.tables.get(name)
        said = table.columns[column].category if table and column in table.columns else "unknown"
        label = f"{name}.{column}: {said}, not {'/'.join(sorted(right))}"
        if said in right:
            score.found.append(label)
        else:
            score.missed.append(label)
            if said != "unknown":
                score.wrong.append(label)
    return score


def categories_of_truth(truth: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    found = {}
    for name, table in truth["tables"].items():
        for column, said in table["columns"].items():
            whole = {"category": said} if isinstance(said, str) else said
            found[name, column] = {whole["category"], *whole.get("or", ())}
    return found
