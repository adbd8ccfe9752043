"""Flip budgets held to numbers: exact, and what is unknown is not within."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rulesets.budgeting import over_budget
from service.rulesets.policy import FlipBudget
from tests.rulesets.four_eyes import evidence

NOTHING = {"total": 0, "replayed": 0}


@pytest.mark.parametrize(
    ("found", "budget"),
    [
        ({"flips": 2}, {"share": 0.02}),
        ({"flips": 29}, {"share": 0.29}),
        ({"flips": 0}, {"share": 0}),
        ({"flips": 100}, {"share": 1}),
        (NOTHING, {"share": 0}),
        ({"flips": 1, "unseen": 1, "total": 101}, {"share": 0.02}),
        ({"flips": 5, "revenue": 100, "revenue_unknown": 0}, {"revenue": 100}),
        ({"flips": 0}, {"revenue": 0}),
        (NOTHING, {"revenue": 0}),
        ({"flips": 0, "total": 120}, {"share": 0}),
    ],
)
def test_what_is_certainly_within_a_budget_passes(
    found: dict[str, float], budget: dict[str, float]
) -> None:
    """At the budget is within it; so is nothing at all, and what was erased since."""
    assert over_budget(evidence(**found), FlipBudget(**budget)) is None  # type: ignore[arg-type]  # a table of numbers


@pytest.mark.parametrize(
    ("found", "budget", "words"),
    [
        (
            {"total": 4812, "replayed": 4812, "flips": 178},
            {"share": 0.02},
            "178 of 4,812 decisions (3.7 %) would flip, above this rule set's flip budget of 2 %",
        ),
        ({"flips": 1}, {"share": 0}, "1 of 100 decisions (1 %) would flip, above"),
        (
            {"replayed": 0, "unseen": 100},
            {"share": 0.5},
            "none of 100 decisions could be made again",
        ),
        ({"replayed": 0}, {"share": 0.5}, "none of 100 decisions could be made again"),
        (
            {"flips": 1, "replayed": 90, "unseen": 10},
            {"share": 0.1},
            "1 of 100 decisions would flip and 10 could not be made again (11 % in all)",
        ),
        (
            {"flips": 3, "revenue": 100.5, "revenue_unknown": 0, "revenue_unit": "EUR"},
            {"revenue": 100},
            "subjects worth 100.5 EUR would flip, above this rule set's flip budget of 100 EUR",
        ),
        ({"flips": 3}, {"revenue": 100}, "the revenue of some subjects that may flip is not known"),
        ({"flips": 3, "revenue": 1, "revenue_unknown": 1}, {"revenue": 100}, "is not known"),
        (
            {"replayed": 99, "unseen": 1, "revenue": 0, "revenue_unknown": 0},
            {"share": 1, "revenue": 100},
            "is not known",
        ),
    ],
)
def test_what_may_be_above_a_budget_is_told_in_words(
    found: dict[str, float], budget: dict[str, float], words: str
) -> None:
    """More than the budget, or too little known to say that it is not."""
    why = over_budget(evidence(**found), FlipBudget(**budget))  # type: ignore[arg-type]  # a table of numbers
    assert why is not None
    assert words in why


COUNTS = st.integers(0, 50)


@given(flips=COUNTS, stay=COUNTS, unseen=COUNTS, hundredths=st.integers(0, 100))
def test_knowing_more_never_turns_a_pass_into_a_refusal(
    flips: int, stay: int, unseen: int, hundredths: int
) -> None:
    """What passes while some decisions are unknown passes whatever these turn out to be."""
    budget = FlipBudget(share=hundredths / 100)
    replayed = flips + stay
    before = evidence(total=replayed + unseen, replayed=replayed, flips=flips, unseen=unseen)
    if over_budget(before, budget) is not None:
        return
    for more in range(unseen + 1):
        known = {"total": replayed + unseen, "replayed": replayed + unseen, "flips": flips + more}
        assert over_budget(evidence(**known), budget) is None
