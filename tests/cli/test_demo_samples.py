"""The demo's samples are the same every time, fit the templates, and show every side of them."""

from collections import Counter
from datetime import UTC, datetime

from service.cli.demo_samples import FIRST_LEAD, LEADS, sample_questions
from service.rules import load_rule_set
from service.rules.templates import read_template, template_names

AT = datetime(2026, 11, 24, tzinfo=UTC)
RULES = {
    name: rules
    for name in template_names()
    if (rules := load_rule_set(read_template(name))).subject == "lead"
}
"""The templates for leads; the one for accounts has a portfolio of its own."""


def test_the_samples_are_the_same_every_time() -> None:
    """A screenshot of yesterday is still true today."""
    assert list(sample_questions()) == list(sample_questions())
    assert len(list(sample_questions())) == LEADS == 60


def test_every_sample_is_read_without_a_problem() -> None:
    """No attribute is misspelt and no value outside its limits."""
    for name, facts in sample_questions():
        assert RULES[name].admit(facts).problems == (), (name, facts)


def test_the_samples_reach_every_verdict_and_most_outcomes() -> None:
    """Whoever looks around finds something of each kind."""
    decided = [(name, RULES[name].decide(facts, at=AT)) for name, facts in sample_questions()]
    verdicts = Counter(decision.verdict for _, decision in decided)
    assert set(verdicts) == {"qualify", "review", "disqualify", "undecided"}
    assert min(verdicts.values()) >= 5
    for name, rules in RULES.items():
        reached = {decision.outcome for other, decision in decided if other == name}
        assert len(reached) >= len(rules.model.outcomes) // 2, name


def test_every_template_for_leads_has_its_samples() -> None:
    """Each rule set of the demo that judges leads has decisions to look at."""
    asked = Counter(name for name, _ in sample_questions())
    assert set(asked) == set(RULES)
    assert min(asked.values()) >= 10


def test_the_first_lead_has_something_to_ask() -> None:
    """The first line to try shows what nobody else shows."""
    decision = RULES["fleet_leads"].decide(FIRST_LEAD, at=AT)
    assert decision.verdict == "undecided"
    assert decision.next.message == "What is your role?"
