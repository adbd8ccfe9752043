"""Findings that are nearly one: the same criterion in two groups of nearly the same accounts.

Which of the two is the cause the numbers cannot say. The one with the stronger evidence is
named by the other, so that nobody reads one problem as two. Nothing is tested otherwise for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from service.portfolio.systemic import EVERYBODY, Examined, Group

__all__ = ["NEARLY", "Pair", "Twin", "pairs_of", "twins_of"]

NEARLY: Final = 0.8
"""Which share of the accounts of either group must be in both."""

Pair = tuple[Group, Group]


@dataclass(frozen=True, slots=True)
class Twin:
    """The group of nearly the same accounts where the evidence is stronger.

    *shared* accounts are in both, *together* are in either.
    """

    group: Group
    shared: int
    together: int


def pairs_of(findings: Sequence[Examined]) -> list[Pair]:
    """Return the groups, two and two, that are found under one criterion and could be alike.

    The stronger is first, as in *findings*. Groups of one slice have no account in common, and
    what is much larger holds others.
    """
    pairs = [
        (one.group, other.group)
        for one, other in combinations(findings, 2)
        if one.criterion == other.criterion
        and EVERYBODY not in (one.group, other.group)
        and one.group.slice != other.group.slice
        and _could_be(one.count.accounts, other.count.accounts)
    ]
    return list(dict.fromkeys(pairs))


def twins_of(
    findings: Sequence[Examined], shared: Mapping[Pair, int]
) -> dict[tuple[str, Group], Twin]:
    """Return by criterion and group those findings that are nearly a stronger one.

    *shared* is how many accounts both groups of a pair have.
    """
    twins: dict[tuple[str, Group], Twin] = {}
    for one, other in combinations(findings, 2):
        key = (other.criterion, other.group)
        both = shared.get((one.group, other.group))
        if both is None or one.criterion != other.criterion or key in twins:
            continue
        together = one.count.accounts + other.count.accounts - both
        # What is itself nearly another's has passed its name on already.
        if both >= NEARLY * together and (one.criterion, one.group) not in twins:
            twins[key] = Twin(one.group, both, together)
    return twins


def _could_be(one: int, other: int) -> bool:
    return min(one, other) >= NEARLY * max(one, other)
