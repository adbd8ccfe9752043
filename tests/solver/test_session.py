"""A find is tried before it is told, and what is told is small and plain."""

import copy
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from service.rules import load_rule_set
from tests.rules.edits import FLEET

pytest.importorskip("z3", reason="the extra `solver` is not installed")
from service.rules.solver.comparing import compare_meaning
from service.rules.solver.session import Found, Incident, Session, Unsettled

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN: Final[dict[str, Any]] = {
    "rule_set": "plain",
    "attributes": {
        "size": {"type": "number", "unit": "people", "min": 0},
        "title": {"type": "text"},
        "is_partner": {"type": "flag"},
    },
    "scores": {
        "fit": {"groups": [{"id": "g", "rules": [{"id": "r", "when": "size > 3.5", "points": 1}]}]}
    },
    "outcomes": [
        {"id": "good", "verdict": "qualify", "when": "fit >= 1"},
        {"id": "rest", "verdict": "disqualify"},
    ],
}


def edited(**members: Any) -> dict[str, Any]:  # noqa: ANN401 - of a document
    """Return the plain rule set with other *members*."""
    return copy.deepcopy(PLAIN) | members


def test_a_find_that_the_evaluator_denies_is_an_incident() -> None:
    """Nothing was guessed, so one of the two is wrong; it is never told as an answer."""
    session = Session.of((load_rule_set(PLAIN),), at=AT, limit_s=10)
    goal = session.wholes[0].ends_in("good")
    assert isinstance(session.find(goal, lambda _: True), Found)
    with pytest.raises(Incident):
        session.find(goal, lambda _: False)


def test_where_something_was_guessed_a_denied_find_is_not_settled() -> None:
    """A pattern that fits no text we know of may fit one that we do not."""
    body = edited()
    body["scores"]["fit"]["groups"][0]["rules"][0]["when"] = "title.matches('^[A-Z]{3}[0-9]{5}$')"
    session = Session.of((load_rule_set(body),), at=AT, limit_s=10)
    found = session.find(session.wholes[0].ends_in("good"), lambda _: False)
    assert found == Unsettled(is_approximate=True)


def test_out_of_time_is_said() -> None:
    """A session whose time is over proves nothing."""
    session = Session.of((load_rule_set(PLAIN),), at=AT, limit_s=10)
    session.deadline = 0.0
    found = session.find(session.wholes[0].ends_in("good"), lambda _: True)
    assert found == Unsettled(is_approximate=False)


def test_a_witness_counts_in_whole_people_and_says_nothing_else() -> None:
    """Of all sizes over 3.5, the whole one beside it; and not whether it is a partner."""
    session = Session.of((load_rule_set(PLAIN),), at=AT, limit_s=10)
    decided = session.decide
    found = session.find(
        session.wholes[0].ends_in("good"), lambda facts: decided(facts)[0].outcome == "good"
    )
    assert isinstance(found, Found)
    assert found.facts == {"size": 4}


@pytest.mark.parametrize(
    ("members", "facts"),
    [
        ({"min": 2}, None),
        ({"min": 5}, {"size": 4}),
        ({"max": 100}, {"size": 101}),
    ],
)
def test_a_limit_that_moved_is_part_of_the_meaning(
    members: dict[str, Any], facts: dict[str, Any] | None
) -> None:
    """A value that the door of one version refuses is missing there, and only there."""
    body = edited()
    body["attributes"]["size"] |= members
    found = compare_meaning(load_rule_set(PLAIN), load_rule_set(body), at=AT, limit_s=10)
    if facts is None:
        assert found.is_same
    else:
        (difference,) = found.differences
        assert difference.witness.facts == facts


def test_doubles_are_compared_as_they_are_rounded() -> None:
    """0.1 and 0.2 make 0.3 for every engine, so nobody is decided otherwise."""
    rules = [{"id": "a", "when": "is_partner", "points": 0.1},
             {"id": "b", "when": "size > 1", "points": 0.2}]  # fmt: skip
    before = edited(scores={"fit": {"groups": [{"id": "g", "rules": rules}]}})
    before["outcomes"][0]["when"] = "fit >= 0.3"
    after = copy.deepcopy(before)
    after["outcomes"][0]["when"] = "fit >= 0.25 && fit > 0.2999994"
    found = compare_meaning(load_rule_set(before), load_rule_set(after), at=AT, limit_s=10)
    assert found.is_same


def test_an_attribute_of_another_type_is_another_attribute() -> None:
    """What was a number and is a text now differs, and the facts that show it are tried."""
    body = copy.deepcopy(FLEET)
    body["attributes"]["vehicles"] = {"type": "text", "ask": "How many?"}
    body["scores"]["fit"]["groups"][0]["rules"] = [
        {"id": "large", "when": 'vehicles == "many"', "points": 40}
    ]
    body["gates"] = body["gates"][1:]
    body["outcomes"] = [one for one in body["outcomes"] if one["id"] != "consumer"]
    body["tests"] = []
    found = compare_meaning(load_rule_set(FLEET), load_rule_set(body), at=AT, limit_s=20)
    assert found.differences
    for one in found.differences:
        facts = dict(one.witness.facts)
        decided = [load_rule_set(d).decide(facts, at=AT, final=True).outcome for d in (FLEET, body)]
        assert decided == [one.before, one.after]
