"""Judging stored accounts: on their facts, and what that leaves with them."""

from typing import Any

import pytest

from tests.decisions.conftest import Office
from tests.decisions.rules import edited, release

pytestmark = pytest.mark.anyio

NORTH = {"vehicles": 150, "site": "https://north.example", "paid": True}


async def put(office: Office, key: str, facts: dict[str, Any]) -> None:
    """Store an account."""
    answer = await office.served.ask("PUT", f"/v1/accounts/{key}", json={"facts": facts})
    assert answer.status_code in {200, 201}, answer.text


async def assessment(office: Office, key: str) -> dict[str, Any]:
    """Return how an account stands under the tests' rules."""
    answer = await office.served.ask(
        "GET", f"/v1/accounts/{key}/assessment?rule_set=fleet_accounts"
    )
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["data"]
    told: dict[str, Any] = found
    return told


async def test_an_account_is_judged_on_its_stored_facts(office: Office) -> None:
    """With its key alone, an account's own facts decide, and the decision is found by it."""
    await put(office, "north", NORTH)
    decision = await office.decided(rule_set="fleet_accounts", account_key="north")
    assert (decision["verdict"], decision["outcome"]) == ("qualify", "steady")
    assert decision["subject"] == {"kind": "account", "external_id": None, "account": "north"}
    found = (await office.served.ask("GET", "/v1/decisions?account=north")).json()["data"]
    assert [one["id"] for one in found] == [decision["id"]]
    read = await office.served.ask("GET", f"/v1/decisions/{decision['id']}")
    assert read.json() == decision


async def test_it_keeps_the_current_assessment_and_the_one_before(office: Office) -> None:
    """Each decision becomes the account's assessment and makes the last one the one before."""
    await put(office, "north", NORTH)
    first = await office.decided(rule_set="fleet_accounts", account_key="north")
    now = await assessment(office, "north")
    assert (now["current"]["decision"], now["previous"]) == (first["id"], None)
    await put(office, "north", NORTH | {"vehicles": 3})
    second = await office.decided(rule_set="fleet_accounts", account_key="north")
    assert second["verdict"] == "review"
    now = await assessment(office, "north")
    assert now["current"]["decision"] == second["id"]
    assert now["previous"]["decision"] == first["id"]
    assert (now["current"]["verdict"], now["previous"]["verdict"]) == ("review", "qualify")


@pytest.mark.parametrize("more", [{"dry_run": True}, {"at_version": 1}])
async def test_what_is_only_tried_leaves_no_assessment(
    office: Office, more: dict[str, Any]
) -> None:
    """A dry run, or a version that was asked for, says nothing of how an account stands."""
    await put(office, "north", NORTH)
    await office.decided(rule_set="fleet_accounts", account_key="north", **more)
    answer = await office.served.ask("GET", "/v1/accounts/north/assessment")
    assert answer.json()["data"] == []


async def test_given_facts_leave_no_assessment(office: Office) -> None:
    """Facts in the question are of nobody whom we store."""
    decision = await office.decided(rule_set="fleet_accounts", account=NORTH)
    assert decision["subject"]["account"] is None
    assert decision["verdict"] == "qualify"


async def test_accounts_in_a_batch_are_assessed_together(office: Office) -> None:
    """A batch judges stored accounts, each twice even, and keeps the latest two."""
    for key in ("north", "south"):
        await put(office, key, NORTH)
    question = {"rule_set": "fleet_accounts", "account_key": "north"}
    questions = [question, question | {"account_key": "south"}, question]
    answer = await office.served.ask("POST", "/v1/qualify/batch", json=questions)
    ids = [result["decision"]["id"] for result in answer.json()["data"]]
    north = await assessment(office, "north")
    assert (north["current"]["decision"], north["previous"]["decision"]) == (ids[2], ids[0])
    assert (await assessment(office, "south"))["current"]["decision"] == ids[1]


async def test_a_lead_has_no_account(office: Office) -> None:
    """Rules for leads judge no stored account."""
    await put(office, "north", NORTH)
    answer = await office.qualify(account_key="north")
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_subject")
    assert answer.json()["errors"][0]["pointer"] == "/account_key"


async def test_an_assessment_names_its_version(office: Office) -> None:
    """Under which rules an account stands as it does is part of the assessment."""
    await put(office, "north", NORTH)
    await release(office.served.app.house, edited("points: 20", "points: 21"))
    await office.decided(rule_set="fleet_accounts", account_key="north")
    assert (await assessment(office, "north"))["current"]["version"] == 1
