"""Problems that many accounts share: which criterion, in which group, and how sure that is.

A criterion that unusually many accounts of one group meet says more about what we did to all
of them than about each. Counts come in, results go out; nothing here reads or keeps anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from service.portfolio.exact_tests import (
    benjamini_hochberg,
    binomial_p,
    fisher_p,
    smallest_binomial_p,
    smallest_fisher_p,
)

__all__ = [
    "EVERYBODY",
    "LEAST_KNOWN",
    "LEAST_RATIO",
    "LEAST_SHARE_KNOWN",
    "Against",
    "Count",
    "Examined",
    "Group",
    "Lack",
    "Q",
    "Result",
    "examine",
    "lack_of",
    "p_of",
]

Q: Final = 0.02
"""The false discovery rate: of many findings, so many may be false."""

LEAST_KNOWN: Final = 20
"""How many accounts of a group, and of those it is held against, must be known."""

LEAST_SHARE_KNOWN: Final = 0.5
"""Which share of a group must be known: those who answer may not be like those who do not."""

LEAST_RATIO: Final = 1.5
"""How many times the baseline a rate must be at least: very many accounts prove anything."""

Result = Literal["systemic", "not_systemic", "not_enough_data"]
Lack = Literal[
    "no_baseline",
    "few_known",
    "mostly_unknown",
    "few_others",
    "could_not_tell",
]


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Accounts with one value of a slice, such as the cohort 2026-Q1; `EVERYBODY` has none."""

    slice: str = ""
    value: str = ""


EVERYBODY: Final = Group()


@dataclass(frozen=True, slots=True)
class Count:
    """How many of *accounts* are known under a criterion, and how many of these meet it."""

    yes: int
    known: int
    accounts: int

    def without(self, other: "Count") -> "Count":
        """Return the count of the accounts that are not among *other*'s."""
        return Count(self.yes - other.yes, self.known - other.known, self.accounts - other.accounts)

    @property
    def rate(self) -> float:
        """The share of yes among the known; 0 where none is known."""
        return self.yes / self.known if self.known else 0.0


@dataclass(frozen=True, slots=True)
class Against:
    """What a group is held against: a baseline, and who it is estimated from, if it is."""

    kind: Literal["declared", "rest", "history"]
    baseline: float
    others: Count | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """One criterion in one group: counts, what they were held against, and what came of it.

    *p* and *q* are None where there was not enough data, and *lack* says then what of.
    """

    criterion: str
    group: Group
    count: Count
    against: Against | None
    p: float | None
    q: float | None
    lack: Lack | None

    @property
    def is_large(self) -> bool:
        """Whether the rate is so much more than the baseline that it matters."""
        return self.against is not None and self.count.rate >= LEAST_RATIO * self.against.baseline

    @property
    def result(self) -> Result:
        """What came of it. That it has to be large can only take a finding away."""
        if self.q is None:
            return "not_enough_data"
        return "systemic" if self.q <= Q and self.is_large else "not_systemic"


def examine(
    counts: Mapping[str, Mapping[Group, Count]],
    *,
    baselines: Mapping[str, float],
    earlier: Mapping[str, Count] | None = None,
    outside: Mapping[str, Count] | None = None,
    alike: int = 1,
) -> tuple[Examined, ...]:
    """Return the result of every criterion in every group, in the order of *counts*.

    *counts* are by criterion and group, with `EVERYBODY` among the groups. A criterion with a
    declared baseline is held against that by the exact binomial test. Else a group is held
    against all the others, and everybody against *earlier*, by Fisher's exact test. All tests
    together keep the false discovery rate under `Q`.

    Where *counts* are of a slice, *outside* counts those who are not in it, and everybody in it
    is held against them. *alike* is how many such slices could have been asked for: each q is
    multiplied by it (Benjamini and Bogomolov's procedure, one family selected of so many), so
    that nobody finds something by asking for one slice after the other.
    """
    asked = [
        (criterion, group, count, _against(group, count, of, declared, everybodys))
        for criterion, of in counts.items()
        for declared in [baselines.get(criterion)]
        for everybodys in [_everybodys(criterion, earlier or {}, outside or {})]
        for group, count in of.items()
    ]
    lacks = [lack_of(count, against, level=Q / alike) for _, _, count, against in asked]
    p_values = [
        None if lack is not None or against is None else p_of(count, against)
        for (_, _, count, against), lack in zip(asked, lacks, strict=True)
    ]
    q_values = iter(benjamini_hochberg([p for p in p_values if p is not None]))
    return tuple(
        Examined(*question, p, None if p is None else min(1.0, next(q_values) * alike), lack)
        for question, p, lack in zip(asked, p_values, lacks, strict=True)
    )


def p_of(count: Count, against: Against) -> float:
    """Return how likely a count like this or more is, were the group like what it is against."""
    if against.others is None:
        return binomial_p(count.yes, count.known, baseline=against.baseline)
    others = against.others
    return fisher_p(count.yes, count.known, rest_yes=others.yes, rest_known=others.known)


def lack_of(count: Count, against: Against | None, *, level: float = Q) -> Lack | None:
    """Return what a test lacks. It depends on the margins alone, so it chooses no result.

    What could not come out under *level*, whatever was counted, is not asked.
    """
    if against is None:
        return "no_baseline"
    others = against.others
    if count.known < LEAST_KNOWN:
        return "few_known"
    if count.known < LEAST_SHARE_KNOWN * count.accounts:
        return "mostly_unknown"
    if others is not None and others.known < LEAST_KNOWN:
        return "few_others"
    return "could_not_tell" if _smallest_p(count, against) > level else None


def _everybodys(
    criterion: str, earlier: Mapping[str, Count], outside: Mapping[str, Count]
) -> Against | None:
    """Return what everybody is held against: those outside the slice, or an earlier time."""
    kind: Literal["rest", "history"] = "rest" if criterion in outside else "history"
    others = outside.get(criterion) or earlier.get(criterion)
    return None if others is None else Against(kind, others.rate, others)


def _against(
    group: Group,
    count: Count,
    of: Mapping[Group, Count],
    declared: float | None,
    everybodys: Against | None,
) -> Against | None:
    if declared is not None:
        return Against("declared", declared)
    if group != EVERYBODY:
        others = of[EVERYBODY].without(count)
        return Against("rest", others.rate, others)
    return everybodys


def _smallest_p(count: Count, against: Against) -> float:
    if against.others is None:
        return smallest_binomial_p(count.known, baseline=against.baseline)
    others = against.others
    every = count.yes + others.yes
    return smallest_fisher_p(count.known, rest_known=others.known, yes=every)
