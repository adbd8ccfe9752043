"""The exact power of the tests: how often a cause of a size is found, summed over all results."""

from collections.abc import Callable
from math import comb
from typing import Final

from service.portfolio.exact_tests import binomial_p, fisher_p

__all__ = ["POWER", "rate_found_declared", "rate_found_estimated"]

POWER: Final = 0.97


def rate_found_declared(known: int, *, baseline: float, level: float) -> float:
    """Return the least rate that the binomial test finds at *level* with the power."""
    least = _least_found(known, lambda yes: binomial_p(yes, known, baseline=baseline) <= level)
    return _solved(lambda rate: _at_least(least, known, rate))


def rate_found_estimated(known: int, *, others: int, baseline: float, level: float) -> float:
    """Return the same of Fisher's test, where *others* meet the criterion with *baseline*."""
    probabilities = [_binomial(yes, others, baseline) for yes in range(others + 1)]
    found = {
        yes: _least_found(
            known,
            lambda inside, yes=yes: (  # type: ignore[misc]  # bound at once
                fisher_p(inside, known, rest_yes=yes, rest_known=others) <= level
            ),
        )
        for yes, probability in enumerate(probabilities)
        if probability > 1e-9
    }
    return _solved(
        lambda rate: sum(
            probabilities[yes] * _at_least(least, known, rate) for yes, least in found.items()
        )
    )


def _least_found(known: int, is_found: Callable[[int], bool]) -> int:
    return next((yes for yes in range(known + 1) if is_found(yes)), known + 1)


def _at_least(least: int, known: int, rate: float) -> float:
    return sum(_binomial(yes, known, rate) for yes in range(least, known + 1))


def _binomial(yes: int, known: int, rate: float) -> float:
    return comb(known, yes) * rate**yes * (1 - rate) ** (known - yes)


def _solved(power: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high
