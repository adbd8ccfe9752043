"""Reasons: what decided comes first, everything that moved a score adds up to its value."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import Decision, RuleSet, load_rule_set
from service.rules.explain import explained
from service.rules.ranges import six_places
from service.rules.reasons import Reason
from service.rules.truth import UNKNOWN, YES
from tests.rules.strategies import CLOCKS, facts_for, rule_sets
from tests.sizes import looking

AT = datetime(2026, 1, 1, tzinfo=UTC)
FLEET = Path(__file__).parents[1] / "cases" / "fleet_leads.yaml"
HALF_KNOWN: dict[str, object] = {
    "email": "ann@haulage.example",
    "vehicles": 120,
    "country": "DE",
}
LARGE_FLEET: dict[str, object] = {
    "email": "a@fleet.example", "country": "DE", "vehicles": 300, "seniority": "vp",
    "tools": [], "has_budget": False, "email_clicks": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def fleet() -> RuleSet:
    """Return the worked example of the design."""
    return load_rule_set(FLEET.read_text(encoding="utf-8"))


def flags(*groups: dict[str, object], **score: object) -> RuleSet:
    """Return a rule set of one score whose rules ask the flags a, b, c and the number n."""
    return load_rule_set(
        {
            "rule_set": "sums",
            "attributes": {
                **{name: {"type": "flag", "label": name.upper()} for name in "abc"},
                "n": {"type": "number", "min": 0, "max": 9, "label": "N"},
            },
            "scores": {"fit": {"groups": list(groups), **score}},
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )


def group(mode: str, *points: object, **limits: object) -> dict[str, object]:
    """Return a group of rules on a, b and c in turn, with these points."""
    rules = [{"id": f"r_{n}", "when": n, "points": p} for n, p in zip("abc", points, strict=False)]
    return {"id": "g", "mode": mode, "rules": rules, **limits}


def moves(decision: Decision) -> list[tuple[str, str, float]]:
    """Return rule, kind and points of the reasons that moved a score."""
    return [
        (reason.rule, reason.kind, reason.effect.points)
        for reason in decision.reasons()
        if reason.effect is not None
    ]


def by_score(decision: Decision) -> dict[str, list[float]]:
    """Return the effects of each score."""
    found: dict[str, list[float]] = {name: [] for name in decision.scores}
    for reason in decision.reasons():
        if reason.effect is not None:
            found[reason.effect.score].append(reason.effect.points)
    return found


def test_the_outcome_comes_first_then_the_largest_effects(fleet: RuleSet) -> None:
    """The worked example, told in full."""
    reasons = fleet.decide(LARGE_FLEET, at=AT).reasons()
    assert [(r.rule, r.kind, r.effect and r.effect.points) for r in reasons] == [
        ("tier_a", "outcome", None),
        ("total", "points", 62),
        ("large", "points", 40),
        ("decider", "points", 20),
        ("clicks", "points", 10),
        ("home", "points", 5),
    ]
    assert reasons[0].text == "Fit grade is A; total is 62 of 100, at least 55"
    assert reasons[1].text == "Total is 0.8 * fit + intent, with fit 65 of 100, intent 10 of 20"


def test_a_gate_that_decided_comes_first(fleet: RuleSet) -> None:
    """It names the checks that made it yes."""
    decision = fleet.decide({"email": "ann@gmail.com", "vehicles": 2}, at=AT)
    first = decision.reasons()[0]
    assert (first.rule, first.kind, first.result) == ("is_consumer", "gate", YES)
    assert [check.expression for check in first.checks] == [
        "mail_domain in lists.free_mail",
        "vehicles < 3",
    ]


def test_an_undecided_subject_hears_what_is_still_possible(fleet: RuleSet) -> None:
    """The first reason is an outcome with the result unknown."""
    first = fleet.decide(HALF_KNOWN, at=AT).reasons()[0]
    assert (first.kind, first.result) == ("outcome", UNKNOWN)
    assert first.text == "Tier a, tier b and not now are still possible"


def test_the_rest_is_told_when_asked_for(fleet: RuleSet) -> None:
    """With `full`, rules that were no or unknown, and outcomes passed over, each once."""
    reasons = fleet.decide(HALF_KNOWN, at=AT).reasons(full=True)
    told = {reason.rule: (reason.result.value, reason.text) for reason in reasons}
    assert len(told) == len(reasons)
    assert told["large"] == ("no", "Fleet size is 120 vehicles, under 200")
    assert told["decider"] == ("unknown", "Seniority is not known")
    assert told["tier_b"] == (
        "unknown",
        "Fit is between 30 and 65 of 100, perhaps at least 40",
    )
    assert told["is_consumer"][0] == "no"


LIMITS = [
    (group("sum", 10, 5, cap=12), {}, [("r_a", 10), ("r_b", 5), ("g.cap", -3)]),
    (group("sum", -10, -5, floor=-12), {}, [("r_a", -10), ("r_b", -5), ("g.floor", 3)]),
    (group("sum", -10, -5), {"floor": 0}, [("fit.floor", 15), ("r_a", -10), ("r_b", -5)]),
    (group("sum", 80, 70), {"ceiling": 100}, [("r_a", 80), ("r_b", 70), ("fit.ceiling", -50)]),
    (group("sum", 5, 5), {}, [("r_a", 5), ("r_b", 5)]),
    (group("first", 5, 50), {}, [("r_a", 5)]),
    (group("max", 5, 50), {}, [("r_b", 50)]),
    (group("max", -5, -50), {}, [("r_a", -5)]),
    (group("sum", 0.1, 0.2), {}, [("r_b", 0.2), ("r_a", 0.1)]),
    (group("sum", 0, 7), {}, [("r_b", 7)]),
]


@pytest.mark.parametrize(("part", "limits", "told"), LIMITS)
def test_limits_are_reasons_with_the_remainder(
    part: dict[str, object], limits: dict[str, object], told: list[tuple[str, float]]
) -> None:
    """A cap, floor or ceiling that moved a score says by how much."""
    decision = flags(part, **limits).decide({"a": True, "b": True}, at=AT)
    assert [(rule, points) for rule, _, points in moves(decision)] == told
    kinds = {kind for rule, kind, _ in moves(decision) if "." in rule}
    assert kinds <= {"limit"}
    total = math.fsum(points for _, _, points in moves(decision))
    assert six_places(total) == decision.scores["fit"].value


def test_a_limit_says_what_it_does() -> None:
    """Caps count at most, floors and ceilings bound the score."""
    rules = flags(group("sum", 80, 70, cap=120), ceiling=100)
    told = {
        reason.rule: reason.text for reason in rules.decide({"a": True, "b": True}, at=AT).reasons()
    }
    assert told["g.cap"] == "The group `g` counts at most 120"
    assert told["fit.ceiling"] == "Fit goes no higher than 100"


def test_what_rounding_leaves_over_is_nobodys_limit() -> None:
    """Three thirds are one point, without a reason for the millionth in between."""
    third = {"points": "n / 3", "bounds": [0, 1]}
    rules = [{"id": f"r_{name}", "when": name, **third} for name in "abc"]
    sums = flags({"id": "g", "mode": "sum", "rules": rules})
    decision = sums.decide({"a": True, "b": True, "c": True, "n": 1}, at=AT)
    assert decision.scores["fit"].value == 1.0
    assert [kind for _, kind, _ in moves(decision)] == ["points"] * 3
    assert six_places(math.fsum(by_score(decision)["fit"])) == 1.0


def test_effects_add_up_even_where_doubles_skip_whole_numbers() -> None:
    """A formula past 2^53 is brought to its ceiling exactly, in two steps if need be."""
    rules = load_rule_set(
        {
            "rule_set": "huge",
            "attributes": {"n": {"type": "number", "label": "N"}},
            "scores": {"total": {"floor": 0, "ceiling": 100, "formula": "5 * n"}},
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )
    decision = rules.decide({"n": 2**53}, at=AT)
    assert {kind for _, kind, _ in moves(decision)} == {"points", "limit"}
    assert math.fsum(by_score(decision)["total"]) == 100


def test_a_suspended_rule_is_named_and_moves_nothing(fleet: RuleSet) -> None:
    """It counts as no and says so, once, also in full."""
    decision = fleet.decide(LARGE_FLEET, at=AT, suspended=["decider"])
    found = [reason for reason in decision.reasons(full=True) if reason.rule == "decider"]
    assert [(r.kind, r.result.value, r.effect) for r in found] == [("suspended", "no", None)]
    assert found[0].text == "`decider` is suspended and counts as no"


def test_the_authors_reason_stands_before_the_facts() -> None:
    """Words of the author are kept; for a rule that was no they would be untrue."""
    rule = {"id": "r", "when": "a", "points": 5, "reason": "A is what we look for."}
    rules = flags({"id": "g", "mode": "sum", "rules": [rule]})
    yes, no = (rules.decide({"a": value}, at=AT).reasons(full=True) for value in (True, False))
    assert _of("r", yes).text == "A is what we look for: A is yes"
    assert _of("r", no).text == "A is no"


def _of(rule: str, reasons: tuple[Reason, ...]) -> Reason:
    return next(reason for reason in reasons if reason.rule == rule)


SUMMARIES: list[tuple[dict[str, object], bool, str]] = [
    (HALF_KNOWN, False,
     ("Undecided: fit is between 30 and 65 of 100. Fleet size is 120 vehicles, at least 20 (+25)."
     " Country is DE (+5). Ask for seniority first; it can still move fit by 20.")),
    (HALF_KNOWN, True,
     ("Not now: fit 30 of 100, 10 short of tier_b. Fleet size is 120 vehicles, at least 20 (+25)."
     " Country is DE (+5).")),
    ({"email": "ann@gmail.com", "vehicles": 2}, False,
     "Consumer: e-mail domain is gmail.com, one of free mail; fleet size is 2 vehicles, under 3."),
    (LARGE_FLEET, False,
     ("Tier a: fit 65 of 100. Fleet size is 300 vehicles, at least 200 (+40)."
     " Seniority is vp, at least director (+20). E-mails clicked is 2, over 0 (+10 intent).")),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "final", "words"), SUMMARIES)
def test_a_summary_is_short_and_exact(facts: dict[str, object], *, final: bool, words: str) -> None:
    """What came out, the largest reasons, and the next question."""
    text = FLEET.read_text(encoding="utf-8").replace(
        "{type: text, pii: true", "{label: E-mail, type: text, pii: true"
    )
    assert load_rule_set(text).decide(facts, at=AT, final=final).summary.startswith(words)


def test_a_closed_decision_says_what_could_have_changed_it(fleet: RuleSet) -> None:
    """The form is finished, yet more answers would have mattered."""
    summary = fleet.decide(HALF_KNOWN, at=AT, final=True).summary
    assert summary.endswith("are not known and could change this.")


def test_without_scores_a_summary_names_the_outcomes() -> None:
    """A rule set of gates alone is told by its gates."""
    rules = load_rule_set(
        {
            "rule_set": "gates",
            "attributes": {"a": {"type": "flag", "label": "A", "ask": "A?"}},
            "gates": [{"id": "g", "when": "a", "then": "good"}],
            "outcomes": [
                {"id": "good", "verdict": "qualify", "only_by_gate": True},
                {"id": "rest", "verdict": "disqualify"},
            ],
        }
    )
    assert (
        rules.decide({}, at=AT).summary == "Undecided: good and rest are possible. Ask for A first."
    )
    assert rules.decide({"a": True}, at=AT).summary == "Good: A is yes."
    assert rules.decide({"a": False}, at=AT).summary == "Rest: no other outcome applies."


def test_reasons_are_json(fleet: RuleSet) -> None:
    """They can be sent as they are, whole points as integers."""
    reasons = [r.to_json() for r in fleet.decide(LARGE_FLEET, at=AT).reasons(full=True)]
    assert json.loads(json.dumps(reasons)) == reasons
    large = next(reason for reason in reasons if reason["rule"] == "large")
    assert large["effect"] == {"score": "fit", "points": 40}
    assert large["text"] == "Fleet size is 300 vehicles, at least 200"


@pytest.mark.parametrize("full", [False, True])
def test_reasons_and_summary_can_be_had_together(fleet: RuleSet, *, full: bool) -> None:
    """In one go they are what they are apart."""
    decision = fleet.decide(HALF_KNOWN, at=AT)
    assert explained(decision, full=full) == (decision.reasons(full=full), decision.summary)


@looking(120)
@given(st.data())
def test_effects_add_up_to_every_score(data: st.DataObject) -> None:
    """Per score, the exact sum of the effects rounded to six places is its value, to the bit."""
    rules = data.draw(rule_sets())
    facts = data.draw(facts_for(rules))
    decision = rules.decide(facts, at=data.draw(CLOCKS), final=data.draw(st.booleans()))
    for name, effects in by_score(decision).items():
        assert six_places(math.fsum(effects)) == decision.scores[name].value


@looking(80)
@given(st.data())
def test_reasons_come_in_order(data: st.DataObject) -> None:
    """One decisive reason, then effects that never grow, then what has none."""
    rules = data.draw(rule_sets())
    decision = rules.decide(data.draw(facts_for(rules)), at=AT)
    first, *others = decision.reasons(full=True)
    assert first.kind in {"gate", "outcome"}
    sizes = [abs(reason.effect.points) for reason in others if reason.effect is not None]
    assert sizes == sorted(sizes, reverse=True)
    assert all(reason.effect is None for reason in others[len(sizes) :])


def test_a_number_past_what_json_holds_exactly_is_a_float() -> None:
    """A derived product may be larger than any whole number that readers of JSON take."""
    rules = load_rule_set(
        {
            "rule_set": "large",
            "attributes": {"n": {"type": "number"}},
            "derived": {"square": "n * n"},
            "gates": [{"id": "huge", "when": "square > 5", "then": "rest"}],
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )
    decision = rules.decide({"n": 9e15}, at=AT)
    assert decision.reasons()[0].checks[0].values == {"square": 8.1e31}
    assert json.loads(orjson.dumps(decision.to_json()))["verdict"] == "review"


def test_a_formula_says_of_a_missing_attribute_that_it_is_not_known() -> None:
    """Not `no`, which would be an answer."""
    rules = load_rule_set(
        {
            "rule_set": "formula",
            "attributes": {"n": {"type": "number", "min": 0, "max": 9, "label": "N"}},
            "scores": {"fit": {"formula": "n + 1"}},
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )
    reason = rules.decide({}, at=AT).reasons()[1]
    assert reason.text == "Fit is n + 1, with N not known"
