"""The summary: every group in the rule set's order, with what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.portfolio.summing import NOTHING, Sums
from service.rules import RuleSet

__all__ = ["Group", "groups_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The accounts of one outcome; None is for those that were never decided.

    Attributes:
        verdict: Of the outcome, in the statement's version.
        in_grace: How many of them a grace period put here.
    """

    outcome: str | None
    label: str | None
    verdict: str | None
    action: str | None
    in_grace: int
    sums: Sums


def groups_of(rules: RuleSet, found: Iterable[tuple[str | None, bool, Sums]]) -> list[Group]:
    """Return all outcomes of *rules*, then others that there are, of other versions.

    *found* is sums by outcome and whether a grace period decided.
    """
    sums: dict[str | None, Sums] = {}
    graced: dict[str | None, int] = {}
    for outcome, in_grace, each in found:
        sums[outcome] = sums.get(outcome, NOTHING) + each
        graced[outcome] = graced.get(outcome, 0) + (each.accounts if in_grace else 0)
    declared = {outcome.id: outcome for outcome in rules.model.outcomes}
    others = sorted(sums.keys() - declared.keys(), key=lambda name: (name is None, name or ""))
    groups = []
    for name in (*declared, *others):
        told = None if name is None else declared.get(name)
        groups.append(
            Group(
                outcome=name,
                label=None if told is None else told.label,
                verdict=None if told is None else told.verdict,
                action=None if told is None else told.action,
                in_grace=graced.get(name, 0),
                sums=sums.get(name, NOTHING),
            )
        )
    return groups
