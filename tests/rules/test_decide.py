"""Decisions: gates, outcomes, open and closed evaluation, what to ask, the exact pass."""

from datetime import UTC, datetime

import pytest

from service.rules import Decision, RuleSet, load_rule_set

AT = datetime(2026, 1, 1, tzinfo=UTC)

BASE: dict[str, object] = {
    "rule_set": "small",
    "attributes": {
        "size": {"type": "number", "min": 0, "ask": "How many?"},
        "country": {"type": "choice", "choices": ["DE", "AT"], "ask": "Where?"},
        "budget": {"type": "flag", "ask": "Is there a budget?"},
        "phone": {"type": "text"},
    },
    "outcomes": [
        {"id": "good", "verdict": "qualify", "when": "size >= 20"},
        {"id": "blocked", "verdict": "disqualify", "only_by_gate": True},
        {"id": "weak", "verdict": "disqualify"},
    ],
}


def rules_with(**parts: object) -> RuleSet:
    """Return the small rule set with some parts replaced."""
    return load_rule_set({**BASE, **parts})


def asked(decision: Decision) -> list[tuple[str, str]]:
    """Return what is missing and what it changes, in the order of asking."""
    return [(missing.attribute, missing.changes) for missing in decision.missing]


def test_a_missing_fact_leaves_the_verdict_open_with_a_question() -> None:
    """Undecided names what would settle it, and where its answers lead."""
    decision = rules_with().decide({}, at=AT)
    assert (decision.verdict, decision.certain) == ("undecided", False)
    assert decision.possible_outcomes == ("good", "weak")
    assert asked(decision) == [("size", "verdict")]
    assert decision.missing[0].could_lead_to == ("qualify", "disqualify")
    assert (decision.next.action, decision.next.message) == ("ask", "How many?")
    assert decision.exact


def test_a_finished_form_is_closed_and_says_it_was_not_certain() -> None:
    """With `final`, unknown counts as no; knowing more could still have mattered."""
    decision = rules_with().decide({}, at=AT, final=True)
    assert (decision.verdict, decision.outcome, decision.certain) == ("disqualify", "weak", False)
    assert asked(decision) == [("size", "verdict")]


def test_assume_no_closes_every_evaluation() -> None:
    """A rule set that assumes no never answers undecided."""
    decision = rules_with(missing="assume_no").decide({}, at=AT)
    assert (decision.verdict, decision.certain) == ("disqualify", False)


def test_without_a_question_to_put_the_evaluation_is_closed() -> None:
    """Where nothing that is missing can be asked for, waiting would be for ever."""
    silent = {"size": {"type": "number", "min": 0}}
    decision = rules_with(attributes=silent).decide({}, at=AT)
    assert (decision.verdict, decision.certain) == ("disqualify", False)
    assert asked(decision) == [("size", "verdict")]


GATED = {"gates": [{"id": "stop", "when": "country == 'AT' && budget", "then": "blocked"}]}


def test_a_gate_decides_before_any_score() -> None:
    """A gate that is yes leaves one outcome; one that is no leaves the rest."""
    rules = rules_with(**GATED)
    stopped = rules.decide({"country": "AT", "budget": True}, at=AT)
    assert (stopped.verdict, stopped.outcome, stopped.certain) == ("disqualify", "blocked", True)
    assert stopped.missing == ()
    assert rules.decide({"country": "DE", "size": 30}, at=AT).outcome == "good"


def test_what_only_changes_the_outcome_comes_after_the_verdict() -> None:
    """A settled verdict with two possible outcomes is certain, and says what is left open."""
    rules = rules_with(**GATED)
    decision = rules.decide({"size": 3, "country": "AT"}, at=AT)
    assert (decision.verdict, decision.certain, decision.outcome_certain) == (
        "disqualify",
        True,
        False,
    )
    assert asked(decision) == [("budget", "outcome")]


def test_the_exact_pass_sees_what_ranges_cannot() -> None:
    """Two rules on one attribute that cancel out leave nothing to ask."""
    points = [
        {"id": "here", "when": "country == 'DE'", "points": 10},
        {"id": "there", "when": "country != 'DE'", "points": 10},
    ]
    rules = rules_with(
        scores={"fit": {"groups": [{"id": "g", "rules": points}]}},
        outcomes=[
            {"id": "good", "verdict": "qualify", "when": "fit >= 10"},
            {"id": "weak", "verdict": "disqualify"},
        ],
    )
    decision = rules.decide({}, at=AT)
    assert (decision.verdict, decision.certain, decision.exact) == ("qualify", True, True)
    assert decision.possible_outcomes == ("good",)
    assert decision.missing == ()
    assert (decision.scores["fit"].low, decision.scores["fit"].high) == (0, 20)


def test_the_exact_pass_gives_up_where_answers_are_endless() -> None:
    """A number inside a formula has no finite kinds of answers, so ranges stand."""
    rules = rules_with(
        scores={"fit": {"formula": "size * 2", "floor": 0, "ceiling": 100}},
        outcomes=[
            {"id": "good", "verdict": "qualify", "when": "fit >= 10"},
            {"id": "weak", "verdict": "disqualify"},
        ],
    )
    decision = rules.decide({}, at=AT)
    assert (decision.verdict, decision.exact) == ("undecided", False)
    assert asked(decision) == [("size", "verdict")]


def test_has_is_open_until_the_form_is_finished() -> None:
    """`has` of something missing may still become yes; in a finished form it is no."""
    rules = rules_with(
        outcomes=[
            {"id": "good", "verdict": "qualify", "when": "has(phone) && size > 0"},
            {"id": "rest", "verdict": "review"},
        ]
    )
    assert set(rules.decide({"size": 3}, at=AT).possible_outcomes) == {"good", "rest"}
    assert rules.decide({"size": 3}, at=AT, final=True).outcome == "rest"
    assert rules.decide({"size": 3, "phone": "1"}, at=AT).outcome == "good"


def test_an_unknown_negation_counts_as_no_when_closed() -> None:
    """Closing asks each whole condition, so `!budget` without an answer is no."""
    rules = rules_with(
        outcomes=[
            {"id": "good", "verdict": "qualify", "when": "!budget"},
            {"id": "rest", "verdict": "review"},
        ]
    )
    assert rules.decide({}, at=AT, final=True).outcome == "rest"
    assert rules.decide({"budget": False}, at=AT, final=True).outcome == "good"


def test_a_suspended_rule_counts_as_no_and_is_remembered() -> None:
    """Suspending a gate lets the next one decide; the decision keeps its id."""
    rules = rules_with(**GATED)
    facts = {"country": "AT", "budget": True, "size": 30}
    decision = rules.decide(facts, at=AT, suspended=["stop"])
    assert (decision.outcome, decision.suspended) == ("good", ("stop",))


def test_a_suspended_outcome_counts_as_no_and_the_next_one_follows() -> None:
    """Only its own condition is off: a gate that leads to it still does, and the last stays."""
    rules = rules_with(
        gates=[{"id": "stop", "when": "size > 900", "then": "bad"}],
        outcomes=[
            {"id": "bad", "verdict": "disqualify", "when": "size > 10"},
            {"id": "rest", "verdict": "review"},
        ],
    )
    off = ["outcome:bad", "outcome:rest"]
    assert rules.decide({"size": 30}, at=AT, final=True).outcome == "bad"
    decision = rules.decide({"size": 30}, at=AT, final=True, suspended=off)
    assert (decision.outcome, decision.suspended) == ("rest", ("outcome:bad", "outcome:rest"))
    assert [(r.rule, r.kind) for r in decision.reasons()] == [
        ("rest", "outcome"),
        ("bad", "suspended"),
    ]
    assert rules.decide({"size": 999}, at=AT, final=True, suspended=off).outcome == "bad"


def test_what_only_a_suspended_outcome_reads_is_still_checked() -> None:
    """Its single checks are in the trace as before, so that they can be told."""
    rules = rules_with(
        outcomes=[
            {"id": "good", "verdict": "qualify", "when": 'country == "DE"'},
            {"id": "rest", "verdict": "review"},
        ],
    )
    facts = {"country": "DE", "size": 30}
    decision = rules.decide(facts, at=AT, final=True, suspended=["outcome:good"])
    assert decision.trace.checks == rules.decide(facts, at=AT, final=True).trace.checks


def test_an_outcome_is_not_suspended_with_the_rule_of_its_name() -> None:
    """Rules and outcomes have ids of their own, so each is named apart."""
    rules = rules_with(
        gates=[{"id": "bad", "when": "size > 900", "then": "bad"}],
        outcomes=[
            {"id": "bad", "verdict": "disqualify", "when": "size > 10"},
            {"id": "rest", "verdict": "review"},
        ],
    )
    assert rules.decide({"size": 999}, at=AT, final=True, suspended=["bad"]).outcome == "bad"


def test_a_replay_uses_the_table_of_its_day() -> None:
    """What the shipped domain table said is stored and wins when handed back."""
    rules = rules_with(
        derived={"site": "registrable_domain(phone)"},
        outcomes=[
            {"id": "good", "verdict": "qualify", "when": "site == 'example.co.uk'"},
            {"id": "rest", "verdict": "review"},
        ],
    )
    first = rules.decide({"phone": "www.example.co.uk"}, at=AT)
    assert (first.outcome, first.tabled) == ("good", {"www.example.co.uk": "example.co.uk"})
    older = rules.decide(
        {"phone": "www.example.co.uk"}, at=AT, tabled={"www.example.co.uk": "co.uk"}
    )
    assert older.outcome == "rest"


GRADED = {
    "scores": {
        "fit": {
            "groups": [
                {"id": "g", "rules": [{"id": "big", "when": "size >= 20", "points": 60}]},
                {"id": "h", "rules": [{"id": "rich", "when": "budget", "points": 20}]},
            ]
        }
    },
    "grades": {"grade": {"of": "fit", "A": 60, "B": 20, "C": None}},
}


@pytest.mark.parametrize(
    ("facts", "grades"),
    [
        ({}, ("A", "B", "C")),
        ({"size": 30}, ("A",)),
        ({"size": 3}, ("B", "C")),
        ({"size": 3, "budget": True}, ("B",)),
    ],
)
def test_a_grade_is_every_band_its_score_can_be_in(
    facts: dict[str, object], grades: tuple[str, ...]
) -> None:
    """Bands are listed best first, as far as the score's range touches them."""
    rules = rules_with(
        **GRADED,
        outcomes=[
            {"id": "good", "verdict": "qualify", "when": "grade == 'A'"},
            {"id": "weak", "verdict": "disqualify"},
        ],
    )
    decision = rules.decide(facts, at=AT)
    assert decision.grades == {"grade": grades}
    assert (decision.verdict == "undecided") is ("A" in grades and len(grades) > 1)


def test_a_decision_needs_a_clock_with_a_zone() -> None:
    """A naive instant would be a guess about the day."""
    with pytest.raises(ValueError, match="time zone"):
        rules_with().decide({}, at=datetime(2026, 1, 1))  # noqa: DTZ001  the point of the test
