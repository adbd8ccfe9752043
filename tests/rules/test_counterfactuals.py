"""Counterfactuals: minimal, as declared, toward any outcome; and what the document may declare."""

import random
from collections import Counter
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest

from service.rules import (
    Decision,
    Facts,
    Reach,
    RuleSet,
    Way,
    check_rule_set,
    load_rule_set,
    reach_words,
    ways_from,
    ways_told,
)

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
HERE: Final = Path(__file__).parents[1]
FILES: Final = (
    *sorted((HERE.parent / "service/rules/templates").glob("*.yaml")),
    HERE / "cases" / "fleet_leads.yaml",
)
DECISIONS: Final = 500
SEED: Final = 20_261_126

RULES: Final = """
rule_set: changes
subject: lead
attributes:
  vehicles: {type: number, min: 0, unit: vehicles VEHICLES}
  budget: {type: flag BUDGET}
  size: {type: choice, choices: [small, mid, large], ordered: true SIZE}
  email: {type: text EMAIL}
scores:
  fit:
    groups:
      - id: g
        mode: sum
        rules:
          - {id: fleet, when: vehicles >= 20, points: 40}
          - {id: paid, when: budget, points: 40}
          - {id: grown, when: 'size >= "mid"', points: 40}
          - {id: crowded, when: vehicles > 100, points: -100}
outcomes:
  - {id: good, verdict: qualify, when: fit >= 80}
  - {id: fair, verdict: review, when: fit >= 40}
  - {id: poor, verdict: disqualify}
"""


def rules(**declared: str) -> RuleSet:
    """Return the rules with more declared of some attributes."""
    text = RULES
    for name in ("VEHICLES", "BUDGET", "SIZE", "EMAIL"):
        more = declared.get(name.lower())
        text = text.replace(f" {name}", f", {more}" if more else "")
    return load_rule_set(text)


def reach(of: RuleSet, facts: dict[str, Any], **rest: Any) -> Reach:  # noqa: ANN401 - passed on
    """Return what lies around the closed decision on *facts*."""
    return ways_from(of, of.decide(facts, at=AT, final=True), **rest)


def told(ways: tuple[Way, ...]) -> list[dict[str, object]]:
    """Return each way's changes."""
    return [{change.attribute: change.after for change in way.changes} for way in ways]


def test_no_part_of_a_change_is_enough() -> None:
    """Of 500 random decisions: each offered set leads there, and no proper subset of it does."""
    rng, offered = random.Random(SEED), Counter[int]()
    loaded = [load_rule_set(path.read_text("utf-8")) for path in FILES]
    for number in range(DECISIONS):
        of = loaded[number % len(loaded)]
        decision = _decided(of, rng)
        toward = rng.choice([None, rng.choice(of.model.outcomes).id])
        for way in ways_from(of, decision, toward=toward).better:
            offered[len(way.changes)] += 1
            changed = {change.attribute: change.after for change in way.changes}
            assert _outcome(of, decision, changed) == way.outcome
            assert toward in {None, way.outcome}
            for size in range(len(changed)):
                for names in combinations(changed, size):
                    part = {name: changed[name] for name in names}
                    assert _outcome(of, decision, part) != way.outcome
    assert all(offered[size] for size in (1, 2, 3)), offered


def _decided(of: RuleSet, rng: random.Random) -> Decision:
    classes = of.plan.classes(AT.date())
    known = {
        name: rng.choice(classes[name].values) for name in of.attributes if rng.random() < 0.85
    }
    return of.decide(Facts(known), at=AT, final=True, with_missing=False)


def _outcome(of: RuleSet, decision: Decision, changed: dict[str, Any]) -> str:
    facts = Facts({**decision.facts.values, **changed})
    return of.decide(facts, at=AT, final=True, with_missing=False).outcome


FACTS: Final = {"vehicles": 10, "budget": False, "size": "small", "email": "ann@haulage.example"}


def test_two_changes_where_one_is_not_enough() -> None:
    """Each pair that reaches it, the cheapest first, and never three."""
    ways = reach(rules(), FACTS, toward="good").better
    assert {frozenset(way) for way in told(ways)} == {
        frozenset({"vehicles", "budget"}),
        frozenset({"vehicles", "size"}),
        frozenset({"budget", "size"}),
    }
    assert [way.effort for way in ways] == sorted(way.effort for way in ways)


@pytest.mark.parametrize(
    ("declared", "never"),
    [
        ({"budget": "changeable: no"}, {"budget"}),
        ({"vehicles": "changeable: down"}, {"vehicles"}),
        ({"budget": "changeable: down"}, {"budget"}),
        ({"size": "changeable: down"}, {"size"}),
        ({"vehicles": "changeable: no", "size": "changeable: no"}, {"vehicles", "size"}),
        ({"budget": "pii: true"}, {"budget"}),
    ],
)
def test_what_is_declared_is_kept_to(declared: dict[str, str], never: set[str]) -> None:
    """Neither what cannot change nor the way in which nobody goes is proposed."""
    for way in told(reach(rules(**declared), FACTS).better):
        assert not never & set(way)


def test_a_declaration_outweighs_the_default() -> None:
    """Personal data is left alone unless the author says that it may change."""
    ways = told(reach(rules(budget="pii: true, changeable: up"), FACTS).better)
    assert any("budget" in way for way in ways)
    high = dict(FACTS, vehicles=300, budget=True, size="large")
    assert told(reach(rules(), high).better) == [{"vehicles": 100.0}]
    assert told(reach(rules(vehicles="changeable: up"), high).better) == []


def test_the_dearest_change_comes_last() -> None:
    """`change_cost` weighs a change against the others."""
    free = told(reach(rules(), FACTS, toward="good").better)
    dear = told(reach(rules(budget="change_cost: 50"), FACTS, toward="good").better)
    assert set(free[0]) == {"vehicles", "budget"}
    assert set(dear[0]) == {"vehicles", "size"}
    assert all("budget" in way for way in dear[1:])


def test_any_outcome_can_be_aimed_at() -> None:
    """A better one, a worse one, and the one it has: to that there is nothing to do."""
    good = dict(FACTS, vehicles=50, budget=True)
    assert {way.outcome for way in reach(rules(), good, toward="fair").better} == {"fair"}
    for way in reach(rules(), good, toward="poor").better:
        assert way.outcome == "poor"
    assert reach(rules(), good, toward="poor").better
    assert reach(rules(), good, toward="good").better == ()


def test_the_words_are_whole() -> None:
    """Where from, where to, and what for."""
    found = reach(rules(vehicles="changeable: no"), FACTS, toward="good")
    (way,) = ways_told(rules(), found.better)
    assert way["words"] == "Budget: from no to yes and Size: from small to mid"
    assert way["outcome"] == "good"
    assert reach_words(found) == "By the rules themselves, everything else staying as it is:"
    none = reach(rules(), FACTS, fixed=set(FACTS))
    assert "no change of up to three known facts leads there" in reach_words(none)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"email": "changeable: yes"}, "a text is never proposed to be changed"),
        ({"email": "changeable: up"}, "a text is never proposed to be changed"),
        ({"size": "changeable: sideways"}, "changeable"),
        ({"vehicles": "change_cost: 0"}, "change_cost"),
        ({"vehicles": "change_cost: -1"}, "change_cost"),
    ],
)
def test_a_wrong_declaration_is_a_problem_with_its_place(
    declared: dict[str, str], words: str
) -> None:
    """It is told where it stands, before anything is decided."""
    text = RULES
    for name in ("VEHICLES", "BUDGET", "SIZE", "EMAIL"):
        more = declared.get(name.lower())
        text = text.replace(f" {name}", f", {more}" if more else "")
    (problem,) = check_rule_set(text).errors
    assert words in problem.message
    assert problem.pointer.startswith("/attributes/")
    assert problem.line is not None


def test_choices_without_an_order_have_no_up() -> None:
    """`up` needs an order."""
    text = RULES.replace(", ordered: true SIZE", ", changeable: up").replace(
        "'size >= \"mid\"'", "'size == \"mid\"'"
    )
    for name in (" VEHICLES", " BUDGET", " EMAIL"):
        text = text.replace(name, "")
    (problem,) = check_rule_set(text).errors
    assert "have no up and down" in problem.message


def test_what_may_change_is_no_logic() -> None:
    """The text's digest sees it, the digest of what decides does not."""
    plain, declared = rules(), rules(budget="changeable: up, change_cost: 3")
    assert plain.digest != declared.digest
    assert plain.logic_digest == declared.logic_digest
