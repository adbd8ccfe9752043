"""From a vendor's delivery to what is known and decided: kept first, once, in any order."""

import hmac
import json
import random
from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import text

from service.intake.outbound_message import ACKNOWLEDGED
from service.storage import Job, transaction
from tests.delivery.described import as_described
from tests.intake.conftest import Hands
from tests.intake.connected import COMPANY, SECRET, Connected, event
from tests.intake.test_vendors import SOAP

pytestmark = pytest.mark.anyio
EVENTS: Final = 5_000
ACCOUNTS: Final = 200
_HOUR_MS: Final = 3_600_000


async def test_a_delivery_becomes_what_is_known_of_an_account(connected: Connected) -> None:
    """The source is the connection, the time is the event's, and the account is assessed."""
    made = await connected.connect(map=COMPANY)
    await connected.tell(made, event())
    assert await connected.deliveries(made, "waiting")
    await connected.work()
    (delivery,) = await connected.deliveries(made)
    assert (delivery["state"], delivery["tally"]) == ("done", {"items": 1, "created": 1})
    account = (await connected.accounts())["hubspot-998877"]
    assert account["facts"] == {"vehicles": "250"}
    assert account["from"]["vehicles"] == {
        "source": "hubspot",
        "at": "2026-01-01T00:00:00.000000Z",
        "by": "connection hubspot",
    }
    await connected.assess()
    shown = await connected.served.ask("GET", "/v1/accounts/hubspot-998877/assessment")
    assert shown.status_code == 200, shown.text


async def test_an_account_is_found_again_by_its_identity(connected: Connected) -> None:
    """Who gave an account its id in the CRM is told about that account, whatever its key."""
    await connected.served.ask("PUT", "/v1/accounts/north", json={"facts": {}})
    await connected.served.ask("PUT", "/v1/accounts/north/identities/hubspot/998877")
    made = await connected.connect(map=COMPANY)
    await connected.tell(made, event())
    await connected.work()
    assert set(await connected.accounts()) == {"north"}


async def test_a_repeat_has_no_second_effect(connected: Connected) -> None:
    """The same bytes are recognised, and so is the same event in other bytes."""
    made = await connected.connect(map=COMPANY)
    await connected.tell(made, event())
    await connected.tell(made, event())
    await connected.tell(made, event(attemptNumber=2), event(objectId=5))
    await connected.work()
    second, first = await connected.deliveries(made)
    assert first["repeats"] == 1
    assert second["tally"] == {"items": 2, "created": 1, "repeated": 1}


async def test_a_late_word_is_kept_and_does_not_win(connected: Connected) -> None:
    """What happened later stands, whenever we heard of it; that one was late is said."""
    made = await connected.connect(map=COMPANY)
    await connected.tell(made, event(occurredAt=1767225600000, propertyValue="300"))
    await connected.work()
    await connected.tell(made, event(occurredAt=1767139200000, propertyValue="3"))
    await connected.work()
    assert (await connected.accounts())["hubspot-998877"]["facts"] == {"vehicles": "300"}
    late, _ = await connected.deliveries(made)
    assert late["tally"]["late"] == 1


async def test_a_bad_signature_is_refused_and_told_to_the_administrator(
    connected: Connected,
) -> None:
    """A stranger learns nothing; nothing is kept; the connection says why."""
    made = await connected.connect(map=COMPANY)
    for headers in ({}, {"X-HubSpot-Signature-v3": "AAAA", "X-HubSpot-Request-Timestamp": "1"}):
        answer = await connected.served.ask(
            "POST", made["address"], key=None, headers=headers, content=b"[]"
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
        assert "5 min" not in answer.text
    assert await connected.deliveries(made) == []
    health = (await connected.served.ask("GET", f"/v1/connections/{made['id']}")).json()["health"]
    assert "header" in health["last_refused_why"]


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[", b"\xff", b'{"a": 1, "a": 2}', b"7", b"[7]"]
)
async def test_whatever_is_signed_is_taken_and_parked_if_nobody_can_read_it(
    connected: Connected, body: bytes
) -> None:
    """A vendor that is refused sends again for a day, so it never is."""
    made = await connected.connect(map=COMPANY)
    answer = await connected.hubspot(made, body)
    assert answer.status_code == 200, answer.text
    await connected.work()
    (delivery,) = await connected.deliveries(made, "parked")
    assert delivery["problems"][0]["message"]
    whole = await connected.served.ask(
        "GET", f"/v1/connections/{made['id']}/deliveries/{delivery['id']}"
    )
    assert whole.json()["body"] == body.decode("utf-8", "backslashreplace")
    health = (await connected.served.ask("GET", f"/v1/connections/{made['id']}")).json()["health"]
    assert health["parked"] == 1
    assert health["degraded_why"]


async def test_trouble_is_announced_once(connected: Connected) -> None:
    """Whoever listens hears which connection needs somebody, and why; not at every delivery."""
    asked = {"url": "http://127.0.0.1:50009/", "events": ["connection.degraded"]}
    endpoint = await connected.served.ask("POST", "/v1/endpoints", json=asked)
    assert endpoint.status_code == 201, endpoint.text
    made = await connected.connect(map=COMPANY)
    for body in (b"nonsense", b"more of it"):
        await connected.hubspot(made, body)
        await connected.work()
    health = (await connected.served.ask("GET", f"/v1/connections/{made['id']}")).json()["health"]
    async with transaction(connected.served.app.house.engine) as connection:
        rows = await connection.execute(text("SELECT body FROM event"))
        (told,) = [as_described(json.loads(body)) for body in rows.scalars()]
    assert told["type"] == "connection.degraded"
    assert told["data"] == {
        "connection": made["id"],
        "name": made["name"],
        "why": health["degraded_why"],
    }


async def test_a_body_past_the_limit_is_refused(connected: Connected) -> None:
    """1 MB is more than any vendor sends."""
    made = await connected.connect(map=COMPANY)
    assert (await connected.hubspot(made, b"[" + b" " * 1024 * 1024 + b"]")).status_code == 413


async def test_what_a_map_could_not_read_is_read_once_it_is_corrected(connected: Connected) -> None:
    """Of a batch the good items took effect at once and have no second effect then."""
    wrong = {"kinds": {"company": {"id": "objectIdd", "attributes": {"vehicles": "fields.fleet"}}}}
    made = await connected.connect(map=wrong)
    await connected.tell(made, event(), event(objectId=5, objectIdd=5))
    await connected.work()
    (parked,) = await connected.deliveries(made, "parked")
    assert parked["tally"] == {"items": 2, "created": 1, "unmapped": 1}
    assert parked["problems"] == [
        {
            "item": 0,
            "code": "no_id",
            "message": parked["problems"][0]["message"],
            "pointer": "/kinds/company/id",
        }
    ]
    patch = {"map": {"kinds": {"company": {"id": "objectId"}}}}
    await connected.served.ask("PATCH", f"/v1/connections/{made['id']}", json=patch)
    replayed = await connected.served.ask(
        "POST", f"/v1/connections/{made['id']}/deliveries/replay", json={}
    )
    assert replayed.json() == {"replayed": 1}
    await connected.work()
    (done,) = await connected.deliveries(made)
    assert (done["state"], done["problems"]) == ("done", [])
    assert done["tally"] == {"items": 2, "created": 1, "repeated": 1}
    assert set(await connected.accounts()) == {"hubspot-5", "hubspot-998877"}


async def test_a_parked_delivery_can_be_put_aside(connected: Connected) -> None:
    """Some things are nobody's business; they stop being listed as such."""
    made = await connected.connect(map=COMPANY)
    await connected.hubspot(made, b"nonsense")
    await connected.work()
    (parked,) = await connected.deliveries(made, "parked")
    path = f"/v1/connections/{made['id']}/deliveries/{parked['id']}"
    assert (await connected.served.ask("POST", f"{path}/discard")).status_code == 204
    assert await connected.deliveries(made, "parked") == []
    assert (await connected.served.ask("POST", f"{path}/discard")).status_code == 404
    assert (await connected.served.ask("POST", f"{path}/replay")).json() == {"replayed": 1}


LEAD: Final = {
    "kinds": {
        "response": {
            "rule_set": "fleet_leads",
            "attributes": {"email": "fields.email", "vehicles": "fields.vehicles"},
        }
    }
}


def form() -> bytes:
    """Return a form that somebody filled in."""
    answers = [
        {"type": "email", "email": "ann@haulage.example", "field": {"ref": "email"}},
        {"type": "number", "number": 300, "field": {"ref": "vehicles"}},
    ]
    response = {"token": "a3a1", "submitted_at": "2026-01-18T18:17:02Z", "answers": answers}
    return json.dumps({"event_type": "form_response", "form_response": response}).encode()


async def test_a_form_becomes_one_decision_however_often_it_comes(connected: Connected) -> None:
    """A lead is decided by the rules that its kind names, once, also when it is read again."""
    made = await connected.connect("typeform", authentication={"scheme": "bearer"}, map=LEAD)
    for _ in range(2):
        answer = await connected.served.ask("POST", made["address"], key=SECRET, content=form())
        assert answer.status_code == 200, answer.text
    await connected.work()
    replay = f"/v1/connections/{made['id']}/deliveries/replay"
    await connected.served.ask("POST", replay, json={"states": ["done"]})
    await connected.work()
    decisions = (await connected.served.ask("GET", "/v1/decisions")).json()["data"]
    assert [one["subject"]["external_id"] for one in decisions] == ["a3a1"]


async def test_a_lead_without_rules_or_of_which_a_part_is_known_is_parked(
    connected: Connected,
) -> None:
    """An event names one property; a decision on that alone would be a guess."""
    contact = {"attributes": {"email": "fields.email"}}
    made = await connected.connect(map={"kinds": {"contact": contact}})
    told = {"subscriptionType": "contact.propertyChange", "propertyName": "email"}
    await connected.tell(made, event(**told))
    await connected.work()
    (parked,) = await connected.deliveries(made, "parked")
    assert parked["problems"][0]["code"] == "no_rule_set"
    patch = {"map": {"kinds": {"contact": {"rule_set": "fleet_leads"}}}}
    await connected.served.ask("PATCH", f"/v1/connections/{made['id']}", json=patch)
    await connected.served.ask("POST", f"/v1/connections/{made['id']}/deliveries/replay", json={})
    await connected.work()
    (parked,) = await connected.deliveries(made, "parked")
    assert parked["problems"][0]["code"] == "only_a_part"


async def test_a_notice_of_erasure_starts_ours(connected: Connected) -> None:
    """Whom the vendor forgets is forgotten here, and nobody's name waits in the queue."""
    made = await connected.connect(map=COMPANY)
    gone = event(subscriptionType="contact.privacyDeletion", objectId=1246965, propertyName=None)
    await connected.tell(made, gone, event())
    await connected.work(Job.TRANSLATE_INTAKE)
    async with transaction(connected.served.app.house.engine) as connection:
        args = (await connection.execute(text("SELECT args::text FROM procrastinate_jobs"))).all()
    assert not any("1246965" in row[0] for row in args)
    await connected.work()
    (erasure,) = (await connected.served.ask("GET", "/v1/erasures")).json()["data"]
    assert (erasure["cause"], erasure["state"]) == ("notice", "queued")
    (delivery,) = await connected.deliveries(made)
    assert delivery["tally"] == {"items": 2, "created": 1, "erasures": 1}


async def test_segments_word_to_delete_starts_ours_too(connected: Connected) -> None:
    """Of a batch, whom it says to forget is forgotten; the first event signs for all."""
    made = await connected.connect("segment")
    batch = [
        {"type": "delete", "userId": "u-1246965", "messageId": "1"},
        {"type": "track", "event": "Opened", "userId": "u2", "messageId": "2"},
    ]
    first = json.dumps(batch[0]).encode()
    body = b"[" + first + b", " + json.dumps(batch[1]).encode() + b"]"
    headers = {
        "X-Signature": hmac.digest(SECRET.encode(), first, "sha1").hex(),
        "Content-Type": "application/json",
    }
    path = made["address"].removeprefix("https://goodfit.example.com")
    told = await connected.served.ask("POST", path, key=None, headers=headers, content=body)
    assert told.status_code == 200, told.text
    await connected.work()
    (erasure,) = (await connected.served.ask("GET", "/v1/erasures")).json()["data"]
    assert (erasure["cause"], erasure["state"]) == ("notice", "queued")


async def test_an_outbound_message_is_acknowledged_as_salesforce_wants_it(
    connected: Connected,
) -> None:
    """Exact bytes, also for what nobody can read: anything else is sent again for a day."""
    told = {"kinds": {"account": {"attributes": {"vehicles": "fields.NumberOfEmployees"}}}}
    made = await connected.connect("salesforce", map=told, secrets={})
    path = made["address"].removeprefix("https://goodfit.example.com")
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    for body in (SOAP.encode(), SOAP.encode(), b"<nonsense/>"):
        answer = await connected.served.ask("POST", path, key=None, headers=headers, content=body)
        assert (answer.status_code, answer.content) == (200, ACKNOWLEDGED)
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    stranger = await connected.served.ask(
        "POST", path[:-1] + "x", key=None, headers=headers, content=SOAP.encode()
    )
    assert stranger.status_code == 401
    await connected.work()
    assert (await connected.accounts())["salesforce-0015g00000LmNoPEAV"]["facts"] == {
        "vehicles": "250"
    }
    parked, done = await connected.deliveries(made)
    assert (parked["state"], done["state"], done["repeats"]) == ("parked", "done", 1)


async def test_trying_a_payload_shows_all_and_keeps_nothing(connected: Connected) -> None:
    """What the map makes of it and what would be decided; also by a map that is not kept yet."""
    made = await connected.connect("typeform", map=LEAD)
    payload = json.loads(form())
    path = f"/v1/connections/{made['id']}/try"
    (item,) = (await connected.served.ask("POST", path, json={"payload": payload})).json()["items"]
    assert item["facts"] == {"email": "ann@haulage.example", "vehicles": 300}
    assert item["decision"]["verdict"]
    wrong = {"kinds": {"response": {"key": "nothing"}}}
    tried = await connected.served.ask("POST", path, json={"payload": payload, "map": wrong})
    (item,) = tried.json()["items"]
    assert item["problem"]["pointer"] == "/kinds/response/key"
    bad = {"kinds": {"response": {"key": "["}}}
    refused = await connected.served.ask("POST", path, json={"payload": payload, "map": bad})
    assert refused.status_code == 422
    assert (await connected.served.ask("GET", "/v1/decisions")).json()["data"] == []
    assert await connected.deliveries(made) == []


def _shuffled(
    chance: random.Random,
) -> tuple[list[dict[str, object]], list[list[dict[str, object]]]]:
    """Return events in the order in which they happened, and batches in which they arrive."""
    told = [
        event(
            number,
            objectId=chance.randrange(ACCOUNTS),
            occurredAt=1767225600000 + number * 60_000,
            propertyName=chance.choice(("fleet", "paid")),
            propertyValue=chance.choice((str(chance.randrange(500)), "", "true")),
        )
        for number in range(EVENTS)
    ]
    late = {int(str(one["eventId"])) for one in chance.sample(told, EVENTS // 50)}

    def arrives(one: dict[str, object]) -> float:
        place = int(str(one["eventId"]))
        return place + chance.uniform(-90, 90) + (1_440 if place in late else 0)

    arriving = sorted(told, key=arrives)
    for _ in range(EVENTS // 10):
        again = dict(chance.choice(told)) | {"attemptNumber": 1}
        arriving.insert(chance.randrange(len(arriving)), again)
    return told, [arriving[at : at + 100] for at in range(0, len(arriving), 100)]


async def test_events_in_any_order_come_to_what_they_would_in_order(connected: Connected) -> None:
    """5,000 events over 200 accounts, shuffled, a tenth repeated, some a day late."""
    told, batches = _shuffled(random.Random(6))
    made = await connected.connect(map=COMPANY)
    for batch in batches:
        await connected.tell(made, *batch)
    await connected.work()
    expected: dict[str, dict[str, object]] = {}
    for one in told:
        facts = expected.setdefault(f"hubspot-{one['objectId']}", {})
        name = "vehicles" if one["propertyName"] == "fleet" else "paid"
        facts.pop(name, None)
        if one["propertyValue"]:
            facts[name] = one["propertyValue"]
    assert {key: one["facts"] for key, one in (await connected.accounts()).items()} == expected
    deliveries = (
        await connected.served.ask("GET", f"/v1/connections/{made['id']}/deliveries?limit=200")
    ).json()["data"]
    assert {one["state"] for one in deliveries} == {"done"}
    assert sum(one["tally"].get("late", 0) for one in deliveries) > 0
    assert sum(one["tally"].get("repeated", 0) for one in deliveries) == EVENTS // 10


async def test_a_delivery_is_kept_with_the_job_that_reads_it(
    connected: Connected, hands: Hands
) -> None:
    """One transaction: there is no delivery that nobody will read, and none is read before."""
    hands.ahead = timedelta(seconds=1)
    made = await connected.connect(map=COMPANY)
    await connected.tell(made, event())
    async with transaction(connected.served.app.house.engine) as connection:
        jobs = (await connection.execute(text("SELECT args FROM procrastinate_jobs"))).scalars()
        kept = (await connection.execute(text("SELECT id FROM intake_delivery"))).scalars()
        assert [job["delivery"] for job in jobs] == [str(one) for one in kept]
