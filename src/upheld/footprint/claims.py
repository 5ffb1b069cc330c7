"""Which columns claim an identifier for the owners of their row."""

from __future__ import annotations

from dataclasses import dataclass

from upheld.datamap.live import LiveSchema
from upheld.datamap.model import DataMap
from upheld.footprint.chains import Chain, owner_chains


@dataclass(frozen=True, slots=True)
class Claim:
    """A column that holds identifiers of `kind` of its row's owners."""

    table: str
    column: str
    kind: str
    same_person: bool
    chains: tuple[Chain, ...]


def claims(datamap: DataMap, live: LiveSchema) -> tuple[Claim, ...]:
    """Give every claim of the map; a person table's key claims itself."""
    found: list[Claim] = []
    for name, table in datamap.tables.items():
        chains = owner_chains(datamap, name)
        if not chains:
            continue
        marked = dict(table.identifiers())
        if table.person is not None and live.tables[name].key[0] not in marked:
            found.append(
                Claim(
                    name,
                    live.tables[name].key[0],
                    table.person.kind,
                    same_person=False,
                    chains=chains,
                )
            )
        found.extend(
            Claim(name, column, str(said.identifier), said.same_person, chains)
            for column, said in marked.items()
        )
    return tuple(found)


def same_person_claims(datamap: DataMap, found: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Give the claims that join person rows, those of columns that are no identifier too.

    Such a column compares with itself alone: its kind is its own name.
    """
    unnamed = [
        Claim(
            name, column, f"{name}.{column}", same_person=True, chains=owner_chains(datamap, name)
        )
        for name, table in datamap.tables.items()
        for column, said in table.columns.items()
        if said.same_person and said.identifier is None
    ]
    return (*(claim for claim in found if claim.same_person), *unnamed)


def claims_itself(claim: Claim, chain: Chain) -> bool:
    """Say whether the chain ends in the very value that is claimed, and so says nothing."""
    return (
        not chain.ends_in_person
        and len(chain.steps) == 1
        and chain.steps[0].start.columns == (claim.column,)
        and chain.kind == claim.kind
    )
