"""Which criteria blame, what they are held against, and what there is not enough data for."""

from collections.abc import Mapping

import pytest

from service.portfolio.systemic import EVERYBODY, Against, Count, Examined, Group, examine
from service.portfolio.systemic_criteria import criteria_of
from service.rules import load_rule_set
from service.rules.templates import read_template

SPRING = Group("cohort", "2026-Q1")
OTHERS = Group("cohort", "2025-Q4")
NONE = Count(0, 0, 0)
NO_BASELINES: Mapping[str, float] = {}


def results_of(
    spring: Count, others: Count, *, baselines: Mapping[str, float] = NO_BASELINES
) -> dict[Group, Examined]:
    """Return the results of one criterion in two cohorts and in everybody."""
    every = Count(
        spring.yes + others.yes, spring.known + others.known, spring.accounts + others.accounts
    )
    counts = {"asks_much": {EVERYBODY: every, SPRING: spring, OTHERS: others}}
    return {one.group: one for one in examine(counts, baselines=baselines)}


class TestCriteria:
    """`criteria_of`."""

    def test_the_template_blames_by_what_takes_off_and_by_what_disqualifies(self) -> None:
        """Rules with points off, the gate to a disqualification, the outcome that is one."""
        model = load_rule_set(read_template("account_portfolio")).model
        found = [(one.kind, one.name) for one in criteria_of(model)]
        assert (found[0], found[-1]) == (("gate", "threat"), ("outcome", "outcome:bad_fit"))
        assert {kind for kind, _ in found[1:-1]} == {"points"}
        assert {name for _, name in found[1:-1]} == {
            "pays_late", "much_discount", "much_custom_work", "many_exceptions", "promised_more",
            "one_offs", "misses_meetings", "moves_goals", "ignores_advice", "skips_training",
            "hurts_tone",
        }  # fmt: skip
        ids = {
            "gate": [gate.id for gate in model.gates],
            "points": [rule.id for rule in model.rules],
            "outcome": [outcome.id for outcome in model.outcomes],
        }
        assert all(ids[one.kind][one.place] == one.id for one in criteria_of(model))

    def test_points_by_formula_blame_where_they_can_only_take_off(self) -> None:
        """Bounds that reach above 0 may be praise; a gate to a score of losses is blame."""
        rules = [
            {"id": "off", "when": "n > 1", "points": "0 - n", "bounds": [-9, 0]},
            {"id": "both", "when": "n > 1", "points": "n - 5", "bounds": [-9, 9]},
            {"id": "on", "when": "n > 1", "points": 5},
        ]
        document = {
            "rule_set": "r",
            "subject": "account",
            "attributes": {"n": {"type": "number", "min": 0, "max": 10}},
            "gates": [
                {"id": "worst", "when": "n > 9", "then": "scolded"},
                {"id": "new", "when": "n > 8", "then": "rest"},
            ],
            "scores": {
                "conduct": {"floor": -9, "ceiling": 0, "groups": [{"id": "g", "rules": rules}]}
            },
            "outcomes": [
                {"id": "scolded", "verdict": "review", "when": "conduct < -5"},
                {"id": "rest", "verdict": "review"},
            ],
        }
        assert [one.name for one in criteria_of(load_rule_set(document).model)] == ["worst", "off"]


class TestAgainst:
    """What a group is held against."""

    def test_a_cohort_is_held_against_the_others_where_no_baseline_is_declared(self) -> None:
        """Fisher's test; everybody has nothing to be held against, and that is said."""
        found = results_of(Count(19, 42, 42), Count(28, 258, 258))
        assert found[SPRING].against == Against("rest", 28 / 258, Count(28, 258, 258))
        assert found[SPRING].p == pytest.approx(5.440152394253723e-07)
        assert found[SPRING].q == pytest.approx(2 * 5.440152394253723e-07)
        assert found[SPRING].result == "systemic"
        assert found[OTHERS].result == "not_systemic"
        assert (found[EVERYBODY].result, found[EVERYBODY].lack) == (
            "not_enough_data",
            "no_baseline",
        )

    def test_a_declared_baseline_is_what_everything_is_held_against(self) -> None:
        """The binomial test, for everybody and for each cohort."""
        found = results_of(Count(19, 42, 42), Count(28, 258, 258), baselines={"asks_much": 0.11})
        assert found[SPRING].p == pytest.approx(2.1781519934297675e-08)
        assert found[SPRING].q == pytest.approx(3 * 2.1781519934297675e-08)
        assert {one.against for one in found.values()} == {Against("declared", 0.11)}

    def test_everybody_is_held_against_an_earlier_statement(self) -> None:
        """Where there is one and no baseline is declared."""
        counts = {"asks_much": {EVERYBODY: Count(60, 200, 200)}}
        earlier = {"asks_much": Count(20, 200, 200)}
        (one,) = examine(counts, baselines={}, earlier=earlier)
        assert one.against == Against("history", 0.1, Count(20, 200, 200))
        assert one.result == "systemic"

    def test_very_many_accounts_do_not_make_a_small_difference_systemic(self) -> None:
        """However sure it is: a rate under one and a half times the baseline is none."""
        found = results_of(Count(1_400, 10_000, 10_000), Count(9_900, 90_000, 90_000))
        assert (found[SPRING].q or 0) < 1e-9
        assert found[SPRING].result == "not_systemic"


@pytest.mark.parametrize(
    ("spring", "others", "lack"),
    [
        (Count(19, 19, 19), Count(9, 200, 200), "few_known"),
        (Count(20, 20, 20), Count(9, 200, 200), None),
        (Count(30, 49, 99), Count(9, 200, 200), "mostly_unknown"),
        (Count(30, 50, 100), Count(9, 200, 200), None),
        (Count(30, 50, 50), Count(1, 19, 19), "few_others"),
        (Count(30, 50, 50), Count(1, 20, 20), None),
        (Count(1, 20, 20), Count(0, 20, 20), "could_not_tell"),
        (Count(0, 20, 20), Count(0, 200, 200), "could_not_tell"),
        (NONE, Count(0, 20, 20), "few_known"),
    ],
)
def test_what_there_is_not_enough_data_for_is_said(
    spring: Count, others: Count, lack: str | None
) -> None:
    """Too few accounts, too few known ones, too few others, or none that it could show in."""
    one = results_of(spring, others)[SPRING]
    assert one.lack == lack
    assert (one.result == "not_enough_data") == (lack is not None)
    assert (one.p is None) == (lack is not None)


def test_what_is_not_enough_data_is_no_test_among_the_others() -> None:
    """Small groups make nobody else's finding weaker: the margins alone leave them out."""
    found = results_of(Count(19, 42, 42), Count(28, 258, 258))
    counts = {
        "asks_much": {
            EVERYBODY: Count(47, 300, 300),
            SPRING: Count(19, 42, 42),
            OTHERS: Count(28, 258, 258),
            **{Group("owner", str(number)): Count(0, 3, 3) for number in range(100)},
        }
    }
    again = {one.group: one for one in examine(counts, baselines={})}
    assert again[SPRING].q == found[SPRING].q
