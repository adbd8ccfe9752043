"""What would have to change is decided by the rules themselves, and never asks the impossible."""

from datetime import UTC, date, datetime
from itertools import combinations, product
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import Decision, Reach, RuleSet, Way, load_rule_set, ways_from
from service.rules.reach import is_better
from tests.rules.strategies import CLOCKS, facts_for, rule_sets

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATE: Final = Path(__file__).parents[2] / "service/rules/templates/account_portfolio.yaml"
PORTFOLIO: Final = load_rule_set(TEMPLATE.read_text("utf-8"))
EXAMPLES: Final = {test.name: dict(test.facts) for test in PORTFOLIO.document.tests}


def reached(facts: dict[str, Any], **rest: Any) -> tuple[Decision, Reach]:  # noqa: ANN401 - facts
    """Return the template's closed decision on *facts*, and what lies around it."""
    decision = PORTFOLIO.decide(facts, at=AT, final=True)
    return decision, ways_from(PORTFOLIO, decision, **rest)


def example(words: str) -> dict[str, Any]:
    """Return the facts of the template's test whose name holds *words*."""
    return next(facts for name, facts in EXAMPLES.items() if words in name)


def told(ways: tuple[Way, ...]) -> dict[str, list[dict[str, object]]]:
    """Return the changes by where they lead."""
    found: dict[str, list[dict[str, object]]] = {}
    for way in ways:
        changes: dict[str, object] = {change.attribute: change.after for change in way.changes}
        found.setdefault(way.outcome, []).append(changes)
    return found


def decided_with(rules: RuleSet, decision: Decision, way: Way) -> Decision:
    """Return what the rules decide with the changes of *way* made."""
    changed = {change.attribute: change.after for change in way.changes}
    facts = dict(decision.facts.values) | changed
    return rules.decide(
        rules.admit({name: _raw(value) for name, value in facts.items()}),
        at=decision.at,
        final=True,
        suspended=decision.suspended,
    )


def _raw(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


@given(st.data())
@settings(max_examples=12, deadline=None)
def test_every_way_leads_where_it_says(data: st.DataObject) -> None:
    """Decided anew with the changes made, from the door on, it is that outcome; no gate turned."""
    rules = data.draw(rule_sets())
    decision = rules.decide(data.draw(facts_for(rules)), at=data.draw(CLOCKS), final=True)
    reach = ways_from(rules, decision)
    for way in (*reach.better, *reach.near):
        assert 1 <= len(way.changes) <= 3
        assert way.outcome != decision.outcome
        changed = decided_with(rules, decision, way)
        assert changed.outcome == way.outcome
        assert changed.trace.closed.gates == decision.trace.closed.gates
        for change in way.changes:
            attribute = decision.model.attributes[change.attribute]
            assert attribute.type in {"number", "flag", "choice"}
            assert not attribute.pii
            assert change.before == decision.facts.values[change.attribute] != change.after
    for way in reach.better:
        assert is_better(decision.model, way.outcome, than=decision.outcome)


SMALL: Final = """
rule_set: small
subject: account
attributes:
  a: {type: flag}
  b: {type: flag}
  c: {type: choice, choices: [x, y, z]}
  d: {type: choice, choices: [low, mid, top], ordered: true}
scores:
  s:
    floor: 0
    ceiling: 100
    groups:
      - id: g
        mode: sum
        rules:
          - {id: r1, when: a, points: 30}
          - {id: r2, when: b && d >= "mid", points: 40}
          - {id: r3, when: 'c in ["y", "z"]', points: 25}
          - {id: r4, when: '!a && d == "top"', points: 20}
outcomes:
  - {id: best, verdict: qualify, when: s >= 90}
  - {id: good, verdict: qualify, when: s >= 60}
  - {id: fair, verdict: review, when: s >= 30}
  - {id: poor, verdict: disqualify}
"""


def test_what_is_within_reach_is_found() -> None:
    """Against trying everything: ways of up to three changes are told where there are any."""
    rules = load_rule_set(SMALL)
    values: dict[str, list[object]] = {
        "a": [True, False],
        "b": [True, False],
        "c": ["x", "y", "z"],
        "d": ["low", "mid", "top"],
    }
    for chosen in product(*values.values()):
        facts = dict(zip(values, chosen, strict=True))
        decision = rules.decide(facts, at=AT, final=True)
        reach = ways_from(rules, decision)
        by_number: dict[int, set[str]] = {1: set(), 2: set(), 3: set()}
        for number, found in by_number.items():
            for names in combinations(values, number):
                for others in product(*(values[name] for name in names)):
                    changed = facts | dict(zip(names, others, strict=True))
                    found.add(rules.decide(changed, at=AT, final=True).outcome)
        aims = {
            number: {one for one in ends if is_better(decision.model, one, than=decision.outcome)}
            for number, ends in by_number.items()
        }
        wanted = aims[1] or aims[2] or aims[3]
        least = next((number for number in aims if aims[number]), 0)
        qualifying = wanted & {"best", "good"}
        assert {way.outcome for way in reach.better} == (qualifying or wanted), facts
        assert {len(way.changes) for way in reach.better} <= {least}


@pytest.mark.parametrize(
    ("words", "outcome", "changes"),
    [
        ("more hours than were sold", "steady", {"cost_to_serve_12m": 56_000.0}),
        ("price of three years ago", "steady", {"revenue_12m": 109_000.0}),
        ("two independent signals", "strong_partner", {"goal_changes_6m": 2.0}),
        ("costs more than it pays", "steady", {"cost_to_serve_12m": 280_000.0}),
        ("a whole year of somebody", "steady", {"service_hours_12m": 1_490.0}),
    ],
)
def test_thresholds_are_told_as_round_numbers(
    words: str, outcome: str, changes: dict[str, object]
) -> None:
    """Just past the threshold, never short of it: a margin of 0.3 of 80,000 is a cost of 56,000."""
    decision, reach = reached(example(words))
    assert changes in told(reach.better)[outcome]
    for way in reach.better:
        assert decided_with(PORTFOLIO, decision, way).outcome == way.outcome


def test_two_changes_are_sought_where_one_is_not_enough() -> None:
    """No single change makes a friend without room grow."""
    decision, reach = reached(example("without room to grow"))
    assert {len(way.changes) for way in reach.better} == {2}
    assert told(reach.better)["strong_partner"][0] == {
        "potential_revenue": 160_000.0,
        "usage_trend": "rising",
    }
    for way in reach.better:
        for left_out in way.changes:
            alone = Way(way.outcome, tuple(c for c in way.changes if c != left_out), 0.0)
            assert decided_with(PORTFOLIO, decision, alone).outcome == decision.outcome


@pytest.mark.parametrize(
    ("words", "gate"),
    [("a threat stops everything", "threat"), ("first six months", "grace_period")],
)
def test_nothing_is_proposed_against_a_gate(words: str, gate: str) -> None:
    """A threat is not undone, nobody becomes an older customer, and neither is near to anything."""
    _, reach = reached(example(words))
    assert (reach.better, reach.near, reach.gate) == ((), (), gate)


@pytest.mark.parametrize("facts", [facts for facts in EXAMPLES.values() if len(facts) > 12][::2])
def test_nobody_is_asked_for_the_impossible_or_the_worse(facts: dict[str, Any]) -> None:
    """No past day, no harm undone, no more trouble or less pay, and no way into bad conduct."""
    decision, reach = reached(facts)
    harm = {"threats_24m", "rude_12m", "harassment_12m", "customer_since", "price_since"}
    for way in (*reach.better, *reach.near):
        assert not harm & {change.attribute for change in way.changes}
    for way in reach.better:
        assert way.outcome not in {"bad_conduct", "bad_fit", "safety_pause", "too_early"}
        for change in way.changes:
            if change.attribute in {"cost_to_serve_12m", "support_hours_90d", "escalations_6m"}:
                assert isinstance(change.after, float)
                assert change.after < decision.facts.values[change.attribute]  # type: ignore[operator]
            if change.attribute == "revenue_12m":
                assert isinstance(change.after, float)
                assert change.after > decision.facts.values[change.attribute]  # type: ignore[operator]


def test_what_is_fixed_is_not_touched() -> None:
    """Whoever asks may say what stays as it is."""
    facts = example("more hours than were sold")
    _, reach = reached(facts, fixed={"cost_to_serve_12m"})
    assert told(reach.better) == {"steady": [{"revenue_12m": 109_000.0}]}
    _, reach = reached(facts, fixed=set(facts))
    assert (reach.better, reach.near) == ((), ())


def test_the_best_is_told_that_nothing_is_better() -> None:
    """Of what qualifies, what stands earlier is better; the first has nothing above it."""
    _, reach = reached(example("likely to grow"))
    assert reach.better == ()
    assert {way.outcome for way in reach.near} == {"steady", "promising"}


def test_a_score_may_not_fall_on_the_way_to_a_review() -> None:
    """Who is disqualified is not told to behave worse, although that is looked at first."""
    text = SMALL.replace("- {id: fair, verdict: review, when: s >= 30}", "").replace(
        "  - {id: best, verdict: qualify, when: s >= 90}",
        "  - {id: strange, verdict: review, when: s == 0}\n"
        "  - {id: best, verdict: qualify, when: s >= 90}",
    )
    rules = load_rule_set(text)
    decision = rules.decide({"a": True, "b": False, "c": "x", "d": "low"}, at=AT, final=True)
    assert decision.outcome == "poor"
    assert "strange" not in told(ways_from(rules, decision).better)


def test_large_rules_are_tried_less() -> None:
    """The work is bounded by counting, not by the clock, and it is said that it was cut."""
    rules = ",".join(f"{{id: r{n}, when: n{n % 50} >= {n + 1}, points: 1}}" for n in range(200))
    numbers = ",".join(f"n{n}: {{type: number, min: 0, max: 1000}}" for n in range(50))
    group = f"{{id: g, mode: sum, rules: [{rules}]}}"
    large = load_rule_set(
        f"rule_set: large\nsubject: account\nattributes: {{{numbers}}}\n"
        f"scores: {{s: {{floor: 0, ceiling: 200, groups: [{group}]}}}}\n"
        "outcomes:\n- {id: good, verdict: qualify, when: s >= 199}\n"
        "- {id: poor, verdict: disqualify}\n"
    )
    decision = large.decide({f"n{n}": 100 for n in range(50)}, at=AT, final=True)
    assert not ways_from(large, decision).is_whole
