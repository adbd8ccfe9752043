"""Tests that nobody has to invent: each rule just inside and just outside its thresholds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import (
    NO,
    YES,
    RuleSet,
    boundary_tests,
    check_rule_set,
    edges_of,
    load_rule_set,
)
from tests.rules.strategies import rule_sets

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATES: Final = sorted((Path(__file__).parents[2] / "service/rules/templates").glob("*.yaml"))

RULES: Final = """
rule_set: edges
subject: lead
attributes:
  vehicles: {{type: number, min: 0, max: 5000, unit: vehicles}}
  share: {{type: number, min: 0, max: 1}}
  spend: {{type: number}}
  income: {{type: number}}
  since: {{type: date}}
  country: {{type: choice, choices: [DE, AT, FR], other: true}}
  email: {{type: text, fold: true}}
  tools: {{type: list}}
  active: {{type: flag}}
derived:
  domain: registrable_domain(email)
scores:
  fit:
    groups:
      - {{id: g, mode: sum, rules: [{{id: rule, when: '{when}', points: 1}}]}}
outcomes:
  - {{id: good, verdict: qualify, when: fit >= 1}}
  - {{id: poor, verdict: disqualify}}
"""


def edges(when: str) -> list[tuple[str, object, object, dict[str, object]]]:
    """Return the edges of one rule: attribute, inside, outside, what else has to be known."""
    found = edges_of(load_rule_set(RULES.format(when=when))).found
    return [(one.attribute, one.inside, one.outside, dict(one.context)) for one in found]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("vehicles >= 20", [("vehicles", 20.0, 19.0, {})]),
        ("vehicles > 20", [("vehicles", 21.0, 20.0, {})]),
        ("vehicles == 20", [("vehicles", 20.0, 19.0, {}), ("vehicles", 20.0, 21.0, {})]),
        ("share < 0.25", [("share", 0.24, 0.25, {})]),
        ("vehicles >= 5000", [("vehicles", 5000.0, 4999.0, {})]),
        (
            "vehicles >= 20 && vehicles < 50",
            [("vehicles", 20.0, 19.0, {}), ("vehicles", 49.0, 50.0, {})],
        ),
        ("!active", [("active", False, True, {})]),
        ('country in ["DE", "AT"]', [("country", "DE", "FR", {})]),
        ("spend > income", [("spend", 1.0, 0.0, {"income": 0.0})]),
        ("has(email)", [("email", "something else", None, {})]),
    ],
)
def test_edges_stand_on_the_thresholds(when: str, expected: list[object]) -> None:
    """On the rule's own steps, with nothing known that need not be."""
    assert edges(when)[: len(expected)] == expected


def test_what_else_must_be_known_comes_with_it() -> None:
    """Each half of an `&&` needs the other to be yes, each half of an `||` needs it to be no."""
    both = edges("vehicles >= 20 && share > 0.5")
    assert both[0] == ("vehicles", 20.0, 19.0, {"share": 1.0})
    assert both[1] == ("share", 0.6, 0.5, {"vehicles": 20.0})
    either = edges("vehicles >= 20 || share > 0.5")
    assert [name for name, *_ in either] == ["vehicles", "share"]
    assert float(str(either[0][3]["share"])) <= 0.5
    assert float(str(either[1][3]["vehicles"])) < 20


@pytest.mark.parametrize("when", ["vehicles >= 0", "vehicles > 5000", "true"])
def test_a_rule_that_nothing_turns_is_named(when: str) -> None:
    """Always and never have no edge."""
    found = edges_of(load_rule_set(RULES.format(when=when)))
    assert (found.found, found.without) == ((), ("rule",))


@given(st.data())
@settings(max_examples=12, deadline=None)
def test_every_test_passes_and_each_pair_differs_in_one_thing(data: st.DataObject) -> None:
    """Of generated rules: frozen into the document, all pass, and one attribute makes the turn."""
    rules: RuleSet = data.draw(rule_sets())
    found = edges_of(rules)
    tests = boundary_tests(found.found)
    document = rules.document.to_json()
    document["tests"] = [test.model_dump(mode="json", exclude_none=True) for test in tests]
    checked = check_rule_set(document)
    assert checked.errors == ()
    assert len(checked.tests) == len(tests)
    assert all(result.passed for result in checked.tests)
    for edge in found.found:
        inside, outside = edge.facts(edge.inside), edge.facts(edge.outside)
        assert set(inside.items()) ^ set(outside.items()) <= {
            (edge.attribute, edge.inside),
            (edge.attribute, edge.outside),
        }
        assert edge.sides[0][1] is YES
        assert edge.sides[1][1] is not YES


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_rule_of_the_templates_has_edges(path: Path) -> None:
    """Nobody has to write them: each rule that asks anything is met on both sides."""
    rules = load_rule_set(path.read_text("utf-8"))
    found = edges_of(rules)
    assert found.without == ()
    sides: dict[str, set[Any]] = {}
    for test in boundary_tests(found.found):
        ((rule, result),) = test.expect.rules.items()
        sides.setdefault(rule, set()).add(result)
    assert all("yes" in said and said & {"no", "unknown"} for said in sides.values())
    assert len(sides) == len(rules.model.gates) + len(rules.model.rules)


def test_what_stands_there_already_is_not_offered_again() -> None:
    """Frozen once, there is nothing more to freeze."""
    rules = load_rule_set(RULES.format(when="vehicles >= 20"))
    tests = boundary_tests(edges_of(rules).found)
    assert boundary_tests(edges_of(rules).found, beside=tests) == ()


def test_a_moved_threshold_fails_exactly_its_tests() -> None:
    """What they are for: an edit that moves an edge cannot pass unseen."""
    rules = load_rule_set(RULES.format(when="vehicles >= 20"))
    document = load_rule_set(RULES.format(when="vehicles >= 19")).document.to_json()
    tests = boundary_tests(edges_of(rules).found)
    document["tests"] = [test.model_dump(mode="json", exclude_none=True) for test in tests]
    results = check_rule_set(document).tests
    assert [(result.name, result.passed) for result in results] == [
        ("rule is yes: vehicles 20", True),
        ("rule is no: vehicles 19", False),
    ]
    decision = rules.decide({"vehicles": 19}, at=AT)
    assert decision.trace.open.rules == (NO,)
