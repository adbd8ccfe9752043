"""What came through forms and vendors, and went back to them, is gone after an erasure as well."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from io import StringIO
from typing import Any, Final

import pytest
from sqlalchemy import text

from service.privacy import erase_next
from service.privacy.working import look_once
from service.storage import Job, transaction
from tests.intake.conftest import Hands
from tests.intake.connected import COMPANY as COMPANIES
from tests.intake.connected import SECRET, Connected, event
from tests.intake.fake_vendors import FakeVendor, serving_vendor
from tests.privacy.lives import MARK, erased, eraser_of, traces

pytestmark = pytest.mark.anyio

EMAIL: Final = "Ann.ZZcanary@zzcanary.example"
CONTACT: Final = "zzcanary-614"
COMPANY: Final = "zzcanary-77"
PAGE: Final = "https://www.haulage.example"
LEFT_IN: Final = {
    "account.facts",
    "account.key",
    "account_identity.external_id",
    "decision.external_id",
    "decision.facts",
    "form_visit.facts",
    "idempotency.answer",
    "intake_delivery.body",
    "intake_lead.key",
    "write_back.external_id",
}
"""Where these ways in and out leave traces: without them, to find none would prove nothing."""


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    """Return HubSpot, which knows the contact and the company."""
    async with serving_vendor() as vendor:
        at = "2026-01-02T00:00:00Z"
        contact = {"email": EMAIL, "fleet": "300", "updatedAt": at}
        vendor.records = {"contacts": {CONTACT: contact}, "companies": {COMPANY: {}}}
        yield vendor


async def hubspot(connected: Connected, vendor: FakeVendor) -> dict[str, Any]:
    """Connect HubSpot, both ways."""
    lead = {"email": "fields.email", "vehicles": "fields.fleet", "country": "fields.country"}
    account = {"vehicles": "fields.fleet", "site": "fields.domain"}
    kinds = {
        "contact": {"rule_set": "fleet_leads", "attributes": lead},
        "company": {"rule_set": "fleet_accounts", "attributes": account},
    }
    told = {"verdict": "icp_verdict"}
    targets = [
        {"rule_set": "fleet_leads", "object": "contacts", "properties": told},
        {"rule_set": "fleet_accounts", "object": "companies", "properties": told},
    ]
    return await connected.connect(
        map={"kinds": kinds},
        writes={"url": vendor.url, "targets": targets},
        secrets={"signing": [SECRET], "access_token": "pat"},
    )


async def visit(connected: Connected) -> None:
    """Fill in a form on a page, in two steps."""
    key = await connected.served.new_key(kind="publishable", rule_set="fleet_leads", origins=[PAGE])
    headers = {"Origin": PAGE}
    for lead in ({"email": EMAIL}, {"email": EMAIL, "vehicles": 25}):
        answer = await connected.served.ask(
            "POST", "/v1/qualify", key=key, headers=headers, json={"lead": lead}
        )
        assert answer.status_code == 200, answer.text
        headers["Goodfit-Visit"] = answer.headers["goodfit-visit"]


async def ask_as_workflow(connected: Connected, made: dict[str, Any]) -> None:
    """Ask for the verdict on the contact, as a block in a workflow does."""
    properties = {"email": EMAIL, "fleet": "20", "country": "Zzcanaria"}
    item = {"objectId": CONTACT, "objectType": "CONTACT", "properties": properties}
    body = json.dumps({"callbackId": f"ap-{MARK}", "object": item}).encode()
    path = made["address"].removeprefix("https://goodfit.example.com")
    signed = SECRET.encode() + b"POSThttps://goodfit.example.com" + path.encode() + body
    headers = {
        "X-HubSpot-Signature": hashlib.sha256(signed).hexdigest(),
        "X-HubSpot-Signature-Version": "v2",
    }
    answer = await connected.served.ask("POST", path, key=None, headers=headers, content=body)
    assert answer.json()["outputFields"]["hs_execution_state"] == "SUCCESS"


async def live(connected: Connected, vendor: FakeVendor, hands: Hands) -> dict[str, Any]:
    """Have the two come in every way there is, and be told of."""
    await visit(connected)
    made = await hubspot(connected, vendor)
    await ask_as_workflow(connected, made)
    changed = {"subscriptionType": "contact.propertyChange", "objectId": CONTACT}
    changed |= {"propertyName": "email", "propertyValue": EMAIL}
    company = {"objectId": COMPANY, "propertyName": "domain", "propertyValue": f"{MARK}.example"}
    nobody = event(9, objectId=None, propertyValue=f"Write to {EMAIL}", propertyName="domain")
    await connected.tell(made, event(1, **changed), event(2, **company))
    await connected.tell(made, nobody)
    for _ in range(3):
        hands.ahead += timedelta(minutes=1)
        await connected.work()
        await connected.assess()
    assert {kind for kind, _, _ in vendor.changes} == {"contacts", "companies"}
    assert len(await connected.deliveries(made, "parked")) == 1
    return made


async def test_no_trace_is_left_of_what_vendors_and_visitors_told(
    connected: Connected,
    vendor: FakeVendor,
    hands: Hands,
    database_url: str,
    written: StringIO,
) -> None:
    """Visits, deliveries read and parked, answers to workflows, late words and write-backs."""
    served = connected.served
    made = await live(connected, vendor, hands)
    assert set(traces(database_url)) >= LEFT_IN
    # HubSpot's notice names the contact by its id alone.
    gone = event(20, subscriptionType="contact.privacyDeletion", objectId=CONTACT)
    await connected.tell(made, gone)
    await connected.work()
    assert await erase_next(eraser_of(served))
    assert await _written_back(connected) == {COMPANY}
    await erased(served, {"email": EMAIL})
    await erased(served, {"identity": {"system": "hubspot", "id": COMPANY}})
    assert traces(database_url) == {}
    assert MARK not in written.getvalue().lower()
    paths = [
        *("/v1/decisions?limit=200", "/v1/accounts", "/v1/audit?limit=200", "/metrics"),
        *(f"/v1/connections/{made['id']}{part}" for part in ("", "/deliveries", "/writes")),
        *(
            f"/v1/connections/{made['id']}/deliveries/{one['id']}"
            for one in await connected.deliveries(made)
        ),
    ]
    shown = "".join([(await served.ask("GET", path)).text for path in paths]).lower()
    assert MARK not in shown
    export = await served.ask("GET", f"/v1/subjects/export?email={EMAIL}")
    assert CONTACT not in export.text


async def test_what_came_as_it_came_goes_after_its_days(
    connected: Connected, hands: Hands, database_url: str
) -> None:
    """Read or parked, a body is cleared after 30 days; one that nobody has read yet is kept."""
    served = connected.served
    made = await connected.connect(map=COMPANIES)
    told = {"propertyName": "fleet", "propertyValue": MARK}
    await connected.tell(made, event(1, **told))
    await connected.hubspot(made, f"nonsense of {MARK}".encode())
    await connected.work()
    hands.ahead = timedelta(days=29)
    assert await look_once(served.app.house)
    assert await erase_next(eraser_of(served))
    assert len(await connected.deliveries(made, "parked")) == 1
    await connected.tell(made, event(2, objectId=5, **told))
    hands.ahead = timedelta(days=60)
    assert await look_once(served.app.house)
    assert await erase_next(eraser_of(served))
    states = [one["state"] for one in await connected.deliveries(made)]
    assert states == ["waiting", "erased", "erased"]
    assert traces(database_url)["intake_delivery.body"] == 1
    *_, first = await connected.deliveries(made)
    path = f"/v1/connections/{made['id']}/deliveries/{first['id']}"
    assert (await served.ask("GET", path)).json()["body"] is None
    assert (await served.ask("POST", f"{path}/replay")).status_code == 404
    await connected.work(Job.TRANSLATE_INTAKE)
    assert len(await connected.deliveries(made, "done")) == 1


async def _written_back(connected: Connected) -> set[str]:
    async with transaction(connected.served.app.house.engine) as connection:
        return set((await connection.execute(text("SELECT external_id FROM write_back"))).scalars())
