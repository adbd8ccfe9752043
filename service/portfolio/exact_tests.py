"""Exact tests of counts, and many of them at once: nothing here is an approximation for large n.

The binomial test and Fisher's (R. A. Fisher, *Statistical Methods for Research Workers*, 1934,
section 21.02) are one-sided: "more than". Confidence intervals are those of C. J. Clopper and
E. S. Pearson, *Biometrika* 26 (1934). Many tests are judged by Y. Benjamini and Y. Hochberg,
*J. R. Statist. Soc. B* 57 (1995). A test that could not succeed whatever came out is known by
its smallest attainable p (R. E. Tarone, *Biometrics* 46, 1990).
"""

from collections.abc import Sequence
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import Final

__all__ = [
    "benjamini_hochberg",
    "binomial_p",
    "clopper_pearson",
    "fisher_p",
    "smallest_binomial_p",
    "smallest_fisher_p",
]

_NEGLIGIBLE: Final = 2.0**-60
_STEPS: Final = 100
_AS_NEAR: Final = 2.0**-36
"""How near, of itself, two steps towards a rate are where it is found."""


def binomial_p(yes: int, known: int, *, baseline: float) -> float:
    """Return how likely *yes* of *known* or more are, where each is yes with *baseline*."""
    if yes <= 0 or baseline >= 1:
        return 1.0
    if baseline <= 0:
        return 0.0
    if yes <= known * baseline:  # the other end is the smaller sum
        return 1 - binomial_p(known - yes + 1, known, baseline=1 - baseline)
    odds = baseline / (1 - baseline)
    term, total, at = 1.0, 1.0, yes
    while term > total * _NEGLIGIBLE:
        term *= (known - at) / (at + 1) * odds
        total += term
        at += 1
    return min(1.0, exp(_log_binomial(yes, known, baseline)) * total)


def fisher_p(yes: int, known: int, *, rest_yes: int, rest_known: int) -> float:
    """Return how likely *yes* of *known* or more are, had the yes fallen anywhere alike.

    There are *rest_yes* among *rest_known* others; the margins of the table are given.
    """
    every = yes + rest_yes
    if yes <= max(0, every - rest_known):
        return 1.0
    if yes * (known + rest_known) <= known * every:  # the other end is the smaller sum
        return 1 - fisher_p(rest_yes + 1, rest_known, rest_yes=yes - 1, rest_known=known)
    term, total, at = 1.0, 1.0, yes
    while term > total * _NEGLIGIBLE:
        term *= (known - at) * (every - at) / ((at + 1) * (rest_known - every + at + 1))
        total += term
        at += 1
    return min(1.0, exp(_log_hypergeometric(yes, known, rest_known, every)) * total)


def smallest_binomial_p(known: int, *, baseline: float) -> float:
    """Return the smallest p that *known* answers could give: were all of them yes."""
    return baseline**known


def smallest_fisher_p(known: int, *, rest_known: int, yes: int) -> float:
    """Return the smallest p that the margins allow: as many of *yes* in the group as fit."""
    inside = min(known, yes)
    return fisher_p(inside, known, rest_yes=yes - inside, rest_known=rest_known)


def clopper_pearson(yes: int, known: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a rate of which *yes* of *known* were seen.

    It holds the true rate at least as often as *confidence* says, whatever that rate is.
    """
    if known == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    return _lower(yes, known, tail), 1 - _lower(known - yes, known, tail)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the q-value of each test: the least false discovery rate at which it stands.

    To take those at *q* or less keeps the expected share of false ones among them under *q*
    where the tests are independent or depend on each other positively (Y. Benjamini and
    D. Yekutieli, *Ann. Statist.* 29, 2001).
    """
    count = len(p_values)
    q_values = [1.0] * count
    least = 1.0
    by_size = sorted(range(count), key=p_values.__getitem__, reverse=True)
    for above, place in enumerate(by_size):
        least = min(least, p_values[place] * count / (count - above))
        q_values[place] = least
    return tuple(q_values)


def _lower(yes: int, known: int, tail: float) -> float:
    """Return the rate at which *yes* or more are as unlikely as *tail*.

    Newton's steps on the logarithm, whose slope is known in closed form, from E. B. Wilson's
    bound (*J. Am. Statist. Ass.* 22, 1927); a step that leaves the bracket halves it instead.
    """
    if yes == 0:
        return 0.0
    low, high = 0.0, yes / known
    at = _wilson(yes, known, tail)
    for _ in range(_STEPS):
        p = binomial_p(yes, known, baseline=at)
        low, high = (at, high) if p < tail else (low, at)
        following = (low + high) / 2
        if p > 0:
            slope = yes / at * exp(_log_binomial(yes, known, at)) / p
            newton = at - log(p / tail) / slope
            if low < newton < high:
                following = newton
        if abs(following - at) <= at * _AS_NEAR:
            return following
        at = following
    return at


def _wilson(yes: int, known: int, tail: float) -> float:
    squared = NormalDist().inv_cdf(tail) ** 2
    spread = squared / 4 + yes * (known - yes) / known
    bound = (yes + squared / 2 - sqrt(squared * spread)) / (known + squared)
    return max(bound, yes / known * _NEGLIGIBLE)


def _log_binomial(yes: int, known: int, rate: float) -> float:
    return _log_choose(known, yes) + yes * log(rate) + (known - yes) * log1p(-rate)


def _log_hypergeometric(inside: int, known: int, rest: int, yes: int) -> float:
    return (
        _log_choose(known, inside)
        + _log_choose(rest, yes - inside)
        - _log_choose(known + rest, yes)
    )


def _log_choose(of: int, taken: int) -> float:
    return lgamma(of + 1) - lgamma(taken + 1) - lgamma(of - taken + 1)
