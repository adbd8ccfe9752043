"""Exact tests: against whole enumerations, published values and other implementations."""

from fractions import Fraction
from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.portfolio.exact_tests import (
    benjamini_hochberg,
    binomial_p,
    clopper_pearson,
    fisher_p,
    smallest_binomial_p,
    smallest_fisher_p,
)


@pytest.mark.parametrize("baseline", [Fraction(1, 100), Fraction(11, 100), Fraction(1, 2)])
def test_the_binomial_p_is_the_sum_over_all_that_could_have_come(baseline: Fraction) -> None:
    """The same as exact fractions, for every count of up to twelve."""
    for known in range(13):
        terms = [
            comb(known, yes) * baseline**yes * (1 - baseline) ** (known - yes)
            for yes in range(known + 1)
        ]
        for yes in range(known + 1):
            found = binomial_p(yes, known, baseline=float(baseline))
            assert found == pytest.approx(float(sum(terms[yes:])), rel=1e-11)
        smallest = smallest_binomial_p(known, baseline=float(baseline))
        assert smallest == pytest.approx(float(terms[-1]), rel=1e-12)


def test_fishers_p_is_the_sum_over_all_tables_with_these_margins() -> None:
    """The same as exact fractions, for every table of two groups of up to seven."""
    for known, rest_known in product(range(8), repeat=2):
        for yes, rest_yes in product(range(known + 1), range(rest_known + 1)):
            every = yes + rest_yes
            tables = [
                Fraction(comb(known, one) * comb(rest_known, every - one))
                for one in range(yes, min(known, every) + 1)
            ]
            exact = float(sum(tables) / comb(known + rest_known, every))
            found = fisher_p(yes, known, rest_yes=rest_yes, rest_known=rest_known)
            assert found == pytest.approx(exact, rel=1e-10)
            assert found >= smallest_fisher_p(known, rest_known=rest_known, yes=every) * (1 - 1e-9)


def test_values_that_others_publish() -> None:
    """Fisher's lady who tastes tea, and the interval of none of ten, which has a closed form."""
    assert fisher_p(4, 4, rest_yes=0, rest_known=4) == pytest.approx(1 / 70)
    assert fisher_p(3, 4, rest_yes=1, rest_known=4) == pytest.approx(17 / 70)
    assert clopper_pearson(0, 10) == pytest.approx((0, 1 - 0.025 ** (1 / 10)))
    assert clopper_pearson(10, 10) == pytest.approx((0.025 ** (1 / 10), 1))
    assert clopper_pearson(0, 0) == (0, 1)


@pytest.mark.parametrize(
    ("yes", "known", "baseline", "p", "interval"),
    [
        (19, 42, 0.11, 2.1781519934297675e-08, (0.2984588131963168, 0.6132682127621287)),
        (3, 42, 0.11, 0.8551509257879498, (0.014979691670709647, 0.19483119815649133)),
        (120, 1_000, 0.1, 0.021996144965794422, (0.10050092374816791, 0.1417668637928255)),
        (11_500, 100_000, 0.11, 2.627623123463229e-07, (0.11302890349770074, 0.11699345703128773)),
        (0, 20, 0.3, 1.0, (0.0, 0.16843347098308548)),
        (1, 1, 0.5, 0.5, (0.025000000000000022, 1.0)),
    ],
)
def test_binomial_values_of_another_implementation(
    yes: int, known: int, baseline: float, p: float, interval: tuple[float, float]
) -> None:
    """SciPy 1.17.1: `binomtest(..., alternative="greater")` and its exact interval."""
    assert binomial_p(yes, known, baseline=baseline) == pytest.approx(p, rel=1e-8)
    assert clopper_pearson(yes, known) == pytest.approx(interval, rel=1e-8)


@pytest.mark.parametrize(
    ("yes", "known", "rest_yes", "rest_known", "p"),
    [
        (19, 42, 28, 258, 5.440152394253723e-07),
        (3, 42, 28, 258, 0.8435226913329568),
        (900, 9_000, 8_200, 91_000, 0.0011155525691141286),
        (5, 30, 0, 300, 4.504694692438606e-06),
        (29, 42, 250, 258, 0.999999992251851),
    ],
)
def test_fisher_values_of_another_implementation(
    yes: int, known: int, rest_yes: int, rest_known: int, p: float
) -> None:
    """SciPy 1.17.1: `fisher_exact(..., alternative="greater")`."""
    found = fisher_p(yes, known, rest_yes=rest_yes, rest_known=rest_known)
    assert found == pytest.approx(p, rel=1e-8)


def test_q_values_of_another_implementation() -> None:
    """SciPy 1.17.1: `false_discovery_control`, whatever the order of the tests."""
    p_values = (0.216, 0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212)
    expected = (0.216, 0.01, 0.04, 0.084, 0.084, 0.084, 0.1, 0.10571429, 0.216, 0.216)
    assert benjamini_hochberg(p_values) == pytest.approx(expected, rel=1e-6)
    assert benjamini_hochberg(()) == ()


@given(st.lists(st.floats(0, 1), max_size=30))
def test_q_values_are_the_procedure_of_benjamini_and_hochberg(p_values: list[float]) -> None:
    """A test stands at a rate exactly where stepping up from the largest p takes it."""
    q_values = benjamini_hochberg(p_values)
    count = len(p_values)
    ordered = sorted(p_values)
    for rate in (0.01, 0.05, 0.3):
        steps = [p for rank, p in enumerate(ordered, 1) if p * count / rank <= rate]
        limit = max(steps, default=-1.0)
        assert [q <= rate for q in q_values] == [p <= limit for p in p_values]
