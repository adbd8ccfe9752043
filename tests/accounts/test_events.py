"""Events over HTTP: entered once, parked with a reason, refused with a place, taken back."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from service.storage import libpq_url, transaction
from tests.accounts.conftest import Clock
from tests.accounts.ledger import NORTH, SOUTH, enter, event, sums
from tests.accounts.test_accounts import problem_of

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def accounts(client: AsyncClient) -> None:
    """Keep two accounts to enter events for."""
    for path in (NORTH, SOUTH):
        assert (await client.put(path, json={"facts": {}})).status_code == 201


async def test_an_event_is_entered_and_read_back(client: AsyncClient) -> None:
    """The answer, the entry by its id and the account's list are the same."""
    sent = event("support_case", quantities={"hours": 2.5, "severity": "high"})
    made = await enter(client, sent)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown["id"].startswith("evt_")
    assert shown | {"id": ""} == {
        "id": "",
        "account": "north-haulage",
        "kind": "support_case",
        "at": "2026-11-20T12:00:00.000000Z",
        "amount": None,
        "currency": "EUR",
        "quantities": {"hours": 2.5, "severity": "high"},
        "source": "billing",
        "event_id": "inv-1",
        "recorded_at": "2026-11-22T12:00:00.000000Z",
        "recorded_by": "ann",
        "reverses": None,
        "reversed_by": None,
        "reason": None,
    }
    assert (await client.get(f"/v1/events/{shown['id']}")).json() == shown
    assert (await client.get(f"{NORTH}/events")).json()["data"] == [shown]
    assert (await client.get(f"{SOUTH}/events")).json()["data"] == []
    assert (await client.get("/v1/events")).json()["data"] == [shown]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1250.40", "1250.40"),
        ('"1250.40"', "1250.40"),
        ("0.1", "0.10"),
        ("12345678901234.123456", "12345678901234.123456"),
        ("99999999999999.999999", "99999999999999.999999"),
        ("-0.000001", "-0.000001"),
        ("1e3", "1000.00"),
        ("-0", "0.00"),
        ("100", "100.00"),
    ],
)
async def test_money_is_exact_from_end_to_end(
    client: AsyncClient, database_url: str, written: str, kept: str
) -> None:
    """As a number or as a text, the amount in the ledger has the digits that were written."""
    body = json.dumps(event(quantities={"amount": 0})).replace(
        '"amount": 0', f'"amount": {written}'
    )
    made = await client.post(f"{NORTH}/events", content=body)
    assert made.status_code == 201, made.text
    assert made.json()["amount"] == kept
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal(kept)}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"quantities": {"amount": "NaN"}}, "/quantities/amount"),
        ({"quantities": {"amount": "Infinity"}}, "/quantities/amount"),
        ({"quantities": {"amount": "1,250.40"}}, "/quantities/amount"),
        ({"quantities": {"amount": "12 EUR"}}, "/quantities/amount"),
        ({"quantities": {"amount": ""}}, "/quantities/amount"),
        ({"quantities": {"amount": True}}, "/quantities/amount"),
        ({"quantities": {"amount": "0.0000001"}}, "/quantities/amount"),
        ({"quantities": {"amount": "100000000000000"}}, "/quantities/amount"),
        ({"quantities": {"amount": 10**30}}, "/quantities/amount"),
        ({"quantities": {"amount": "1.00000000000000000000000000001"}}, "/quantities/amount"),
        ({"at": "1899-12-31T00:00:00Z"}, "/at"),
        ({"at": "1969-12-31T23:59:59Z"}, "/at"),
        ({"at": "2199-01-01T00:00:00Z"}, "/at"),
        ({"at": "2026-11-23T12:00:00.000001Z"}, "/at"),
        ({"currency": "USD"}, "/currency"),
        ({"currency": "eur"}, "/currency"),
        ({"event_id": "reversal:evt_x"}, "/event_id"),
        ({"event_id": "a\u0001b"}, "/event_id"),
        ({"event_id": " a"}, "/event_id"),
        ({"kind": "Revenue"}, "/kind"),
        ({"source": "Billing!"}, "/source"),
        ({"quantities": {"amount": {"value": 1}}}, "/quantities/amount"),
        ({"quantities": [1]}, "/quantities"),
        ({"at": "2026-11-20"}, "/at"),
    ],
)
async def test_what_cannot_be_right_is_refused_with_its_place(
    client: AsyncClient, database_url: str, change: dict[str, Any], place: str
) -> None:
    """Bad amounts, instants of other centuries, other money: nothing is entered or parked."""
    refused = await enter(client, event() | change)
    assert problem_of(refused) == (422, "validation_failed", [place])
    assert sums(database_url) == {}
    assert (await client.get("/v1/parked-events")).json()["data"] == []


@pytest.mark.parametrize(
    ("kind", "quantities", "place"),
    [
        ("support_case", {"hours": -1}, "/quantities/hours"),
        ("support_case", {"hours": "two"}, "/quantities/hours"),
        ("support_case", {"hours": 1234567890}, "/quantities/hours"),
        ("nps", {"score": 11}, "/quantities/score"),
        ("meeting", {"held": "yes"}, "/quantities/held"),
        ("abuse", {"severity": "grumpy"}, "/quantities/severity"),
        ("feature_request", {"feature": "  "}, "/quantities/feature"),
        ("feature_request", {"feature": "x" * 501}, "/quantities/feature"),
        ("refund", {"amount": "-5"}, "/quantities/amount"),
    ],
)
async def test_a_quantity_is_of_its_kinds_type(
    client: AsyncClient, kind: str, quantities: dict[str, Any], place: str
) -> None:
    """What the kind declares is held to: type, bounds and choices."""
    refused = await enter(client, event(kind, quantities=quantities))
    assert problem_of(refused) == (422, "validation_failed", [place])


async def test_the_bounds_of_time_are_in(client: AsyncClient) -> None:
    """The first instant of 1970 and the last one of tomorrow are entered."""
    for number, at in enumerate(("1970-01-01T00:00:00Z", "2026-11-23T12:00:00Z")):
        made = await enter(client, event(at=at, event_id=str(number)))
        assert made.status_code == 201, made.text


async def test_a_repeat_is_recognised_and_not_counted(
    client: AsyncClient, database_url: str, clock: Clock
) -> None:
    """The same again, however it is written, answers the first entry; the sum stays."""
    first = await enter(client, event(quantities={"amount": "1.5"}))
    clock.turn(timedelta(hours=1))
    for amount in ("1.5", "1.50", 1.5, "+1.500000"):
        again = await enter(client, event(quantities={"amount": amount}))
        assert (again.status_code, again.json()) == (200, first.json())
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal("1.5")}


@pytest.mark.parametrize(
    "change",
    [
        {"quantities": {"amount": "100.01"}},
        {"at": "2026-11-20T12:00:01Z"},
        {"kind": "cost"},
    ],
)
async def test_other_content_under_the_same_id_is_a_conflict(
    client: AsyncClient, database_url: str, change: dict[str, Any]
) -> None:
    """The source contradicts itself: neither word is lost, and no sum changes."""
    first = await enter(client, event())
    refused = await enter(client, event() | change)
    assert problem_of(refused) == (409, "event_conflict", ["/event_id"])
    assert refused.json()["event"] == first.json()["id"]
    elsewhere = await enter(client, event(), path=SOUTH)
    assert problem_of(elsewhere)[:2] == (409, "event_conflict")
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal(100)}


async def test_without_an_id_every_call_is_an_event_of_its_own(
    client: AsyncClient, database_url: str
) -> None:
    """Two visits on one day are two; a retry is safe by its Idempotency-Key."""
    sent = {name: value for name, value in event().items() if name != "event_id"}
    made = [await enter(client, sent) for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201]
    for _ in range(2):
        await client.post(f"{NORTH}/events", json=sent, headers={"Idempotency-Key": "k"})
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal(300)}


async def test_an_unknown_account_is_404_and_an_event_elsewhere_too(client: AsyncClient) -> None:
    """One event is of an account that is there."""
    assert problem_of(await enter(client, event(), path="/v1/accounts/nobody"))[:2] == (
        404,
        "account_not_found",
    )
    unknown = "/v1/events/evt_01m82amv90f7assrm6pf8d3pr0"
    assert problem_of(await client.get(unknown))[:2] == (404, "event_not_found")
    refused = await client.post(f"{unknown}/reversal", json={"reason": "x"})
    assert problem_of(refused)[:2] == (404, "event_not_found")


async def test_a_default_stands_for_what_was_not_told(client: AsyncClient) -> None:
    """A meeting is not excused unless somebody says so; telling the default is a new word."""
    held = await enter(client, event("meeting", quantities={"held": False}))
    assert held.json()["quantities"] == {"held": False, "excused": False}
    again = await enter(client, event("meeting", quantities={"held": False, "excused": None}))
    assert (again.status_code, again.json()) == (200, held.json())
    excused = await enter(client, event("meeting", quantities={"held": False, "excused": True}))
    assert problem_of(excused)[:2] == (409, "event_conflict")


async def test_a_reversal_takes_an_entry_back_and_both_stay(
    client: AsyncClient, database_url: str, clock: Clock
) -> None:
    """The sum is what it was, both entries name each other, and who did it why is kept."""
    wrong = (await enter(client, event())).json()
    clock.turn(timedelta(days=3))
    made = await client.post(f"/v1/events/{wrong['id']}/reversal", json={"reason": "cancelled"})
    assert made.status_code == 201, made.text
    reversal = made.json()
    assert (reversal["amount"], reversal["at"]) == ("-100.00", wrong["at"])
    assert (reversal["reverses"], reversal["reason"]) == (wrong["id"], "cancelled")
    read = (await client.get(f"/v1/events/{wrong['id']}")).json()
    assert read == wrong | {"reversed_by": reversal["id"]}
    assert len((await client.get(f"{NORTH}/events")).json()["data"]) == 2
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal(0)}
    again = await client.post(f"/v1/events/{wrong['id']}/reversal", json={"reason": "again"})
    assert problem_of(again)[:2] == (409, "already_reversed")
    assert again.json()["reversal"] == reversal["id"]
    back = await client.post(f"/v1/events/{reversal['id']}/reversal", json={"reason": "oops"})
    assert problem_of(back)[:2] == (409, "already_reversed")
    told_again = await enter(client, event())
    assert (told_again.status_code, told_again.json()["id"]) == (200, wrong["id"])


async def test_a_reversal_turns_numbers_and_leaves_words(client: AsyncClient) -> None:
    """Hours cancel out too; what is no number is the same on both."""
    quantities = {"hours": 2.5, "severity": "high"}
    case = (await enter(client, event("support_case", quantities=quantities))).json()
    made = await client.post(f"/v1/events/{case['id']}/reversal", json={"reason": "not theirs"})
    assert made.json()["quantities"] == {"hours": -2.5, "severity": "high"}


async def test_the_same_moment_enters_once_and_takes_back_once(
    client: AsyncClient, database_url: str
) -> None:
    """Five who bring the same event, and five who take it back, come to one each."""
    made = await asyncio.gather(*(enter(client, event()) for _ in range(5)))
    assert sorted(one.status_code for one in made) == [200, 200, 200, 200, 201]
    path = f"/v1/events/{made[0].json()['id']}/reversal"
    taken = await asyncio.gather(*(client.post(path, json={"reason": "x"}) for _ in range(5)))
    assert sorted(one.status_code for one in taken) == [201, 409, 409, 409, 409]
    assert sums(database_url) == {("north-haulage", "revenue"): Decimal(0)}


async def test_an_accounts_events_are_listed_by_when_they_happened(client: AsyncClient) -> None:
    """Late ones take their place; pages end by themselves; filters choose."""
    for number, day in enumerate((3, 1, 5, 2, 4)):
        kind = "revenue" if day % 2 else "cost"
        at = f"2026-11-0{day}T00:00:00Z"
        sent = event(kind, at=at, event_id=str(number), quantities={"amount": day})
        assert (await enter(client, sent)).status_code == 201
    days: list[str] = []
    address = f"{NORTH}/events?limit=2"
    for _ in range(3):
        page = await client.get(address)
        days += [one["amount"] for one in page.json()["data"]]
        address = page.links["next"]["url"] if page.json()["next_cursor"] else ""
    assert (days, address) == (["5.00", "4.00", "3.00", "2.00", "1.00"], "")

    async def amounts(query: str) -> list[str]:
        return [one["amount"] for one in (await client.get(query)).json()["data"]]

    assert await amounts(f"{NORTH}/events?kind=cost") == ["4.00", "2.00"]
    window = "from=2026-11-02T00:00:00Z&to=2026-11-04T00:00:00Z"
    assert await amounts(f"{NORTH}/events?{window}") == ["3.00", "2.00"]
    assert await amounts("/v1/events?source=crm") == []
    assert len(await amounts("/v1/events?limit=3")) == 3
    refused = await client.get(f"{SOUTH}/events?cursor={page.request.url.params['cursor']}")
    assert problem_of(refused)[:2] == (422, "invalid_cursor")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE account_event SET amount = 0", "DELETE FROM account_event", "TRUNCATE account_event"],
)
async def test_nobody_changes_an_entry(
    client: AsyncClient, engine: AsyncEngine, database_url: str, statement: str
) -> None:
    """Neither the service's role nor the schema's owner: by grant and by trigger."""
    await enter(client, event())
    with pytest.raises(DBAPIError, match="permission denied"):
        async with transaction(engine) as connection:
            await connection.execute(text(statement))
    with (
        psycopg.connect(libpq_url(database_url)) as owner,
        pytest.raises(psycopg.Error, match=r"never changed or removed|cannot truncate"),
    ):
        owner.execute(statement.encode())
