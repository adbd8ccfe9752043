"""Questions about one rule set: each answer is a witness or a proof, and neither is wrong."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import pytest

from service.rules import RuleSet, load_rule_set
from service.rules.solver import QUESTIONS, Answer, notable
from service.rules.truth import YES
from tests.rules.edits import FLEET
from tests.solver.pairs import document, some_facts

pytest.importorskip("z3", reason="the extra `solver` is not installed")
from service.rules.solver.asking import answers_to

AT: Final = datetime(2026, 3, 1, tzinfo=UTC)
LEADS: Final = 1_500


def asked(rules: RuleSet, question: str, *about: str) -> list[Answer]:
    """Return the answers to one question."""
    return list(
        answers_to(rules, [{"question": question, "about": list(about)}], at=AT, limit_s=30)
    )


def small(
    *rules: str, outcomes: Mapping[str, str] | None = None, gates: Mapping[str, str] | None = None
) -> RuleSet:
    """Return a rule set with rules worth ten points each, in a group that adds them."""
    body: dict[str, Any] = {
        "rule_set": "small",
        "attributes": {
            "size": {"type": "number", "unit": "people", "min": 0},
            "country": {"type": "choice", "choices": ["DE", "AT"], "other": True},
            "is_partner": {"type": "flag"},
            "unread": {"type": "text"},
        },
        "scores": {
            "fit": {
                "groups": [
                    {
                        "id": "all",
                        "rules": [
                            {"id": f"r{place}", "when": when, "points": 10}
                            for place, when in enumerate(rules)
                        ],
                    }
                ]
            }
        },
        "gates": [
            {"id": name, "when": when, "then": f"by_{name}"} for name, when in (gates or {}).items()
        ],
        "outcomes": [
            *(
                {"id": name, "verdict": "qualify", "when": when}
                for name, when in (outcomes or {"good": "fit >= 10"}).items()
            ),
            *(
                {"id": f"by_{name}", "verdict": "review", "only_by_gate": True}
                for name in gates or {}
            ),
            {"id": "rest", "verdict": "disqualify"},
        ],
    }
    return load_rule_set(body)


def test_a_rule_whose_parts_exclude_each_other_can_never_be_yes() -> None:
    """Proved, also where the parts stand far apart; its neighbour has a witness."""
    rules = small('size > 10 && (country == "DE" || is_partner) && size < 5', "size > 10")
    (never,), (can,) = asked(rules, "can_be_yes", "r0"), asked(rules, "can_be_yes", "r1")
    assert (never.answer, never.witness) == ("no", None)
    assert can.answer == "yes"
    assert can.witness is not None
    assert can.witness.facts == {"size": 11}


def test_a_rule_that_takes_everybody_is_always_yes() -> None:
    """Of whom what it asks about is known; one that leaves somebody out shows whom."""
    rules = small("size >= 10 || size < 10", "size != 7")
    (always,), (mostly,) = asked(rules, "always_yes", "r0"), asked(rules, "always_yes", "r1")
    assert always.answer == "yes"
    assert mostly.answer == "no"
    assert mostly.witness is not None
    assert mostly.witness.facts == {"size": 7}


def test_a_rule_matters_only_where_a_verdict_turns_on_it() -> None:
    """Without `r1` every verdict stays: whoever it gives points has enough already."""
    rules = small("size > 10", "size > 20")
    assert [one.answer for one in asked(rules, "matters", "r1")] == ["no"]
    assert [one.answer for one in asked(rules, "matters", "r0")] == ["yes"]


def test_what_is_never_read_never_matters() -> None:
    """Nor what is read by a rule that decides nothing."""
    rules = small("size > 10", "size > 20 && is_partner")
    found = {one.about[0]: one.answer for one in asked(rules, "attribute_matters")}
    assert found == {"size": "yes", "is_partner": "no"} | {
        name: "no" for name in found if name not in {"size", "is_partner"}
    }


def test_a_rule_that_an_earlier_one_always_takes_never_counts() -> None:
    """Proved; one that loses a single value to fewer points shows it; an exclusion is meant."""
    body = json.loads(small("size > 1").canonical)
    (group,) = body["scores"]["fit"]["groups"]
    group["mode"] = "first"
    group["rules"] = [
        {"id": "partner", "when": "is_partner", "points": -5},
        {"id": "little", "when": "size <= 20", "points": 3},
        {"id": "middle", "when": "size >= 20 && size < 90", "points": 10},
        {"id": "never", "when": "size > 30 && size < 40", "points": 20},
        {"id": "most", "when": "size > 30", "points": 5},
    ]
    found = {one.about[0]: one for one in asked(load_rule_set(body), "shadowed")}
    assert {name: one.answer for name, one in found.items()} == {
        "little": "no", "middle": "yes", "never": "yes", "most": "no",
    }  # fmt: skip
    assert "never counts" in found["never"].words
    assert found["never"].witness is None
    assert found["middle"].witness is not None
    assert found["middle"].witness.facts == {"size": 20}
    assert {one.about[0] for one in notable(found.values())} == {"middle", "never"}


def test_two_rules_overlap_where_some_lead_fits_both() -> None:
    """Down to the single value that both bands hold."""
    rules = small("between(size, 10, 1000)", "size >= 1000", "size < 10")
    found = {one.about: one for one in asked(rules, "overlap")}
    assert {about: one.answer for about, one in found.items()} == {
        ("r0", "r1"): "yes",
        ("r0", "r2"): "no",
        ("r1", "r2"): "no",
    }
    witness = found["r0", "r1"].witness
    assert witness is not None
    assert witness.facts == {"size": 1000}


def test_two_gates_collide_where_both_are_yes() -> None:
    """The first decides, and whoever wrote the second should know."""
    rules = small("size > 1", gates={"big": "size > 100", "home": 'country == "DE"'})
    (found,) = asked(rules, "gates_collide")
    assert found.answer == "yes"
    assert found.witness is not None
    assert found.witness.facts == {"size": 101, "country": "DE"}
    apart = small("size > 1", gates={"big": "size > 100", "little": "size < 5"})
    assert [one.answer for one in asked(apart, "gates_collide")] == ["no"]


def test_an_outcome_out_of_reach_is_proved_to_be() -> None:
    """Three rules that exclude each other never give thirty points, though ranges allow it."""
    rules = small(
        "size < 5",
        "size > 10",
        "between(size, 6, 7)",
        outcomes={"top": "fit >= 20", "good": "fit >= 10"},
    )
    found = {one.about[0]: one.answer for one in asked(rules, "reachable")}
    assert found == {"top": "no", "good": "yes", "rest": "yes"}


def test_the_highest_score_is_reached_and_not_passed() -> None:
    """Rules that exclude each other do not add up."""
    rules = small("size < 5", "size > 10", 'country == "DE"')
    (highest,), (lowest,) = asked(rules, "highest", "fit"), asked(rules, "lowest", "fit")
    assert (highest.answer, highest.number) == ("yes", 20)
    assert (lowest.answer, lowest.number) == ("yes", 0)


def test_a_hole_of_exactly_one_value_is_found() -> None:
    """`[120, 130)` and then `> 130`: the witness is 130."""
    rules = small("size >= 120 && size < 130", "size > 130")
    (hole,) = [one for one in asked(rules, "holes") if one.answer == "yes"]
    assert hole.witness is not None
    assert hole.witness.facts == {"size": 130}


def test_a_hole_between_outcomes_counts_where_a_score_reaches_it() -> None:
    """Twenty points fall between two outcomes; fifteen never come together."""
    reached = small(
        "size > 1",
        "is_partner",
        'country == "DE"',
        outcomes={"one": "fit >= 10 && fit < 20", "two": "fit > 20"},
    )
    found = [one for one in asked(reached, "holes") if one.about == ("fit",)]
    assert [one.answer for one in found] == ["yes"]
    assert found[0].witness is not None
    assert found[0].witness.scores[0]["fit"] == 20
    passed = small(
        "size > 1",
        "is_partner",
        'country == "DE"',
        outcomes={"one": "fit >= 10 && fit < 15", "two": "fit > 15"},
    )
    assert [one.answer for one in asked(passed, "holes") if one.about == ("fit",)] == ["no"]


def test_a_single_missing_fact_that_costs_the_verdict_is_shown() -> None:
    """With the witness whole it is not disqualified; without that one fact it is."""
    rules = load_rule_set(FLEET)
    for one in asked(rules, "lost_by_missing"):
        if one.answer == "yes":
            assert one.witness is not None
            facts = dict(one.witness.facts)
            assert rules.decide(facts, at=AT, final=True).verdict != "disqualify"
            del facts[one.about[0]]
            assert rules.decide(facts, at=AT, final=True).verdict == "disqualify"


def test_a_draft_hears_only_of_what_is_probably_not_meant() -> None:
    """The worked example decides the same without its first gate, and nothing else is odd."""
    rules = load_rule_set(FLEET)
    deep = [one for question in ("can_be_yes", "matters", "reachable", "gates_collide")
            for one in asked(rules, question)]  # fmt: skip
    assert [(one.question, one.about) for one in notable(deep)] == [("matters", ("is_consumer",))]


@pytest.mark.slow
def test_no_answer_about_a_generated_rule_set_is_wrong() -> None:
    """Every question, of everything: what is proved impossible happens to none of many leads."""
    for number in range(3):
        body = document(Random(number), rules=5)
        rules = load_rule_set(body)
        leads = some_facts(1, LEADS)
        decided = [
            rules.decide(_raw(lead), at=AT, final=True, with_missing=False) for lead in leads
        ]
        answers = answers_to(rules, [{"question": one} for one in QUESTIONS], at=AT, limit_s=60)
        ids = [rule.id for rule in rules.model.rules]
        for one in answers:
            (name, *_) = one.about or ("",)
            if one.question == "can_be_yes" and one.answer == "no" and name in ids:
                results = {d.trace.closed.rules[ids.index(name)] for d in decided}
                assert YES not in results
            if one.question == "reachable" and one.answer == "no":
                assert name not in {d.outcome for d in decided}
            if one.question == "highest" and one.answer == "yes":
                assert one.number is not None
                assert max(d.scores[name].value for d in decided) <= one.number
            if one.question == "matters" and one.answer == "no":
                for lead, d in zip(leads[:300], decided, strict=False):
                    other = rules.decide(_raw(lead), at=AT, final=True, suspended=(name,))
                    assert other.verdict == d.verdict
            if one.question == "attribute_matters" and one.answer == "no":
                for lead, d in zip(leads[:300], decided, strict=False):
                    less = {key: value for key, value in _raw(lead).items() if key != name}
                    assert rules.decide(less, at=AT, final=True).outcome == d.outcome


def _raw(lead: Mapping[str, Any]) -> dict[str, object]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else
        list(value) if isinstance(value, tuple) else value
        for name, value in lead.items()
    }  # fmt: skip
