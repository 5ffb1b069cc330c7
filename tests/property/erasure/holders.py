"""Who holds an identifier: the five rules of docs/datamap.md, repeated until nothing changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.property.erasure.model import Identifier
from tests.property.erasure.reading import Account, End, Held, Place, Reader


@dataclass(frozen=True)
class Leavers:
    """The batch: its accounts, and the values that nobody else holds."""

    accounts: frozenset[Account]
    values: frozenset[Held]

    def has(self, end: End) -> bool:
        return end in self.accounts or end in self.values


class Holders:
    """Answers who holds what in one case."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._claims: dict[Held, list[Place]] = {}
        for value, place in reader.claims():
            self._claims.setdefault(value, []).append(place)
        self._people = self._group_accounts()

    def _group_accounts(self) -> dict[Account, Account]:
        """Give for each account the one that stands for its person (rule 3, `same_person`)."""
        stands: dict[Account, Account] = {}
        marks: list[tuple[Account, Any]] = []
        for table, index, row in self._reader.places():
            if not self._reader.in_scope(table, row):
                continue
            account = Account(table, index)
            stands[account] = account
            for name, column in self._reader.entry(table).get("columns", {}).items():
                marked = isinstance(column, dict) and column.get("same_person") in (True, "yes")
                if marked and row[name] is not None:
                    marks.append((account, row[name]))
        changed = True
        while changed:
            changed = False
            for one, mark in marks:
                for other, same in marks:
                    if mark == same and stands[one] != stands[other]:
                        stands[one] = stands[other] = min(
                            stands[one], stands[other], key=lambda who: (who.table, who.index)
                        )
                        changed = True
        return stands

    def _owners_of(self, value: Held) -> set[End]:
        return {
            owner for place in self._claims.get(value, []) for owner in self._reader.owners(*place)
        }

    def _alone(self, accounts: set[Account], given: set[Held]) -> set[Held]:
        """Give the values that are theirs alone, from those given and those of their own rows."""
        alone: set[Held] = set()
        changed = True
        while changed:
            changed = False
            theirs: set[End] = {*accounts, *alone}
            candidates = set(given)
            for value, places in self._claims.items():
                for place in places:
                    owners = self._reader.owners(*place)
                    if owners and owners <= theirs:
                        candidates.add(value)
            for value in candidates - alone:
                if self._owners_of(value) <= theirs | {value}:
                    alone.add(value)
                    changed = True
        return alone

    def _accounts_of(self, given: set[Held]) -> set[Account]:
        """Give the person rows that what one person gave leads to (rule 3)."""
        accounts: set[Account] = set()
        changed = True
        while changed:
            changed = False
            for value in given:
                claimers = {who for who in self._owners_of(value) if isinstance(who, Account)}
                fresh = claimers - accounts
                people = {self._people[who] for who in fresh}
                if len(people) != 1 or (accounts & claimers and fresh):
                    continue
                person = {who for who, stands in self._people.items() if stands in people}
                if value in self._alone(accounts | person, given):
                    accounts |= person
                    changed = True
        return accounts

    def leavers(self, batch: list[list[Identifier]]) -> Leavers:
        """Resolve a whole batch; values shared among leavers only are the batch's alone."""
        accounts: set[Account] = set()
        given: set[Held] = set()
        for subject in batch:
            theirs = {self._reader.held(kind, text) for kind, text in subject}
            given |= theirs
            accounts |= self._accounts_of(theirs)
        return Leavers(frozenset(accounts), frozenset(self._alone(accounts, given)))
