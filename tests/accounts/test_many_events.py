"""Many events at once: each entered, recognised, parked or refused for itself."""

import json
from decimal import Decimal
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.accounts.ledger import NORTH, SOUTH, enter, event, sums
from tests.accounts.test_accounts import problem_of

pytestmark = pytest.mark.anyio

VISIT = {"title": "A visit", "quantities": {"hours": {"type": "number", "required": True}}}


@pytest.fixture(autouse=True)
async def accounts(client: AsyncClient) -> None:
    """Keep two accounts to enter events for."""
    for path in (NORTH, SOUTH):
        await client.put(path, json={"facts": {}})


def line(number: int, kind: str = "revenue", /, **members: object) -> dict[str, Any]:
    """Return one event of north's among many."""
    return event(kind, **({"event_id": f"inv-{number}", "account": "north-haulage"} | members))


async def send(client: AsyncClient, *lines: object) -> list[dict[str, Any]]:
    """Send an array and return the results."""
    answer = await client.post("/v1/events", content=json.dumps(lines))
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    assert [one["line"] for one in data] == list(range(1, len(lines) + 1))
    return data


async def stream(client: AsyncClient, *lines: object) -> Response:
    """Send lines."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
    headers = {"Content-Type": "application/x-ndjson"}
    return await client.post("/v1/events", content="\n".join(texts), headers=headers)


async def parked(client: AsyncClient) -> list[dict[str, Any]]:
    """Return the events that wait, the oldest first."""
    data: list[dict[str, Any]] = (await client.get("/v1/parked-events")).json()["data"]
    return data[::-1]


async def test_each_event_has_its_own_ending(client: AsyncClient, database_url: str) -> None:
    """Entered, repeated, parked, contradicted and unreadable beside each other."""
    results = await send(
        client,
        line(1),
        line(1),
        line(1, quantities={"amount": "1"}),
        line(2, account="nobody"),
        line(3, quantities={"amount": "NaN"}),
        line(4, "site_visit", quantities={"hours": 1}),
        line(5, quantities={}),
        {"kind": "revenue"},
        7,
        line(6, account="south-haulage"),
    )
    states = [one.get("state") or one["problem"]["code"] for one in results]
    assert states == [
        "entered",
        "repeated",
        "event_conflict",
        "parked",
        "parked",
        "parked",
        "parked",
        "validation_failed",
        "validation_failed",
        "entered",
    ]
    assert results[0]["event"] == results[1]["event"] == results[2]["problem"]["event"]
    assert results[2]["problem"]["errors"][0]["pointer"] == "/2/event_id"
    reasons = [[reason["code"] for reason in one["reasons"]] for one in results[3:7]]
    assert reasons == [
        ["unknown_account"],
        ["bad_quantity"],
        ["unknown_kind"],
        ["missing_quantity"],
    ]
    assert [one["reasons"][0]["pointer"] for one in results[3:7]] == [
        "/3/account",
        "/4/quantities/amount",
        "/5/kind",
        "/6/quantities/amount",
    ]
    assert sums(database_url) == {
        ("north-haulage", "revenue"): Decimal(100),
        ("south-haulage", "revenue"): Decimal(100),
    }


async def test_all_sent_again_changes_nothing(client: AsyncClient, database_url: str) -> None:
    """A bulk that broke off is sent again whole: as an array or as lines."""
    lines = [line(1), line(2), line(3, account="nobody")]
    await send(client, *lines)
    before = sums(database_url), await parked(client)
    assert [one["state"] for one in await send(client, *lines)] == ["repeated"] * 2 + ["parked"]
    answer = await stream(client, *lines)
    results = [json.loads(text) for text in answer.text.splitlines()]
    assert [one["state"] for one in results] == ["repeated", "repeated", "parked"]
    assert (sums(database_url), await parked(client)) == before


async def test_lines_are_judged_one_by_one(client: AsyncClient, database_url: str) -> None:
    """A broken line is told by its number and the rest is entered."""
    answer = await stream(client, line(1), "{broken", "", line(2, currency="USD"), line(3))
    results = [json.loads(text) for text in answer.text.splitlines()]
    assert [one["line"] for one in results] == [1, 2, 4, 5]
    assert results[1]["problem"]["code"] == "invalid_json"
    assert results[2]["reasons"][0]["code"] == "other_currency"
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal(200)}
    keyed = await client.post(
        "/v1/events",
        content=json.dumps(line(4)),
        headers={"Content-Type": "application/x-ndjson", "Idempotency-Key": "k"},
    )
    assert problem_of(keyed)[:2] == (400, "invalid_idempotency_key")


async def test_a_thousand_fit_into_an_array_and_not_one_more(
    client: AsyncClient, database_url: str
) -> None:
    """At the limit all are entered, past it none."""
    thousand = [line(number, quantities={"amount": "0.01"}) for number in range(1_000)]
    results = await send(client, *thousand)
    assert {one["state"] for one in results} == {"entered"}
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal(10)}
    refused = await client.post("/v1/events", json=[*thousand, line(1_000)])
    assert problem_of(refused)[:2] == (422, "invalid_json")


async def test_an_array_is_done_once_under_its_key(client: AsyncClient) -> None:
    """The Idempotency-Key of an array gives the first answer again."""
    headers = {"Idempotency-Key": "all"}
    first = await client.post("/v1/events", json=[line(1)], headers=headers)
    again = await client.post("/v1/events", json=[line(1)], headers=headers)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


async def test_an_event_waits_until_its_kind_is_declared(
    admin: AsyncClient, client: AsyncClient
) -> None:
    """Declared, then tried again, it is entered; and it does not wait any more."""
    await send(client, line(1, "site_visit", quantities={"hours": 2}))
    (waiting,) = await parked(client)
    path = f"/v1/parked-events/{waiting['id']}"
    still = await client.post(f"{path}/replay")
    assert (still.status_code, still.json()["state"]) == (200, "parked")
    declared = await admin.put("/v1/event-kinds/site_visit", json=VISIT)
    assert declared.status_code == 200, declared.text
    done = (await client.post(f"{path}/replay")).json()
    assert done["state"] == "entered"
    entry = (await client.get(f"/v1/events/{done['entered_as']}")).json()
    assert (entry["kind"], entry["quantities"]) == ("site_visit", {"hours": 2})
    assert await parked(client) == []
    assert problem_of(await client.post(f"{path}/replay"))[:2] == (409, "parked_event_closed")
    entered = (await client.get("/v1/parked-events?state=entered")).json()["data"]
    assert [one["id"] for one in entered] == [waiting["id"]]


async def test_events_wait_for_their_accounts(client: AsyncClient, database_url: str) -> None:
    """All that wait for one reason are tried again together, exact to the last digit."""
    amount = "12345678901234.123456"
    body = json.dumps([line(n, account="east", quantities={"amount": 0}) for n in range(3)])
    await client.post("/v1/events", content=body.replace('"amount": 0', f'"amount": {amount}'))
    await send(client, line(9, account="west"))
    await client.put("/v1/accounts/east", json={"facts": {}})
    asked = {"reason": "unknown_account"}
    done = (await client.post("/v1/parked-events/replay", json=asked)).json()
    assert done == {"entered": 3, "parked": 1, "conflicts": 0, "next_cursor": None}
    assert sums(database_url) == {("east", "revenue"): 3 * Decimal(amount)}


async def test_a_parked_event_is_mended(client: AsyncClient, database_url: str) -> None:
    """The right amount in its place: entered; still wrong: it waits for the new reason."""
    await send(client, line(1, quantities={"amount": "12,5"}))
    (waiting,) = await parked(client)
    path = f"/v1/parked-events/{waiting['id']}"
    assert waiting["event"] == {**line(1), "quantities": {"amount": "12,5"}} | {
        "at": "2026-11-20T12:00:00.000000Z"
    }
    worse = await client.put(path, json={"event": line(1, currency="USD")})
    assert worse.json()["reasons"][0]["code"] == "other_currency"
    other = await client.put(path, json={"event": line(2)})
    assert problem_of(other) == (422, "validation_failed", ["/event/event_id"])
    done = await client.put(path, json={"event": line(1, quantities={"amount": "12.5"})})
    assert (done.status_code, done.json()["state"]) == (200, "entered")
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal("12.5")}


async def test_a_mended_event_told_right_by_its_source_is_recognised(client: AsyncClient) -> None:
    """What somebody mended by hand and the source then sends as well is one event."""
    await send(client, line(1, quantities={"amount": "12,5"}))
    (right,) = await send(client, line(1, quantities={"amount": "12.5"}))
    assert right["state"] == "entered"
    assert await parked(client) == []


async def test_a_dropped_event_stays_dropped(client: AsyncClient, database_url: str) -> None:
    """The same told again is not entered, even once it could be; another word is looked at."""
    await send(client, line(1, account="east"))
    (waiting,) = await parked(client)
    path = f"/v1/parked-events/{waiting['id']}"
    assert problem_of(await client.delete(path))[:2] == (422, "validation_failed")
    dropped = await client.delete(f"{path}?reason=a+test+of+theirs")
    assert (dropped.json()["state"], dropped.json()["closed_reason"]) == (
        "dropped",
        "a test of theirs",
    )
    await client.put("/v1/accounts/east", json={"facts": {}})
    (again,) = await send(client, line(1, account="east"))
    assert (again["state"], again["parked"]) == ("dropped", waiting["id"])
    assert sums(database_url) == {}
    (other,) = await send(client, line(1, account="east", quantities={"amount": "5"}))
    assert other["state"] == "entered"


async def test_what_is_entered_is_never_parked_over(client: AsyncClient) -> None:
    """A later broken word about an entered event is a conflict, reported by line."""
    await send(client, line(1))
    (result,) = await send(client, line(1, quantities={"amount": "NaN"}))
    assert result["problem"]["code"] == "event_conflict"
    assert await parked(client) == []


async def test_an_event_says_whose_it_is_in_one_way(client: AsyncClient) -> None:
    """By key or by identity, and not by both or none."""
    identity = {"system": "crm", "id": "7"}
    both, none = line(1, identity=identity), line(2)
    del none["account"]
    results = await send(client, both, none, line(3, account=None, identity=identity))
    assert [one.get("state") or one["problem"]["code"] for one in results] == [
        "validation_failed",
        "validation_failed",
        "parked",
    ]
    assert results[2]["reasons"][0]["pointer"] == "/2/identity"


async def test_one_event_of_a_kind_nobody_declared_is_parked_too(client: AsyncClient) -> None:
    """The one-event call says so with 202 and the reasons."""
    answer = await enter(client, event("site_visit", quantities={"hours": 1}))
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "parked"
    assert answer.json()["reasons"][0]["code"] == "unknown_kind"
    missing = await enter(client, event("support_case", event_id="x"))
    assert (missing.status_code, missing.json()["reasons"][0]["pointer"]) == (
        202,
        "/quantities/hours",
    )
