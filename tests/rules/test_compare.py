"""Comparing versions: what changed by id, what only words changed, and why a decision moved."""

import copy
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import RuleSet, load_rule_set
from service.rules.compare import CAUSES, Change, Situation, compare, why

CASES = Path(__file__).resolve().parents[1] / "cases"
FLEET = load_rule_set((CASES / "fleet_leads.yaml").read_text(encoding="utf-8"))
AT = datetime(2026, 1, 1, tzinfo=UTC)

Document = dict[str, Any]


def edited(*steps: tuple[tuple[str | int, ...], object]) -> RuleSet:
    """Return the fleet rules with values put at the given paths; None takes the part out."""
    document: Document = copy.deepcopy(FLEET.document.to_json())
    for path, value in steps:
        part: Any = document
        for step in path[:-1]:
            part = part[step]
        if value is None:
            del part[path[-1]]
        else:
            part[path[-1]] = value
    return load_rule_set(document)


SIZE = ("scores", "fit", "groups", 0, "rules")


def told(after: RuleSet, before: RuleSet = FLEET) -> list[tuple[str, str, str, bool]]:
    """Return kind, part, id and whether only words changed, of every change."""
    found: tuple[Change, ...] = compare(before, after).changes
    return [(change.kind, change.part, change.id, change.is_only_words) for change in found]


EDITS: list[tuple[list[tuple[tuple[str | int, ...], object]], list[tuple[str, str, str, bool]]]] = [
    ([((*SIZE, 1, "points"), 30)], [("changed", "rule", "medium", False)]),
    ([((*SIZE, 1, "reason"), "they stay")], [("changed", "rule", "medium", True)]),
    ([((*SIZE, 2), None)], [("removed", "rule", "small", False)]),
    ([(("title",), "Fleets")], [("changed", "setting", "title", True)]),
    ([(("missing",), "assume_no")], [("changed", "setting", "missing", False)]),
    ([(("lists", "free_mail"), ["gmail.com"])], [("changed", "list", "free_mail", False)]),
    ([(("attributes", "tools", "label"), "Software")], [("changed", "attribute", "tools", True)]),
    ([(("grades", "fit_grade", "A"), 65)], [("changed", "grade", "fit_grade", False)]),
    ([(("tests", 0), None)], [("removed", "test", "a large fleet", True)]),
    ([(("outcomes", 1, "assign"), "sales")], [("changed", "outcome", "tier_b", False)]),
    ([], []),
]


@pytest.mark.parametrize(("steps", "changes"), EDITS)
def test_each_edit_is_told_by_id(
    steps: list[tuple[tuple[str | int, ...], object]], changes: list[tuple[str, str, str, bool]]
) -> None:
    """One edit is one change, and words are told apart from logic as the digests do."""
    after = edited(*steps)
    assert told(after) == changes
    comparison = compare(FLEET, after)
    assert comparison.is_same is (not changes)
    assert comparison.is_same_logic is all(is_words for *_, is_words in changes)


def test_a_threshold_is_shown_before_and_after() -> None:
    """The changed member stands with both values; its neighbours are not repeated."""
    (change,) = compare(FLEET, edited(((*SIZE, 0, "when"), "vehicles >= 150"))).changes
    (field,) = change.fields
    assert (field.field, field.before, field.after) == (
        "when",
        "vehicles >= 200",
        "vehicles >= 150",
    )


def test_a_rule_put_elsewhere_is_moved_and_its_neighbours_are_not() -> None:
    """Order is logic in a `first` group; the fewest moves that explain it are told."""
    rules = FLEET.document.to_json()["scores"]["fit"]["groups"][0]["rules"]  # type: ignore[index]
    after = edited((SIZE, [rules[2], rules[0], rules[1]]))
    assert told(after) == [("moved", "rule", "small", False)]


def test_going_back_undoes_every_change() -> None:
    """What was added one way was removed the other way."""
    after = edited(((*SIZE, 2), None), (("lists", "free_mail"), ["gmail.com"]))
    there = {(part, name, kind) for kind, part, name, _ in told(after)}
    back = {(part, name, kind) for kind, part, name, _ in told(FLEET, after)}
    swap = {"added": "removed", "removed": "added"}
    assert {(part, name, swap.get(kind, kind)) for part, name, kind in there} == back


def test_a_move_is_put_down_to_its_only_cause() -> None:
    """Where one thing changed, all of the move is its doing."""
    facts = {"vehicles": 120, "country": "DE", "seniority": "vp"}
    richer = edited(((*SIZE, 1, "points"), 40))
    before = Situation(FLEET, facts, AT)
    by_rules = why(before, Situation(richer, facts, AT))
    assert by_rules.scores["fit"] == {"rules": 15, "data": 0, "time": 0}
    by_data = why(before, Situation(FLEET, {**facts, "vehicles": 3}, AT))
    assert by_data.scores["fit"]["rules"] == by_data.scores["fit"]["time"] == 0
    assert by_data.outcome["data"] == 1


def test_what_needed_two_causes_is_shared_between_them() -> None:
    """A point that only new rules on new data give is half the one's and half the other's."""
    after_rules = edited(((*SIZE, 0, "points"), 30), ((*SIZE, 0, "when"), "vehicles >= 100"))
    shares = why(
        Situation(FLEET, {"vehicles": 10}, AT), Situation(after_rules, {"vehicles": 110}, AT)
    ).scores["fit"]
    assert shares["time"] == 0
    assert shares["rules"] == Fraction(5, 2)
    assert shares["data"] == Fraction(55, 2)


NUMBERS = st.integers(min_value=0, max_value=300)


@settings(max_examples=60, deadline=None)
@given(old=NUMBERS, new=NUMBERS, points=st.integers(min_value=-50, max_value=50))
def test_shares_add_up_to_the_whole_move(old: int, new: int, points: int) -> None:
    """Rules, data and time together are exactly the change, whatever it was."""
    after = edited(((*SIZE, 1, "points"), points))
    first, last = Situation(FLEET, {"vehicles": old}, AT), Situation(after, {"vehicles": new}, AT)
    attribution = why(first, last)
    ends = first.decide(final=True), last.decide(final=True)
    for name, shares in attribution.scores.items():
        move = Fraction(ends[1].scores[name].value) - Fraction(ends[0].scores[name].value)
        assert sum(shares[cause] for cause in CAUSES) == move
    assert sum(attribution.outcome.values()) == (ends[0].outcome != ends[1].outcome)
