"""The templates are rule sets that a company could start from tomorrow."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.rules import check_rule_set, load_rule_set, read_source
from service.rules.templates import read_template, template_names

CASES = Path(__file__).resolve().parents[1] / "cases"
OURS = tuple(name for name in template_names() if name != "fleet_leads")


def test_the_templates_are_shipped() -> None:
    """A company finds its kind of business among them, and one for those it serves already."""
    assert template_names() == (
        "account_portfolio",
        "consumer_to_business",
        "fleet_leads",
        "product_led",
        "saas_leads",
    )


@pytest.mark.parametrize("name", template_names())
def test_a_template_has_nothing_to_complain_about(name: str) -> None:
    """No error, no warning, and every one of its own tests passes."""
    checked = check_rule_set(read_template(name))
    assert checked.problems == ()
    assert len(checked.tests) >= 3
    assert checked.rules is not None
    assert checked.rules.id == name


@pytest.mark.parametrize("name", template_names())
def test_both_yaml_readers_read_a_template_alike(name: str) -> None:
    """Rule files we print parse the same in ruamel and in PyYAML."""
    text = read_template(name)
    assert yaml.safe_load(text) == read_source(text).data


@pytest.mark.parametrize("name", OURS)
def test_a_template_says_why_each_of_its_rules_is_there(name: str) -> None:
    """Whoever changes a rule must know what it was for."""
    assert [part["id"] for part in _rules_and_outcomes(name) if not part.get("note")] == []


@pytest.mark.parametrize("name", OURS)
def test_the_tests_of_a_template_reach_each_of_its_outcomes(name: str) -> None:
    """An outcome without an example is one that an edit can lose."""
    document = yaml.safe_load(read_template(name))
    reached = {test["expect"].get("outcome") for test in document["tests"]}
    assert {outcome["id"] for outcome in document["outcomes"]} <= reached


@pytest.mark.parametrize("name", template_names())
def test_an_empty_form_gets_a_question(name: str) -> None:
    """The first thing a template does for a form without facts is to ask."""
    decision = load_rule_set(read_template(name)).decide({}, at=datetime(2026, 1, 1, tzinfo=UTC))
    assert decision.verdict == "undecided"
    assert decision.missing[0].ask is not None


@pytest.mark.parametrize("name", template_names())
def test_nobody_is_refused_without_an_alternative(name: str) -> None:
    """A disqualified lead is told where to go instead."""
    outcomes = load_rule_set(read_template(name)).model.outcomes
    refusals = [outcome for outcome in outcomes if outcome.verdict == "disqualify"]
    assert refusals
    assert all(outcome.message for outcome in refusals)


def test_the_fleet_template_is_the_worked_example() -> None:
    """What the guide explains and what `goodfit new` prints are the same bytes."""
    assert read_template("fleet_leads") == (CASES / "fleet_leads.yaml").read_text(encoding="utf-8")


def test_a_template_that_is_not_there_is_refused() -> None:
    """A name cannot lead out of the folder."""
    with pytest.raises(KeyError):
        read_template("../../cases/fleet_leads")


def _rules_and_outcomes(name: str) -> list[dict[str, Any]]:
    document = yaml.safe_load(read_template(name))
    scores = document["scores"].values()
    groups = [group for score in scores for group in score.get("groups", ())]
    rules = [rule for group in groups for rule in group["rules"]]
    # A formula has no rules: the score itself says why.
    rules += [{"id": "formula", **score} for score in scores if "formula" in score]
    return [*document["gates"], *rules, *document["outcomes"]]
