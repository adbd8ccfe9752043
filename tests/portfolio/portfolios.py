"""Simulated portfolios: accounts of cohorts, products and sources, and criteria they meet.

Nothing in them is as tests of many hypotheses would like it: every group is a part of another
one, products go with cohorts, and an account that meets one criterion meets others more often.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from service.portfolio.systemic import EVERYBODY, Count, Group

__all__ = ["ACCOUNTS", "PLANTED", "PLANTED_IN", "Plant", "simulated"]

ACCOUNTS: Final = 300
PLANTED: Final = "asks_much"
PLANTED_IN: Final = Group("cohort", "2025-Q3")
_RATES: Final[Mapping[str, float]] = {
    PLANTED: 0.11, "pays_late": 0.08, "much_discount": 0.2, "misses_meetings": 0.12,
    "skips_training": 0.25, "hurts_tone": 0.04, "many_exceptions": 0.17, "bad_fit": 0.07,
}  # fmt: skip
_QUARTERS: Final = tuple(f"{year}-Q{quarter}" for year in (2024, 2025) for quarter in (1, 2, 3, 4))
_UNKNOWN: Final = 0.1
_MOOD: Final = 0.3
_NONE: Final = Count(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Plant:
    """A cause in the cohort: how often its accounts meet the criterion, and how many they are."""

    rate: float
    accounts: int


def simulated(seed: int, *, plant: Plant | None = None) -> dict[str, dict[Group, Count]]:
    """Return the counts of the portfolio of *seed*: by criterion and group."""
    chance = random.Random(seed)
    cells: dict[tuple[Group, ...], list[str]] = {}
    for number in range(ACCOUNTS):
        groups = tuple(_groups(chance, number, plant))
        cells.setdefault(groups, []).append(_letters(chance, groups, plant))
    counts: dict[str, dict[Group, Count]] = {name: {} for name in _RATES}
    for groups, letters in cells.items():
        for name, column in zip(_RATES, zip(*letters, strict=True), strict=True):
            of, yes = counts[name], column.count("y")
            known = yes + column.count("n")
            for group in groups:
                before = of.get(group, _NONE)
                of[group] = Count(
                    before.yes + yes, before.known + known, before.accounts + len(column)
                )
    return counts


def _letters(chance: random.Random, groups: tuple[Group, ...], plant: Plant | None) -> str:
    """Return what an account meets: a letter a criterion, y, n or u where it is not known."""
    # Some accounts are difficult in every way: the criteria depend on each other.
    mood = 1 + _MOOD if chance.random() < 0.5 else 1 - _MOOD
    letters = []
    for name, rate in _RATES.items():
        is_caused = plant is not None and name == PLANTED and PLANTED_IN in groups
        often = plant.rate if plant is not None and is_caused else rate * mood
        known = 1 if name == PLANTED else 1 - _UNKNOWN
        draw = chance.random()
        letters.append("y" if draw < often * known else "n" if draw < known else "u")
    return "".join(letters)


def _groups(chance: random.Random, number: int, plant: Plant | None) -> Iterator[Group]:
    quarter = _quarter(chance, number, plant)
    yield EVERYBODY
    yield Group("cohort", quarter)
    yield Group("year", quarter[:4])
    is_new = quarter >= "2025"
    yield Group("product", "suite" if chance.random() < (0.7 if is_new else 0.3) else "basic")
    yield Group("source", chance.choice(("fair", "partner", "web", "web")))


def _quarter(chance: random.Random, number: int, plant: Plant | None) -> str:
    if plant is None:
        return chance.choice(_QUARTERS)
    if number < plant.accounts:
        return PLANTED_IN.value
    return chance.choice([name for name in _QUARTERS if name != PLANTED_IN.value])
