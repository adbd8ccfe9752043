"""Movements: which accounts went from one group or cell to another between two statements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from service.portfolio.matrix import Band
from service.portfolio.summing import NOTHING, Sums, total

__all__ = ["NOWHERE", "Flow", "Moves", "Place"]

_Key = TypeVar("_Key")


class Place(NamedTuple):
    """Where an account stands: None of each where it was never decided."""

    outcome: str | None
    value: Band | None
    growth: Band | None


NOWHERE: Final = None
"""Where an account stands that is not in a statement: not a customer yet, or no longer."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The accounts that went from one place to another, or stayed; money is of the later one."""

    before: Place | None
    after: Place | None
    sums: Sums

    @property
    def is_move(self) -> bool:
        """Say whether they are in both statements, and not where they were."""
        return NOWHERE not in (self.before, self.after) and self.before != self.after


@dataclass(frozen=True, slots=True)
class Moves:
    """All accounts of two statements, each in one flow."""

    flows: tuple[Flow, ...]

    @property
    def moved(self) -> Sums:
        """Who changed the group, the cell, or both."""
        return total(flow.sums for flow in self.flows if flow.is_move)

    def between_groups(self) -> Mapping[tuple[str | None, str | None], Sums]:
        """Return the flows from group to group, of accounts that are in both statements."""
        return _added(
            ((flow.before.outcome, flow.after.outcome), flow.sums)
            for flow in self.flows
            if flow.before is not None and flow.after is not None
        )

    def came(self) -> Mapping[str | None, Sums]:
        """Return who is only in the later statement, by group."""
        return _added(
            (flow.after.outcome, flow.sums)
            for flow in self.flows
            if flow.before is None and flow.after is not None
        )

    def left(self) -> Mapping[str | None, Sums]:
        """Return who is only in the earlier statement, by group; money is of that one."""
        return _added(
            (flow.before.outcome, flow.sums)
            for flow in self.flows
            if flow.before is not None and flow.after is None
        )


def _added(found: Iterable[tuple[_Key, Sums]]) -> Mapping[_Key, Sums]:
    by_key: dict[_Key, Sums] = {}
    for key, sums in found:
        by_key[key] = by_key.get(key, NOTHING) + sums
    return by_key
