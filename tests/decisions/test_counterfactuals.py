"""`GET /v1/decisions/{id}/counterfactuals`: what would have to change, decided by the rules."""

from typing import Any

import httpx
import pytest

from tests.decisions.conftest import Office

pytestmark = pytest.mark.anyio
LEAD = {"email": "ann@haulage.example", "vehicles": 30, "country": "FR", "seniority": "manager"}


async def ask(office: Office, decision: str, query: str = "") -> httpx.Response:
    """Ask for the counterfactuals of a decision."""
    return await office.served.ask("GET", f"/v1/decisions/{decision}/counterfactuals{query}")


async def test_each_way_leads_where_it_says(shared_office: Office) -> None:
    """Asked with the changes made, `/v1/qualify` answers with that outcome."""
    decided = await shared_office.decided(lead=LEAD, final=True)
    assert decided["verdict"] == "disqualify"
    answer = await ask(shared_office, decided["id"])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert told["decision"] == decided["id"]
    assert told["outcome"] == decided["outcome"]
    assert 1 <= len(told["ways"]) <= 3
    for way in told["ways"]:
        changed = {change["attribute"]: change["after"] for change in way["changes"]}
        again = await shared_office.decided(lead=LEAD | changed, final=True)
        assert again["outcome"] == way["outcome"]
        assert way["words"].startswith(way["changes"][0]["label"])


async def test_an_outcome_can_be_aimed_at_and_facts_kept(shared_office: Office) -> None:
    """Toward one outcome, and with what cannot change left alone."""
    decided = await shared_office.decided(lead=LEAD, final=True)
    told = (await ask(shared_office, decided["id"], "?toward=tier_b&fixed=seniority")).json()
    assert told["toward"] == "tier_b"
    assert told["ways"]
    for way in told["ways"]:
        assert way["outcome"] == "tier_b"
        assert "seniority" not in {change["attribute"] for change in way["changes"]}


async def test_an_undecided_lead_leads_from_what_it_comes_to(shared_office: Office) -> None:
    """While more may be answered, the ways begin where the facts lead if nothing is."""
    decided = await shared_office.decided(lead={"vehicles": 30, "country": "FR"})
    assert decided["verdict"] == "undecided"
    told = (await ask(shared_office, decided["id"])).json()
    assert told["outcome"] == decided["outcome"]


@pytest.mark.parametrize(
    ("query", "code", "suggestion"),
    [
        ("?toward=tier_bb", "unknown_outcome", "tier_b"),
        ("?fixed=seniorty", "unknown_attribute", "seniority"),
        ("?toward=DROP%20TABLE", "string_pattern_mismatch", None),
        ("?toward=", "string_pattern_mismatch", None),
    ],
)
async def test_what_the_rules_do_not_know_is_refused(
    shared_office: Office, query: str, code: str, suggestion: str | None
) -> None:
    """With the parameter, and with what was probably meant."""
    decided = await shared_office.decided(lead=LEAD, final=True)
    refused = await ask(shared_office, decided["id"], query)
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert fault["code"] == code
    assert fault.get("suggestion") == suggestion


async def test_a_stranger_never_sees_them(shared_office: Office) -> None:
    """A publishable key may not ask: they would teach the rules."""
    decided = await shared_office.decided(lead=LEAD, final=True)
    refused = await shared_office.ask_publicly(
        "GET", f"/v1/decisions/{decided['id']}/counterfactuals"
    )
    assert refused.status_code == 403
    narrow = await shared_office.ask_publicly(
        "POST", "/v1/qualify", {"rule_set": "fleet_leads", "lead": LEAD, "final": True}
    )
    assert not set(narrow.json()) & {"ways", "near", "counterfactuals"}


async def test_a_decision_that_is_not_there(shared_office: Office) -> None:
    """404, as everywhere."""
    gone = await ask(shared_office, "dec_01m82amv90f7assrm6pf8d3pr0")
    assert gone.status_code == 404
