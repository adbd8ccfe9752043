"""A vendor that waits gets the verdict as its answer: HubSpot's custom action and workflow."""

import hashlib
import json
from typing import Any, Final

import httpx
import pytest

from service.storage import Job
from tests.decisions.rules import LARGE_FLEET
from tests.intake.connected import SECRET, Connected

pytestmark = pytest.mark.anyio
MAP: Final = {
    "kinds": {
        "company": {"rule_set": "fleet_accounts", "attributes": {"vehicles": "fields.fleet"}},
        "contact": {
            "rule_set": "fleet_leads",
            "attributes": {
                name: {"path": f"fields.{name}", "split": ";"}
                if name == "tools"
                else f"fields.{name}"
                for name in LARGE_FLEET
            },
        },
    }
}
CONTACT: Final = {name: str(value) for name, value in LARGE_FLEET.items()} | {"tools": ""}


def action(number: int = 11, /, **members: object) -> dict[str, object]:
    """Return what a block in a workflow sends of one contact."""
    told: dict[str, object] = {
        "callbackId": f"ap-102670506-56777914962-{number}-0",
        "origin": {"portalId": 102670506, "actionDefinitionId": 10860211},
        "context": {"source": "WORKFLOWS", "workflowId": 192814114},
        "object": {"objectId": 614, "objectType": "CONTACT", "properties": CONTACT},
        "inputFields": {},
    }
    return told | members


async def asked(connected: Connected, made: dict[str, Any], sent: object) -> httpx.Response:
    """Send *sent* as workflows do, signed with version 2."""
    path = made["address"].removeprefix("https://goodfit.example.com")
    body = json.dumps(sent).encode()
    signed = SECRET.encode() + b"POSThttps://goodfit.example.com" + path.encode() + body
    headers = {
        "X-HubSpot-Signature": hashlib.sha256(signed).hexdigest(),
        "X-HubSpot-Signature-Version": "v2",
        "Content-Type": "application/json",
    }
    return await connected.served.ask("POST", path, key=None, headers=headers, content=body)


async def fields(connected: Connected, made: dict[str, Any], sent: object) -> dict[str, str]:
    """Return the output fields that are answered."""
    answer = await asked(connected, made, sent)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert list(told) == ["outputFields"]
    found: dict[str, str] = told["outputFields"]
    assert all(isinstance(value, str) for value in found.values())
    return found


async def decisions(connected: Connected) -> list[dict[str, Any]]:
    """Return all decisions."""
    found: list[dict[str, Any]] = (await connected.served.ask("GET", "/v1/decisions")).json()[
        "data"
    ]
    return found


async def test_a_custom_action_is_answered_with_the_decision(connected: Connected) -> None:
    """The workflow branches on it at once; it is the decision that is kept, and there is one."""
    made = await connected.connect(map=MAP)
    told = await fields(connected, made, action())
    (decision,) = await decisions(connected)
    assert told["icp_decision_id"] == decision["id"]
    assert told["icp_verdict"] == decision["verdict"] == "qualify"
    assert told["icp_outcome"] == decision["outcome"]
    assert told["icp_score"].isdigit()
    assert told["icp_rule_version"] == "1"
    assert told["hs_execution_state"] == "SUCCESS"
    assert decision["subject"]["external_id"] == "hubspot-614"
    (delivery,) = await connected.deliveries(made, "done")
    assert delivery["tally"] == {"items": 1, "decided": 1}


async def test_an_attempt_that_is_repeated_gets_the_same_answer(connected: Connected) -> None:
    """Equal bytes, or other ones of the same callback, before and after the worker looked."""
    made = await connected.connect(map=MAP)
    first = await fields(connected, made, action())
    assert await fields(connected, made, action()) == first
    await connected.work(Job.TRANSLATE_INTAKE)
    assert await fields(connected, made, action(context={"workflowId": 2})) == first
    assert len(await decisions(connected)) == 1
    assert await fields(connected, made, action(12)) != first
    assert len(await decisions(connected)) == 2


async def test_a_company_is_kept_decided_and_answered(connected: Connected) -> None:
    """What it says is known of the account from then on, and judged with all that was known."""
    await connected.served.ask("PUT", "/v1/accounts/north", json={"facts": {"paid": True}})
    await connected.served.ask("PUT", "/v1/accounts/north/identities/hubspot/7")
    made = await connected.connect(map=MAP)
    company = {"objectId": 7, "objectType": "COMPANY", "properties": {"fleet": "300"}}
    told = await fields(connected, made, action(object=company))
    assert (told["icp_verdict"], told["icp_score"]) == ("qualify", "90")
    assert (await connected.accounts())["north"]["facts"] == {"paid": True, "vehicles": "300"}
    assert (await fields(connected, made, action(object=company))) == told
    (decision,) = await decisions(connected)
    assert decision["subject"]["account"] == "north"


async def test_a_workflow_that_sends_the_whole_contact_is_answered_too(
    connected: Connected,
) -> None:
    """It has no callback and no id of its own: each is a question of its own."""
    made = await connected.connect(map=MAP)
    values = {name: {"value": value} for name, value in CONTACT.items()}
    sent = {"vid": 614, "portal-id": 33, "properties": values}
    told = await fields(connected, made, sent)
    assert (told["icp_verdict"], told["hs_execution_state"]) == ("qualify", "SUCCESS")
    (decision,) = await decisions(connected)
    assert decision["id"] == told["icp_decision_id"]


async def test_what_cannot_be_decided_lets_the_workflow_go_on(connected: Connected) -> None:
    """It is told as a failure with its reason, and parked; not to know is no `disqualify`."""
    made = await connected.connect(map=MAP)
    deal = {"objectId": 9, "objectType": "DEAL", "properties": {}}
    for number, sent, words in (
        (1, action(1, inputFields={"rule_set": "nobodys"}), "no rule set"),
        (2, action(2, object={"objectType": "CONTACT", "properties": CONTACT}), "no id"),
        (3, action(3, object=deal), "reads nothing"),
    ):
        told = await fields(connected, made, sent)
        assert words in told["icp_summary"], number
        assert told["icp_verdict"] == "undecided"
        assert told["hs_execution_state"] == "FAIL_CONTINUE"
    assert await decisions(connected) == []
    assert len(await connected.deliveries(made, "parked")) == 2


async def test_an_action_names_its_rules_and_events_are_only_received(
    connected: Connected,
) -> None:
    """One block, several rule sets; the list that an app's webhooks send is read afterwards."""
    unnamed = {"kinds": {"contact": {**MAP["kinds"]["contact"], "rule_set": None}}}
    made = await connected.connect(map=unnamed)
    told = await fields(connected, made, action(inputFields={"rule_set": "fleet_leads"}))
    assert told["hs_execution_state"] == "SUCCESS"
    answer = await asked(connected, made, [action(12)])
    assert list(answer.json()) == ["received"]
    assert len(await decisions(connected)) == 1
