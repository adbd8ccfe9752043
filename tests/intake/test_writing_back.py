"""Decisions written back to vendors: what changed, in batches, whatever mood the vendor is in."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.storage import Job
from tests.intake.conftest import Hands
from tests.intake.connected import COMPANY, SECRET, Connected, event
from tests.intake.fake_vendors import FakeVendor, Mood, serving_vendor

pytestmark = pytest.mark.anyio
PROPERTIES: Final = {
    "verdict": "icp_verdict",
    "score:value": "icp_value",
    "decision": "icp_decision_id",
}


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    """Return a vendor's API."""
    async with serving_vendor() as vendor:
        yield vendor


async def connect(connected: Connected, vendor: FakeVendor, **members: object) -> dict[str, Any]:
    """Make a connection that writes account verdicts into the vendor's companies."""
    target = {"rule_set": "fleet_accounts", "object": "companies", "properties": PROPERTIES}
    writes = {"url": vendor.url, "targets": [target]}
    secrets = {"signing": [SECRET], "access_token": "pat"}
    told: dict[str, Any] = {"map": COMPANY, "writes": writes, "secrets": secrets}
    return await connected.connect(**(told | members))


async def told_of(
    connected: Connected, made: dict[str, Any], vendor: FakeVendor, count: int
) -> None:
    """Let the vendor tell of *count* companies, and have them assessed."""
    vendor.records["companies"] = {str(own): {} for own in range(count)}
    events = [event(own, objectId=own, propertyValue=str(own)) for own in range(count)]
    for start in range(0, count, 100):
        await connected.tell(made, *events[start : start + 100])
    await connected.work(Job.TRANSLATE_INTAKE)
    await connected.assess()


def batches(vendor: FakeVendor) -> list[list[str]]:
    """Return the ids of each batch that HubSpot was told of."""
    asked = [sent for _, path, sent in vendor.asked if path.endswith("/batch/update")]
    return [[one["id"] for one in sent["inputs"]] for sent in asked]


def answering(status: int, content: Any = None, **headers: str) -> Mood:  # noqa: ANN401 - JSON
    """Return a mood in which a vendor does nothing and says so."""

    def mood(*_: object) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(content, bytes):
            return Response(content, status, named)
        return JSONResponse(content, status, named)

    return mood


def half(vendor: FakeVendor, _: Request, sent: Any) -> Response:  # noqa: ANN401 - JSON
    """Do the first half of a batch and mention nothing else."""
    inputs = sent["inputs"][: len(sent["inputs"]) // 2]
    for one in inputs:
        vendor.put("companies", one["id"], one["properties"])
    return JSONResponse({"results": [{"id": one["id"]} for one in inputs]})


async def test_assessments_are_written_in_batches_and_once(
    connected: Connected, vendor: FakeVendor
) -> None:
    """A hundred at a time; nothing is written again while nothing changes."""
    made = await connect(connected, vendor)
    await told_of(connected, made, vendor, 120)
    await connected.work()
    assert [len(one) for one in batches(vendor)] == [100, 20]
    assert vendor.records["companies"]["110"]["icp_value"] == "60"
    assert vendor.records["companies"]["110"]["icp_verdict"] == "qualify"
    assert vendor.records["companies"]["110"]["icp_decision_id"].startswith("dec_")
    assert {one["state"] for one in await connected.writes(made)} == {"written"}
    vendor.asked.clear()
    await connected.tell(made, event(900, objectId=7, propertyValue="8"))
    await connected.work(Job.TRANSLATE_INTAKE)
    await connected.assess()
    await connected.work()
    assert batches(vendor) == []


async def test_a_vendor_that_echoes_every_change_makes_no_loop(
    connected: Connected, vendor: FakeVendor, hands: Hands
) -> None:
    """What we wrote comes back as news of our own making, and ends there."""
    made = await connect(connected, vendor)
    await told_of(connected, made, vendor, 5)
    for turn in range(4):
        hands.ahead += timedelta(minutes=1)
        await connected.work()
        echoes = [
            event(1_000 * turn + place, objectId=own, propertyName=name, propertyValue=value)
            for place, (_, own, values) in enumerate(vendor.changes)
            for name, value in values.items()
        ]
        vendor.changes.clear()
        if echoes:
            await connected.tell(made, *echoes)
        await connected.assess()
    assert len(batches(vendor)) == 1
    assert vendor.changes == []
    newest, *_ = await connected.deliveries(made)
    assert newest["tally"] == {"items": 15, "skipped_our_own": 15}


@pytest.mark.parametrize(
    "spell",
    [
        (answering(500, {"message": "oops"}), "out of order", 10),
        (answering(502, b"<html>bad gateway</html>"), "out of order", 10),
        (answering(429, {"policyName": "DAILY"}, retry_after="120"), "asks us to wait", 120),
        (
            answering(429, None, x_hubspot_ratelimit_interval_milliseconds="3000"),
            "asks us to wait",
            3,
        ),
        (answering(477, None, retry_after="3600"), "asks us to wait", 3600),
        (answering(401, {"category": "INVALID_AUTHENTICATION"}), "access token", 10),
        (answering(200, b"garbage"), "something else", 20),
        (answering(200, {"results": "garbage", "errors": 7}), "does not mention", 20),
        (answering(302, None, location="http://127.0.0.1:1/"), "something else", 20),
        (half, "does not mention", 20),
    ],
)
async def test_a_vendor_in_any_mood_loses_and_doubles_nothing(
    connected: Connected, vendor: FakeVendor, hands: Hands, spell: tuple[Mood, str, int]
) -> None:
    """What was not taken waits, says why, and is written when the vendor is well again."""
    mood, words, wait_s = spell
    made = await connect(connected, vendor)
    await told_of(connected, made, vendor, 10)
    vendor.moods = [mood]
    await connected.work()
    waiting = [one for one in await connected.writes(made) if one["state"] == "waiting"]
    assert waiting
    assert all(words in one["problem"] for one in waiting), waiting[0]["problem"]
    asked = len(vendor.asked)
    hands.ahead += timedelta(seconds=wait_s * 0.5)
    await connected.work()
    assert len(vendor.asked) == asked, "it was asked again before its time"
    for _ in range(3):
        hands.ahead += timedelta(seconds=max(wait_s, 30))
        await connected.work()
    assert {one["state"] for one in await connected.writes(made)} == {"written"}
    written = [own for kind, own, _ in vendor.changes if kind == "companies"]
    assert sorted(written) == sorted({*written}), "nothing was told twice"
    assert len(written) == 10
    health = (await connected.served.ask("GET", f"/v1/connections/{made['id']}")).json()["health"]
    assert health["degraded_at"] is None


async def test_one_bad_record_is_parked_and_keeps_no_other_from_being_written(
    connected: Connected, vendor: FakeVendor, hands: Hands
) -> None:
    """A record that is gone, and one that spoils a whole batch, are found and explained."""
    made = await connect(connected, vendor)
    await told_of(connected, made, vendor, 10)
    del vendor.records["companies"]["3"]

    def picky(_: FakeVendor, __: Request, sent: Any) -> Response | None:  # noqa: ANN401 - JSON
        if any(one["id"] == "7" for one in sent["inputs"]):
            told = {"status": "error", "category": "VALIDATION_ERROR", "message": "no such option"}
            return JSONResponse(told, 400)
        return None

    vendor.moods = [picky] * 12
    await connected.work()
    writes = {one["external_id"]: one for one in await connected.writes(made)}
    assert {own for own, one in writes.items() if one["state"] == "parked"} == {"3", "7"}
    assert "not in HubSpot any more" in writes["3"]["problem"]
    assert "no such option" in writes["7"]["problem"]
    health = (await connected.served.ask("GET", f"/v1/connections/{made['id']}")).json()["health"]
    assert "could not be written" in health["degraded_why"]
    vendor.moods = []
    vendor.records["companies"]["3"] = {}
    retried = await connected.served.ask("POST", f"/v1/connections/{made['id']}/writes/retry")
    assert retried.json() == {"replayed": 2}
    hands.ahead += timedelta(seconds=1)
    await connected.work()
    assert {one["state"] for one in await connected.writes(made)} == {"written"}


async def test_the_set_up_call_makes_the_properties_once(
    connected: Connected, vendor: FakeVendor
) -> None:
    """Whoever calls it again is told that they are there."""
    made = await connect(connected, vendor)
    path = f"/v1/connections/{made['id']}/set-up"
    first = (await connected.served.ask("POST", path)).json()["properties"]
    assert first == dict.fromkeys(PROPERTIES.values(), "made")
    again = (await connected.served.ask("POST", path)).json()["properties"]
    assert again == dict.fromkeys(PROPERTIES.values(), "there")
    types = {sent["name"]: sent["type"] for _, _, sent in vendor.asked}
    assert types["icp_value"] == "number"
    vendor.moods = [answering(403, {})]
    refused = await connected.served.ask("POST", path)
    assert (refused.status_code, refused.json()["code"]) == (409, "vendor_unavailable")


async def test_a_contact_is_fetched_whole_decided_and_told(
    connected: Connected, vendor: FakeVendor, hands: Hands
) -> None:
    """An event names one property; with an access token the rest is read, then decided."""
    vendor.records["contacts"] = {
        "614": {"email": "ann@haulage.example", "fleet": "300", "updatedAt": "2026-01-02T00:00:00Z"}
    }
    attributes = {"email": "fields.email", "vehicles": "fields.fleet"}
    contact = {"rule_set": "fleet_leads", "attributes": attributes}
    target = {
        "rule_set": "fleet_leads",
        "object": "contacts",
        "properties": {"verdict": "icp_verdict"},
    }
    made = await connect(
        connected,
        vendor,
        map={"kinds": {"contact": contact}},
        writes={"url": vendor.url, "targets": [target]},
    )
    told = {"subscriptionType": "contact.propertyChange", "objectId": 614, "propertyName": "email"}
    await connected.tell(made, event(1, **told), event(2, **told, occurredAt=1767225600001))
    vendor.moods = [answering(500, {})]
    await connected.work(Job.TRANSLATE_INTAKE)
    (delivery,) = await connected.deliveries(made, "waiting")
    health = (await connected.served.ask("GET", f"/v1/connections/{made['id']}")).json()["health"]
    assert "out of order" in health["degraded_why"]
    assert await connected.work(Job.TRANSLATE_INTAKE) == 0, "it is read when HubSpot is well again"
    hands.ahead += timedelta(seconds=11)
    await connected.work()
    assert [one["id"] for one in await connected.deliveries(made, "done")] == [delivery["id"]]
    read = [sent for _, path, sent in vendor.asked if path.endswith("/batch/read")]
    assert read[-1]["inputs"] == [{"id": "614"}]
    assert read[-1]["properties"] == ["email", "fleet"]
    (decision,) = (await connected.served.ask("GET", "/v1/decisions")).json()["data"]
    assert decision["subject"]["external_id"] == "hubspot-614"
    assert vendor.records["contacts"]["614"]["icp_verdict"] == decision["verdict"]


async def test_after_an_outage_everything_that_changed_is_fetched(
    connected: Connected, vendor: FakeVendor, hands: Hands
) -> None:
    """What HubSpot could not deliver in a day it does not send again: it is searched in pages."""
    vendor.records["companies"] = {
        str(own): {
            "fleet": str(own),
            "ms": 1767225600000 + own,
            "updatedAt": f"2026-01-01T00:00:00.{own:03d}Z",
        }
        for own in range(250)
    }
    made = await connect(connected, vendor)
    answer = await connected.served.ask(
        "POST", f"/v1/connections/{made['id']}/resync", json={"since": "2026-01-01T00:00:00.050Z"}
    )
    assert answer.status_code == 202, answer.text
    for _ in range(4):
        hands.ahead += timedelta(seconds=2)
        await connected.work()
    accounts = await connected.accounts()
    assert len(accounts) == 200
    assert accounts["hubspot-249"]["facts"] == {"vehicles": "249"}
    searches = [sent for _, path, sent in vendor.asked if path.endswith("/search")]
    assert [one.get("after") for one in searches] == [None, "100"]


SALESFORCE: Final = {"kinds": {"account": {"attributes": {"vehicles": "fields.Fleet__c"}}}}


async def _account_in(connected: Connected, system: str, own: str) -> None:
    await connected.served.ask("PUT", f"/v1/accounts/{own}", json={"facts": {"vehicles": 300}})
    await connected.served.ask("PUT", f"/v1/accounts/{own}/identities/{system}/{own}")


async def test_salesforce_is_told_as_an_integration_of_its_own(
    connected: Connected, vendor: FakeVendor, hands: Hands
) -> None:
    """Client credentials, two hundred records at a time, each with a result of its own."""
    vendor.records["Account"] = {"001a": {}}
    properties = {"verdict": "ICP_Verdict__c", "score:value": "ICP_Value__c"}
    target = {"rule_set": "fleet_accounts", "object": "Account", "properties": properties}
    made = await connected.connect(
        "salesforce",
        map=SALESFORCE,
        writes={"url": vendor.url, "targets": [target]},
        secrets={"client_id": "app", "client_secret": "wrong"},
    )
    for own in ("001a", "001gone"):
        await _account_in(connected, "salesforce", own)
    await connected.assess()
    await connected.work()
    health = (await connected.served.ask("GET", f"/v1/connections/{made['id']}")).json()["health"]
    assert "client credentials" in health["degraded_why"]
    right = {"secrets": {"client_secret": "right"}}
    await connected.served.ask("PATCH", f"/v1/connections/{made['id']}", json=right)
    hands.ahead += timedelta(minutes=1)
    await connected.work()
    assert vendor.records["Account"]["001a"] == {"ICP_Verdict__c": "qualify", "ICP_Value__c": 60}
    writes = {one["external_id"]: one for one in await connected.writes(made)}
    assert (writes["001a"]["state"], writes["001gone"]["state"]) == ("written", "parked")
    assert "not in Salesforce any more" in writes["001gone"]["problem"]


async def test_pipedrive_is_told_one_record_at_a_time_until_it_asks_us_to_wait(
    connected: Connected, vendor: FakeVendor, hands: Hands
) -> None:
    """What was taken is not told again; the rest is, later."""
    vendor.records["organizations"] = {str(own): {} for own in range(4)}
    target = {
        "rule_set": "fleet_accounts",
        "object": "organizations",
        "properties": {"verdict": "a" * 40},
    }
    made = await connected.connect(
        "pipedrive",
        map={"kinds": {"organization": {"attributes": {"vehicles": "fields.fleet"}}}},
        writes={"url": vendor.url, "targets": [target]},
        secrets={"signing": ["goodfit:pw"], "access_token": "t"},
    )
    for own in range(4):
        await _account_in(connected, "pipedrive", str(own))
    await connected.assess()
    vendor.moods = [lambda *_: None, lambda *_: None, answering(429, {}, retry_after="5")]
    await connected.work()
    states = [one["state"] for one in await connected.writes(made)]
    assert sorted(states) == ["waiting", "waiting", "written", "written"]
    hands.ahead += timedelta(minutes=1)
    await connected.work()
    assert {one["state"] for one in await connected.writes(made)} == {"written"}
    assert len(vendor.changes) == 4
