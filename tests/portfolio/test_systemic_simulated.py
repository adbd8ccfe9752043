"""What is called systemic, over two hundred simulated portfolios of each kind."""

from collections.abc import Mapping

from service.portfolio.systemic import Count, Examined, Group, Q, examine
from tests.portfolio.portfolios import ACCOUNTS, PLANTED, PLANTED_IN, Plant, simulated
from tests.portfolio.power import POWER, rate_found_declared, rate_found_estimated
from tests.portfolio.systemic_seeds import DECLARED_SEEDS, ESTIMATED_SEEDS, QUIET_SEEDS

COHORT = 42
BASELINE = 0.11
TESTS = 8 * 15
LEVEL = Q / TESTS
"""What the smallest p of so many tests must be under: other findings only raise it."""


def findings(seed: int, *, plant: Plant, declared: bool = False) -> list[Examined]:
    """Return what is called systemic in the portfolio of *seed*."""
    return found_in(simulated(seed, plant=plant), declared=declared)


def found_in(counts: Mapping[str, Mapping[Group, Count]], *, declared: bool) -> list[Examined]:
    """Return what of *counts* is called systemic."""
    tested = examine(counts, baselines={PLANTED: BASELINE} if declared else {})
    return [one for one in tested if one.result == "systemic"]


def is_found(found: list[Examined]) -> bool:
    """Return whether the planted cause is among what was found."""
    return any((one.criterion, one.group) == (PLANTED, PLANTED_IN) for one in found)


def test_where_nothing_is_wrong_next_to_nothing_is_called_systemic() -> None:
    """Of two hundred portfolios without a cause ten at most report one."""
    assert len(QUIET_SEEDS) == 200
    quiet = [simulated(seed) for seed in QUIET_SEEDS]
    for declared in (False, True):
        assert sum(bool(found_in(counts, declared=declared)) for counts in quiet) <= 10


def test_a_cause_is_found_against_the_other_accounts() -> None:
    """A cause as large as the exact power says is found in 180 of two hundred at least."""
    rate = rate_found_estimated(COHORT, others=ACCOUNTS - COHORT, baseline=BASELINE, level=LEVEL)
    plant = Plant(rate=rate, accounts=COHORT)
    hits = sum(is_found(findings(seed, plant=plant)) for seed in ESTIMATED_SEEDS)
    assert (len(ESTIMATED_SEEDS), POWER) == (200, 0.97)
    assert hits >= 180


def test_a_cause_is_found_against_a_declared_baseline() -> None:
    """The same for the binomial test, for which a smaller cause is enough."""
    rate = rate_found_declared(COHORT, baseline=BASELINE, level=LEVEL)
    assert rate < rate_found_estimated(
        COHORT, others=ACCOUNTS - COHORT, baseline=BASELINE, level=LEVEL
    )
    plant = Plant(rate=rate, accounts=COHORT)
    hits = sum(is_found(findings(seed, plant=plant, declared=True)) for seed in DECLARED_SEEDS)
    assert len(DECLARED_SEEDS) == 200
    assert hits >= 180


def test_a_cohort_like_the_others_is_left_alone() -> None:
    """A rate a little above the baseline is no finding in any of twenty-five."""
    plant = Plant(rate=0.14, accounts=COHORT)
    assert not any(is_found(findings(seed, plant=plant)) for seed in ESTIMATED_SEEDS[:25])
