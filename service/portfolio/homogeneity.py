"""Whether groups differ: rates by Pearson's test, lengths and sizes by Kruskal and Wallis's.

Small groups are not tested: of rates those of which fewer than five yes or five no are to be
expected (W. G. Cochran, *Biometrics* 10, 1954), of numbers those of fewer than five (W. H.
Kruskal and W. A. Wallis, *J. Am. Statist. Assoc.* 47, 1952, whose correction for ties is
used). What is left is chi-squared; the incomplete gamma function behind that is summed as in
M. Abramowitz and I. A. Stegun, *Handbook of Mathematical Functions*, 6.5.29 and 6.5.31.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, inf, isfinite, lgamma, log, sqrt
from typing import Final

__all__ = ["LEAST", "Difference", "chi_squared_p", "differ_in_numbers", "differ_in_rates"]

LEAST: Final = 5
"""How much of each a group needs to be tested."""

_PRECISION: Final = 1e-15
_TERMS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a test of groups says.

    Attributes:
        p: How likely groups that are alike would look as different as these, or more.
        effect: From 0, where the group tells nothing, to 1, where it tells everything: of rates
            Cramer's V, of numbers epsilon squared (the share of the ranks' variation).
        too_small: How many groups were left out of the test.
    """

    p: float
    effect: float
    too_small: int


def differ_in_rates(groups: Sequence[tuple[int, int]]) -> Difference | None:
    """Test groups of *(yes, no)*; None where fewer than two are large enough."""
    tested = list(groups)
    while True:  # to leave a group out changes what is to be expected of the others
        yes, every = sum(one for one, _ in tested), sum(sum(one) for one in tested)
        kept = [one for one in tested if _is_expected(sum(one), yes, every)]
        if len(kept) == len(tested):
            break
        tested = kept
    if len(tested) < 2:
        return None
    rate = yes / every
    squared = sum((one - sum((one, no)) * rate) ** 2 / (one + no) for one, no in tested)
    statistic = squared / (rate * (1 - rate))
    return Difference(
        p=chi_squared_p(statistic, len(tested) - 1),
        effect=min(1.0, sqrt(statistic / every)),
        too_small=len(groups) - len(tested),
    )


def differ_in_numbers(groups: Sequence[Sequence[float]]) -> Difference | None:
    """Test groups of numbers by their ranks; None where fewer than two are large enough.

    None too where all numbers are one, of which there is nothing to tell apart.
    """
    tested = [group for group in groups if len(group) >= LEAST]
    counts = Counter(number for group in tested for number in group)
    if len(tested) < 2 or len(counts) < 2:
        return None
    every = sum(counts.values())
    ranks = _ranks(counts)
    squared = sum(sum(ranks[number] for number in group) ** 2 / len(group) for group in tested)
    ties = sum(count**3 - count for count in counts.values())
    statistic = (12 / (every * (every + 1)) * squared - 3 * (every + 1)) / (
        1 - ties / (every**3 - every)
    )
    return Difference(
        p=chi_squared_p(statistic, len(tested) - 1),
        effect=min(1.0, max(0.0, statistic / (every - 1))),
        too_small=len(groups) - len(tested),
    )


def chi_squared_p(statistic: float, freedom: int) -> float:
    """Return how likely a chi-squared number of *freedom* degrees is *statistic* or more."""
    if not isfinite(statistic):
        return 0.0
    return 1.0 if statistic <= 0 else _gamma_q(freedom / 2, statistic / 2)


def _is_expected(size: int, yes: int, every: int) -> bool:
    return size * yes >= LEAST * every and size * (every - yes) >= LEAST * every and every > 0


def _ranks(counts: Mapping[float, int]) -> dict[float, float]:
    """Return the rank of each number from 1; equal ones share the middle of theirs."""
    numbers = sorted(counts)
    ends = accumulate(counts[number] for number in numbers)
    return {
        number: end - (counts[number] - 1) / 2 for number, end in zip(numbers, ends, strict=True)
    }


def _gamma_q(shape: float, at: float) -> float:
    """Return the upper incomplete gamma function of *shape* at *at*, over the whole."""
    front = exp(shape * log(at) - at - lgamma(shape))
    if at < shape + 1:
        return 1 - front * _series(shape, at)
    return front * _fraction(shape, at)


def _series(shape: float, at: float) -> float:
    term = total = 1 / shape
    for step in range(1, _TERMS):
        term *= at / (shape + step)
        total += term
        if term < total * _PRECISION:
            break
    return total


def _fraction(shape: float, at: float) -> float:
    """Return the continued fraction, from its front (W. J. Lentz, *Applied Optics* 15, 1976)."""
    middle = at + 1 - shape
    ahead, behind = inf, 1 / middle
    total = behind
    for step in range(1, _TERMS):
        part = -step * (step - shape)
        middle += 2
        behind = 1 / (part * behind + middle)
        ahead = middle + part / ahead
        change = behind * ahead
        total *= change
        if abs(change - 1) < _PRECISION:
            break
    return total
