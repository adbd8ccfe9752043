"""What became of deals, told apart: exact where it can be, and silent where it must be."""

from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise
from math import comb, erfc, exp, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.portfolio.bands import quartiles_of, score_bands
from service.portfolio.deals import Deal, days_between, group_of, part_of, parts_by, rate_of
from service.portfolio.homogeneity import (
    chi_squared_p,
    differ_in_numbers,
    differ_in_rates,
)
from service.portfolio.inheriting import Carried, Origin, books_of, origin_of
from service.portfolio.middles import middle_of
from service.portfolio.reading import Span
from service.portfolio.telling_apart import Finding, tell_apart
from tests.portfolio.statements import NOON


def deal(result: str = "won", /, **told: object) -> Deal:
    """Return a deal of ten days and 100.00, in no group."""
    members = {"days": 10.0, "amount": Decimal(100), "groups": {}} | told
    return Deal(result=result, **members)  # type: ignore[arg-type]  # what a test says


def deals(won: int, lost: int, /, **groups: str) -> list[Deal]:
    """Return so many deals of a group."""
    return [deal("won", groups=groups)] * won + [deal("lost", groups=groups)] * lost


@pytest.mark.parametrize("freedom", [2, 4, 6, 10, 40])
@pytest.mark.parametrize("statistic", [0.001, 0.5, 1, 4, 9.5, 30, 120])
def test_chi_squared_is_the_sum_that_it_is(statistic: float, freedom: int) -> None:
    """Of an even number of degrees it is a finite sum of Poisson's terms."""
    half = statistic / 2
    terms = accumulate(range(1, freedom // 2), lambda term, step: term * half / step, initial=1.0)
    expected = exp(-half) * sum(terms)
    assert chi_squared_p(statistic, freedom) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("statistic", [0.01, 1, 3.841458820694124, 25, 400])
def test_chi_squared_of_one_degree_is_a_normal_squared(statistic: float) -> None:
    """The other half of the family, held to the error function."""
    assert chi_squared_p(statistic, 1) == pytest.approx(erfc(sqrt(statistic / 2)), rel=1e-9)


def test_rates_are_tested_as_pearson_did() -> None:
    """A table worked by hand: 40 of 100 against 60 of 100 is a statistic of 8."""
    found = differ_in_rates([(40, 60), (60, 40)])
    assert found is not None
    assert found.p == pytest.approx(chi_squared_p(8, 1), rel=1e-12)
    assert found.effect == pytest.approx(0.2)


def test_small_groups_are_left_out_and_counted() -> None:
    """Of three deals nobody can tell a rate; without two that are large there is no test."""
    found = differ_in_rates([(40, 60), (60, 40), (3, 0)])
    assert found is not None
    assert found.too_small == 1
    assert differ_in_rates([(40, 60), (3, 0), (0, 3)]) is None
    assert differ_in_rates([(100, 0), (200, 0)]) is None
    assert differ_in_rates([]) is None


def test_ranks_are_tested_as_kruskal_and_wallis_did() -> None:
    """Without ties, worked by hand: ranks 1-5, 6-10 and 11-15 give a statistic of 12.5."""
    groups = [[1.0, 2, 3, 4, 5], [6.0, 7, 8, 9, 10], [11.0, 12, 13, 14, 15]]
    found = differ_in_numbers(groups)
    assert found is not None
    assert found.p == pytest.approx(chi_squared_p(12.5, 2), rel=1e-12)
    tied = differ_in_numbers([[1.0, 1, 1, 2, 2], [1.0, 1, 1, 2, 2], [7.0]])
    assert tied is not None
    assert (tied.p, tied.too_small) == (1.0, 1)
    assert differ_in_numbers([[4.0] * 9, [4.0] * 9]) is None


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_the_middle_is_in_the_middle(numbers: list[float]) -> None:
    """Quartiles and interval stand in order, and the interval keeps what it promises."""
    found = middle_of(numbers)
    assert found.median is not None
    assert found.lower_quartile is not None
    assert found.upper_quartile is not None
    assert min(numbers) <= found.lower_quartile <= found.median <= found.upper_quartile
    if found.low is None or found.high is None:
        assert len(numbers) < 6
        return
    assert found.low <= found.median <= found.high
    ordered, count = sorted(numbers), len(numbers)
    out = next(n for n in range(count, 0, -1) if ordered[n - 1] == found.low)
    if len(set(numbers)) == count:
        outside = 2 * sum(comb(count, below) for below in range(out)) / 2**count
        wider = outside + 2 * comb(count, out) / 2**count
        assert outside <= 0.05 < wider


def test_a_deal_is_as_long_as_it_was_open() -> None:
    """In days, with their parts; not known where it ends before it begins."""
    later = NOON.replace(day=27, hour=0)
    assert days_between(NOON, later) == 0.5
    assert days_between(later, NOON) is None
    assert days_between(None, NOON) is None


def test_a_group_says_what_it_knows() -> None:
    """Rates over what was decided, days and amounts over what was won and is known."""
    told = [
        deal(amount=Decimal("0.10")),
        deal(amount=Decimal("0.20"), days=None),
        deal(amount=None, days=30.0),
        deal("lost", amount=Decimal(9_999), days=99.0),
        deal("churned"),
        deal("renewed"),
        deal("renewed"),
    ]
    group = group_of(part_of(told))
    assert (group.deals, group.wins.yes, group.wins.known) == (7, 3, 4)
    assert (group.churn.yes, group.churn.known) == (1, 3)
    assert (group.days.count, group.days.median) == (2, 20.0)
    assert group.won_amount == Decimal("0.30")
    assert rate_of(0, 0).rate is None
    assert group.wins.low is not None
    assert group.wins.high is not None
    assert group.wins.low < 0.75 < group.wins.high


def told_apart(told: list[Deal], names: list[str]) -> list[Finding]:
    """Return whether deals differ by each of *names*."""
    return tell_apart({name: parts_by(told, name) for name in names})


def test_deals_of_unknown_group_stand_aside() -> None:
    """They are a group of their own, told last, and never tested as one."""
    told = [*deals(40, 60, sector="a"), *deals(60, 40, sector="b"), *deals(0, 500)]
    assert [part.value for part in parts_by(told, "sector")] == ["a", "b", None]
    (win_rate, *_) = told_apart(told, ["sector"])
    assert (win_rate.groups, win_rate.tested) == (2, 2)
    assert win_rate.p == pytest.approx(chi_squared_p(8, 1))


def test_a_difference_is_claimed_where_there_is_one() -> None:
    """Of rates that lie apart it is said, with words that name both."""
    told = [*deals(90, 10, segment="core"), *deals(30, 70, segment="outside")]
    found = {one.measure: one for one in told_apart(told, ["segment"])}
    assert found["win_rate"].verdict == "differs"
    assert "win rate" in found["win_rate"].words
    assert found["cycle"].verdict == "not_enough_data"  # every deal took ten days
    assert "churn" not in found


def test_forty_names_of_noise_claim_nothing() -> None:
    """Who asks much is not told more: all questions are judged together."""
    dice = Random(20_261_126)
    told = [
        deal(
            dice.choice(["won", "lost"]),
            days=dice.uniform(1, 100),
            amount=Decimal(dice.randint(1, 10_000)),
            groups={f"noise_{n}": dice.choice("abcde") for n in range(40)},
        )
        for _ in range(800)
    ]
    found = told_apart(told, [f"noise_{n}" for n in range(40)])
    assert len(found) == 120
    assert {one.verdict for one in found} == {"no_noticeable_difference"}
    assert any(one.p is not None and one.p < 0.05 for one in found)  # alone it would have shouted


def test_a_tiny_difference_in_numbers_is_called_so() -> None:
    """With thousands of deals nothing is alike; what nobody could act on is told apart."""
    told = [deal(days=float(n % 100), groups={"half": "a"}) for n in range(20_000)]
    told += [deal(days=float(n % 100) + 3, groups={"half": "b"}) for n in range(20_000)]
    found = {one.measure: one for one in told_apart(told, ["half"])}
    assert found["cycle"].verdict == "differs_little"
    assert found["deal_size"].verdict == "not_enough_data"


@pytest.mark.parametrize(
    ("owner_since", "customer_since", "then", "origin"),
    [
        ("2025-05-01", "2024-01-01", True, "taken_over"),
        ("2025-05-01", "2024-01-01", None, "taken_over"),
        ("2024-01-01", "2024-01-01", False, "regrouped"),
        (None, "2024-01-01", False, "regrouped"),
        ("2024-01-01", "2024-01-01", True, "won"),
        ("2023-01-01", "2024-01-01", True, "won"),
        (None, "2024-01-01", True, "unknown"),
        ("2024-01-01", "2024-01-01", None, "unknown"),
        ("2024-01-01", None, False, "unknown"),
        (None, None, None, "unknown"),
    ],
)
def test_nobody_is_blamed_for_what_they_did_not_choose(
    *, owner_since: str | None, customer_since: str | None, then: bool | None, origin: Origin
) -> None:
    """Taken over, or won under rules that did not send it away; what is not known is unknown."""
    one = Carried(
        owner="ann",
        revenue=Decimal(1),
        customer_since=customer_since and date.fromisoformat(customer_since),  # type: ignore[arg-type]  # a day or None
        owner_since=owner_since and date.fromisoformat(owner_since),  # type: ignore[arg-type]  # a day or None
        then=then,
    )
    assert origin_of(one) == origin


def test_a_book_keeps_what_was_won_apart_from_what_was_inherited() -> None:
    """By accounts and by revenue, the largest book first, nobody's last word left out."""
    day, later = date(2024, 1, 1), date(2025, 1, 1)
    own = {"customer_since": day, "revenue": Decimal("10.50")}
    carried = [
        Carried(owner="ann", owner_since=day, then=True, **own),  # type: ignore[arg-type]  # see `own`
        Carried(owner="ann", owner_since=later, then=True, **own),  # type: ignore[arg-type]  # see `own`
        Carried(owner=None, owner_since=None, then=None, **own),  # type: ignore[arg-type]  # see `own`
    ]
    held = {None: (2, Decimal(20)), "ann": (5, Decimal(100)), "bo": (3, Decimal(7))}
    ann, bo, nobody = books_of(held, carried)
    assert (ann.owner, bo.owner, nobody.owner) == ("ann", "bo", None)
    assert ann.of("won") == (1, Decimal("10.50"))
    assert ann.of("taken_over", "regrouped") == (1, Decimal("10.50"))
    assert nobody.of("unknown") == (1, Decimal("10.50"))
    assert bo.transition == {}


def test_bands_hold_every_number_once() -> None:
    """A number at an edge is in the band below; a score that may be in two is in none."""
    bands = score_bands(0, 100)
    assert bands.names == (
        "1: 0 to 25",
        "2: over 25 to 50",
        "3: over 50 to 75",
        "4: over 75 to 100",
    )
    assert [bands.name_of(n)[0] for n in (0, 25, 25.1, 50, 75, 76, 100)] == list("1122344")
    assert bands.name_of_span(Span(60, 60)) == "3: over 50 to 75"
    assert bands.name_of_span(Span(60, 80)) is None
    assert bands.name_of_span(None) is None


@given(st.lists(st.integers(0, 50), min_size=1, max_size=80))
def test_quartiles_hold_every_account(numbers: list[int]) -> None:
    """As many bands as there are ends, in order, and each account is in one."""
    bands = quartiles_of({str(n): float(number) for n, number in enumerate(numbers)})
    assert all(low < high for low, high in pairwise(bands.ends))
    assert len(bands.names) == len(bands.ends) + 1
    assert {bands.name_of(number) for number in numbers} == set(bands.names)
