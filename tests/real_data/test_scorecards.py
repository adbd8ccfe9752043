"""Six published scorecards as rule sets: what they say, and what is wrong in them."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.rules import RuleSet, check_rule_set, load_rule_set
from tests.real_data.scorecards import (
    SENIORITY,
    STAND_INS,
    Json,
    attributes_of,
    checks_of,
    holds,
    points_by_hand,
    rule_set_of,
)
from tests.real_data.shared import shared_file

AT = datetime(2026, 1, 1, tzinfo=UTC)
SCORED = (
    "posthog_lead_score",
    "mktskills_plg",
    "mktskills_enterprise",
    "zoho_starter",
    "geckoboard_sql",
)
ALL = (*SCORED, "posthog_plg_routing")

AUTHORS_MISTAKES = {
    "posthog_lead_score": [
        ("overlap", "`estimated_revenue_usd` 1,000,000 is in both"),
        ("overlap", "`estimated_revenue_usd` 10,000,000 is in both"),
        ("overlap", "`estimated_revenue_usd` 100,000,000 is in both"),
    ],
    "zoho_starter": [
        ("overlap", "`employees` 500 is in both"),
        ("overlap", "`employees` 5000 is in both"),
    ],
    "geckoboard_sql": [("overlap", "gets 3, not 10; put `title_t10` first")],
    "mktskills_plg": [],
    "mktskills_enterprise": [],
    "posthog_plg_routing": [],
}


@cache
def _cards() -> dict[str, Json]:
    file = shared_file("scorecards", "scorecards.json")
    return {card["id"]: card for card in json.loads(file.read_text(encoding="utf-8"))}


@cache
def _rules(name: str) -> RuleSet:
    return load_rule_set(rule_set_of(_cards()[name]))


@pytest.mark.parametrize("name", ALL)
def test_a_published_scorecard_is_a_rule_set_without_errors(name: str) -> None:
    """The language says what real companies score by."""
    assert check_rule_set(rule_set_of(_cards()[name])).errors == ()


@pytest.mark.parametrize("name", ALL)
def test_what_its_authors_got_wrong_is_reported(name: str) -> None:
    """A value in two bands, a title that never gets its points: and nothing besides."""
    warnings = check_rule_set(rule_set_of(_cards()[name])).warnings
    assert [problem.code for problem in warnings] == [code for code, _ in AUTHORS_MISTAKES[name]]
    for problem, (_, words) in zip(warnings, AUTHORS_MISTAKES[name], strict=True):
        assert words in problem.message


SHADOWED = {
    "posthog_lead_score": {
        "ability_to_pay_rev_5": {"estimated_revenue_usd": 1_000_000},
        "ability_to_pay_rev_10": {"estimated_revenue_usd": 10_000_000},
        "ability_to_pay_rev_20": {"estimated_revenue_usd": 100_000_000},
    },
    "geckoboard_sql": {"title_t10": {"title": "business chief"}},
}


@pytest.mark.parametrize("name", ALL)
def test_the_solver_finds_whose_points_another_rule_takes(name: str) -> None:
    """Asked of every rule: a title, and values in two bands; no other rule is shadowed."""
    pytest.importorskip("z3", reason="the extra `solver` is not installed")
    from service.rules.solver import notable  # noqa: PLC0415 - with the next
    from service.rules.solver.asking import answers_to  # noqa: PLC0415 - needs z3

    answers = answers_to(_rules(name), [{"question": "shadowed"}], at=AT, limit_s=20)
    found = {one.about[0]: one.witness for one in notable(answers)}
    facts = {rule: witness.facts for rule, witness in found.items() if witness is not None}
    assert facts == SHADOWED.get(name, {})
    assert len(facts) == len(found)


def test_the_solver_finds_the_size_that_counts_twice() -> None:
    """Of all bands of employees in a group that adds, two pairs share one value each."""
    pytest.importorskip("z3", reason="the extra `solver` is not installed")
    from service.rules.solver.asking import answers_to  # noqa: PLC0415 - needs z3

    overlaps = answers_to(_rules("zoho_starter"), [{"question": "overlap"}], at=AT, limit_s=20)
    bands = {"demographic_s1", "demographic_s2", "demographic_s3"}
    shared = [
        one.witness.facts
        for one in overlaps
        if bands.issuperset(one.about) and one.witness is not None
    ]
    assert shared == [{"employees": 500}, {"employees": 5000}]


def test_a_band_as_printed_holds_a_thousand_twice() -> None:
    """The page prints 11-1000 and 1000+; read literally, 1,000 employees are in both."""
    card = copy.deepcopy(_cards()["posthog_lead_score"])
    bands = card["groups"][0]["rules"]
    assert bands[2]["when"] == {"attr": "employees", "op": "gt", "value": 1000}
    bands[2]["when"]["op"] = "gte"
    messages = [problem.message for problem in check_rule_set(rule_set_of(card)).warnings]
    assert any(words.startswith("`employees` 1000 is in both") for words in messages)


def test_bands_read_without_their_edges_leave_a_gap() -> None:
    """Read the other way, a thousand employees are in neither."""
    card = copy.deepcopy(_cards()["posthog_lead_score"])
    card["groups"][0]["rules"][1]["when"] = {
        "all": [
            {"attr": "employees", "op": "gte", "value": 11},
            {"attr": "employees", "op": "lt", "value": 1000},
        ]
    }
    found = check_rule_set(rule_set_of(card)).warnings
    assert [p.code for p in found if p.pointer.startswith("/scores/score/groups/0")] == ["gap"]


@pytest.mark.parametrize("name", SCORED)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_scorecard_gives_the_points_its_table_gives(name: str, data: st.DataObject) -> None:
    """Computed by hand from the published table, for leads at and around every edge."""
    card = _cards()[name]
    lead = data.draw(_leads(card))
    decision = _rules(name).decide(lead, at=AT)
    assert decision.certain
    assert decision.scores["score"].value == points_by_hand(card, lead)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_routes_take_whom_their_conditions_take(data: st.DataObject) -> None:
    """The first route that holds, after the leads that have an owner or spend too little."""
    card = _cards()["posthog_plg_routing"]
    lead = data.draw(_leads(card))
    whens = {rule["id"]: rule["when"] for rule in card["rules"]}
    waits = holds(whens.pop("deprioritise"), lead)
    routed = any(holds(when, lead) for when in whens.values())
    wanted = "review" if waits else "qualify" if routed else "disqualify"
    assert _rules("posthog_plg_routing").decide(lead, at=AT).verdict == wanted


def test_a_size_nobody_told_is_a_range_and_not_a_penalty() -> None:
    """In the published SQL an unknown size falls to the else branch: minus two, and silently."""
    decision = _rules("geckoboard_sql").decide({"is_spam": False, "title": "founder"}, at=AT)
    size = decision.scores["score"]
    assert not decision.certain
    assert (size.low, size.high) == (-2 - 200 + 10, 50 + 10)
    assert "employees" in [missing.attribute for missing in decision.missing]


def _leads(card: Json) -> st.SearchStrategy[dict[str, Any]]:
    declared, checks = attributes_of(card), checks_of(card)
    return st.fixed_dictionaries(
        {name: _values(name, declared[name], checks[name]) for name in declared}
    )


def _values(name: str, declared: Mapping[str, Any], checks: list[Json]) -> st.SearchStrategy[Any]:
    if name == "seniority":
        return st.sampled_from(SENIORITY)
    texts = [*_flat(checks), "something else"]
    match declared["type"]:
        case "number":
            near = {value + step for value in _flat(checks) for step in (-1, 0, 1)}
            return st.sampled_from(sorted(value for value in near | {0} if value >= 0))
        case "flag":
            return st.booleans()
        case "list":
            return st.lists(st.sampled_from(texts), unique=True)
        case _ if name in {"title", "email"}:
            return st.sampled_from(TITLES if name == "title" else EMAILS)
        case _:
            return st.sampled_from(texts)


TITLES = (
    "chief marketing officer", "founder", "VP Sales", "Head of Growth", "Sales Manager",
    "Director", "Business Analyst", "Coordinator", "owner", "nurse",
)  # fmt: skip
EMAILS = ("a@school.EDU", "a@school.edu.au", "a@education.example", "a@edu.example")


def _flat(checks: list[Json]) -> list[Any]:
    filled = [STAND_INS.get(c["value"], c["value"]) if isinstance(c["value"], str) else c["value"]
              for c in checks]  # fmt: skip
    return [item for value in filled for item in (value if isinstance(value, list) else [value])]
