"""`goodfit decide` gives one decision without a database."""

import json
from datetime import UTC, datetime
from pathlib import Path

from service.decisions.showing import Head, decision_shown
from service.rules import load_rule_set
from tests.cli.conftest import Goodfit

HALF = '{"email": "ann@haulage.example", "vehicles": 120, "country": "DE"}'


def test_json_is_the_decision_of_the_core(goodfit: Goodfit, fleet: Path) -> None:
    """The command adds the clock and the rule set, and changes nothing."""
    at = "2026-03-01T12:00:00Z"
    result = goodfit("decide", fleet, "--facts", HALF, "--at", at, "--json")
    found = json.loads(result.stdout)
    rules = load_rule_set(fleet.read_text())
    assert result.exit_code == 0
    assert found["verdict"] == "undecided"
    assert found["decided_at"] == "2026-03-01T12:00:00.000000Z"
    assert found["rule_set"] == {"id": "fleet_leads", "version": None, "digest": rules.digest}
    assert found["scores"]["fit"] == {"value": 30, "low": 30, "high": 65}
    assert found["missing"][0]["ask"] == "What is your role?"


def test_json_has_the_members_of_the_api_in_their_order(goodfit: Goodfit, fleet: Path) -> None:
    """Whoever reads one can read the other; only what makes it a stored decision is null."""
    head = Head(
        id=None,
        decided_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        subject="lead",
        external_id=None,
        account=None,
        rule_set="fleet_leads",
        version=1,
        digest="",
    )
    rules = load_rule_set(fleet.read_text())
    decision = rules.decide(json.loads(HALF), at=head.decided_at)
    for explain in ("short", "full"):
        at = "2026-03-01T12:00:00Z"
        arguments = ("--facts", HALF, "--at", at, "--explain", explain, "--json")
        found = json.loads(goodfit("decide", fleet, *arguments).stdout)
        shown = decision_shown(decision, head, explain=explain)
        assert list(found) == list(shown)
        assert {n: v for n, v in found.items() if n != "rule_set"} == {
            n: v for n, v in json.loads(json.dumps(shown)).items() if n != "rule_set"
        }


def test_words_say_why_and_what_to_ask(goodfit: Goodfit, fleet: Path) -> None:
    """A person reads the summary, the reasons and the question."""
    result = goodfit("decide", fleet, "--facts", HALF)
    assert result.exit_code == 0
    assert result.stdout.startswith("undecided")
    assert "Fleet size is 120 vehicles, at least 20" in result.stdout
    assert "What is your role?" in result.stdout


def test_final_closes_the_form(goodfit: Goodfit, fleet: Path) -> None:
    """With no more answers to come there is a verdict."""
    result = goodfit("decide", fleet, "--facts", HALF, "--final", "--json")
    assert json.loads(result.stdout)["outcome"] == "not_now"


def test_full_explanation_includes_the_rules_that_were_no(goodfit: Goodfit, fleet: Path) -> None:
    """`--explain full` leaves nothing out."""
    short = goodfit("decide", fleet, "--facts", HALF, "--json")
    full = goodfit("decide", fleet, "--facts", HALF, "--json", "--explain", "full")
    named = [{r["rule"] for r in json.loads(got.stdout)["reasons"]} for got in (short, full)]
    assert "large" not in named[0]
    assert named[0] | {"large", "small", "decider", "is_consumer"} <= named[1]


def test_facts_can_stand_in_a_file(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """`@` names a file, as curl does."""
    facts = tmp_path / "lead.json"
    facts.write_text(HALF)
    from_file = goodfit("decide", fleet, "--facts", f"@{facts}", "--at", "2026-01-01T00:00Z")
    typed = goodfit("decide", fleet, "--facts", HALF, "--at", "2026-01-01T00:00Z")
    assert from_file.stdout == typed.stdout


def test_no_facts_show_the_first_question(goodfit: Goodfit, fleet: Path) -> None:
    """Before anything is told, the rule set says what it would ask first."""
    result = goodfit("decide", fleet, "--json")
    assert json.loads(result.stdout)["next"]["action"] == "ask"


def test_facts_that_are_not_strict_json_are_refused(goodfit: Goodfit, fleet: Path) -> None:
    """A key that stands twice would be a guess."""
    for facts, words in {
        '{"vehicles": 1, "vehicles": 2}': "`vehicles` stands in it twice",
        '{"vehicles": NaN}': "NaN is not JSON",
        '{"vehicles": 1e999}': "too large",
        '{"email": "a\\u0000"}': "NUL",
        '{"email": "\\ud800"}': "half a character",
        "[1]": "not an object",
        "{": "not JSON",
        "[" * 5_000 + "]" * 5_000: "nested too deeply",
    }.items():
        result = goodfit("decide", fleet, "--facts", facts)
        assert result.exit_code == 2, facts[:40]
        assert words in result.stderr


def test_an_instant_needs_its_time_zone(goodfit: Goodfit, fleet: Path) -> None:
    """A local time would decide differently on another machine."""
    result = goodfit("decide", fleet, "--at", "2026-01-31T09:00:00")
    assert result.exit_code == 2
    assert "no time zone" in result.stderr


def test_a_rule_file_with_errors_decides_nothing(goodfit: Goodfit, tmp_path: Path) -> None:
    """The errors are shown with their places."""
    file = tmp_path / "bad.yaml"
    file.write_text("rule_set: x\nattributes: {a: {type: numbr}}\noutcomes: []\n")
    result = goodfit("decide", file)
    assert result.exit_code == 1
    assert f"{file}:2:" in result.stderr
    assert "goodfit check" in result.stderr
    told = json.loads(goodfit("decide", file, "--json").stdout)
    assert told["problems"][0]["severity"] == "error"


def test_counterfactuals_are_told_in_words_and_json(goodfit: Goodfit, fleet: Path) -> None:
    """What would have to change for a better outcome, or for the one that is named."""
    facts = (
        '{"email": "ann@haulage.example", "vehicles": 30, "country": "FR", "seniority": "manager"}'
    )
    told = goodfit("decide", fleet, "--facts", facts, "--final", "--counterfactuals")
    assert "By the rules themselves, everything else staying as it is:" in told.stdout
    assert "Seniority: from manager to director" in told.stdout
    report = json.loads(
        goodfit("decide", fleet, "--facts", facts, "--final", "--toward", "tier_b", "--json").stdout
    )
    ways = report["counterfactuals"]["ways"]
    assert {way["outcome"] for way in ways} == {"tier_b"}
    assert all(len(way["changes"]) <= 3 for way in ways)
    refused = goodfit("decide", fleet, "--facts", facts, "--toward", "tier_z")
    assert refused.exit_code == 2
    assert "is no outcome of the rule set" in refused.stderr
