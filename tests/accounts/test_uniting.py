"""Accounts that are one company: found by any name, known as one, parted exactly."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from httpx import AsyncClient

from service.storage import libpq_url
from tests.accounts.conftest import Clock
from tests.accounts.ledger import NORTH, SOUTH, enter, event
from tests.accounts.test_accounts import problem_of

pytestmark = pytest.mark.anyio

OLD = "/v1/accounts/north-old"
ONE_COMPANY = {"into": "north-haulage", "reason": "one company"}


async def tell(client: AsyncClient, path: str, at: str, source: str, **facts: object) -> None:
    """Say something of an account."""
    known = await client.get(path)
    method = "PUT" if known.status_code == 404 else "PATCH"
    sent = {"facts": facts, "source": source, "at": f"2026-11-{at}T00:00:00Z"}
    answer = await client.request(method, path, json=sent)
    assert answer.is_success, answer.text


async def merge(client: AsyncClient, path: str = OLD, **changes: object) -> dict[str, Any]:
    """Unite an account with another and return the answer."""
    answer = await client.post(f"{path}/merge", json=ONE_COMPANY | changes)
    assert answer.status_code == 200, answer.text
    united: dict[str, Any] = answer.json()
    return united


async def undo(client: AsyncClient, merge_id: str) -> None:
    """Part two accounts again."""
    answer = await client.post(f"/v1/account-merges/{merge_id}/undo", json={"reason": "two"})
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def twins(client: AsyncClient, clock: Clock) -> None:
    """Keep two accounts of one company, each with words, an identity and an event."""
    await tell(client, NORTH, "10", "crm", size=120, country="DE")
    await tell(client, OLD, "05", "crm", size=80, industry="logistics")
    await tell(client, OLD, "12", "erp", country="AT")
    for path, number in ((NORTH, "1"), (OLD, "2")):
        assert (await client.put(f"{path}/identities/hubspot/{number}")).status_code == 201
        assert (await enter(client, event(event_id=number), path=path)).status_code == 201
    clock.turn(timedelta(hours=1))


async def everything(client: AsyncClient) -> list[Any]:
    """Return all that can be read of both accounts, but for what tells of changes."""
    told = []
    for path in (NORTH, OLD):
        account = (await client.get(path)).json()
        told.append({name: account[name] for name in ("key", "facts", "provenance")})
        for part in ("events", "identities"):
            told.append((await client.get(f"{path}/{part}")).json())  # noqa: PERF401 - awaits
    told.append((await client.get("/v1/accounts")).json()["data"][0]["key"])
    return told


async def test_two_accounts_become_one(client: AsyncClient, twins: None) -> None:
    """Facts combined word by word, events together, any name leads to the one that stands."""
    del twins
    united = await merge(client)
    assert united["account"]["facts"] == {"size": 120, "country": "AT", "industry": "logistics"}
    assert united["changed"] == ["country", "industry"]
    assert united["merge"]["into"] == "north-haulage"
    for path in (NORTH, OLD):
        read = (await client.get(path)).json()
        assert (read["key"], read["facts"]) == ("north-haulage", united["account"]["facts"])
        assert read["provenance"]["country"]["source"] == "erp"
        assert read["provenance"]["country"]["others"][0]["value"] == "DE"
        events = (await client.get(f"{path}/events")).json()["data"]
        assert [one["account"] for one in events] in (
            ["north-old", "north-haulage"],
            ["north-haulage", "north-old"],
        )
        names = (await client.get(f"{path}/identities")).json()["data"]
        assert [(one["id"], one["account"]) for one in names] == [
            ("1", "north-haulage"),
            ("2", "north-old"),
        ]
    listed = (await client.get("/v1/accounts")).json()["data"]
    assert [one["key"] for one in listed] == ["north-haulage"]
    found = (await client.get("/v1/accounts?identity=hubspot:2")).json()["data"]
    assert [one["key"] for one in found] == ["north-haulage"]
    assert problem_of(await client.post(f"{OLD}/merge", json=ONE_COMPANY))[:2] == (
        409,
        "already_merged",
    )


async def test_undone_all_is_as_it_was(client: AsyncClient, twins: None) -> None:
    """Facts, provenance, identities and events of both are those of before, exactly."""
    del twins
    before = await everything(client)
    united = await merge(client)
    assert await everything(client) != before
    await undo(client, united["merge"]["id"])
    assert await everything(client) == before
    again = await client.post(
        f"/v1/account-merges/{united['merge']['id']}/undo", json={"reason": "two"}
    )
    assert problem_of(again)[:2] == (409, "merge_undone")
    listed = (await client.get("/v1/account-merges?account=north-old")).json()["data"]
    assert [(one["undone_by"], one["undone_reason"]) for one in listed] == [("ann", "two")]


async def test_what_was_told_meanwhile_stays_with_whom_it_named(
    client: AsyncClient, twins: None, database_url: str
) -> None:
    """News, identities and events under the old name go with the old account."""
    del twins
    united = await merge(client)
    await tell(client, OLD, "20", "crm", phone="old")
    await tell(client, NORTH, "20", "crm", mail="new")
    both = (await client.get(NORTH)).json()["facts"]
    assert (both["phone"], both["mail"]) == ("old", "new")
    await client.put(f"{OLD}/identities/erp/9")
    await enter(client, event(event_id="3", quantities={"amount": "7"}), path=OLD)
    by_name = event(event_id="4", identity={"system": "hubspot", "id": "2"})
    (result,) = (await client.post("/v1/events", json=[by_name])).json()["data"]
    assert result["state"] == "entered"
    again = await enter(client, event(event_id="4"))
    assert (again.status_code, again.json()["id"]) == (200, result["event"])
    await undo(client, united["merge"]["id"])
    north, old = [(await client.get(path)).json()["facts"] for path in (NORTH, OLD)]
    assert north == {"size": 120, "country": "DE", "mail": "new"}
    assert old == {"size": 80, "industry": "logistics", "country": "AT", "phone": "old"}
    with psycopg.connect(libpq_url(database_url)) as connection:
        found = connection.execute(
            "SELECT key, sum(amount) FROM account_event JOIN account ON account.id = account_id"
            " GROUP BY key ORDER BY key"
        ).fetchall()
    assert found == [("north-haulage", Decimal(100)), ("north-old", Decimal(207))]
    assert len((await client.get(f"{OLD}/identities")).json()["data"]) == 2


async def test_a_dry_run_shows_all_and_does_nothing(client: AsyncClient, twins: None) -> None:
    """The same answer, but for the merge, and everything is as before."""
    del twins
    before = await everything(client)
    tried = await merge(client, dry_run=True)
    assert tried["merge"] is None
    assert await everything(client) == before
    done = await merge(client)
    assert done["account"]["facts"] == tried["account"]["facts"]
    assert done["changed"] == tried["changed"]


async def test_a_chain_of_merges_parts_at_any_link(client: AsyncClient, twins: None) -> None:
    """Old into north into south: undoing the first leaves the second, and the other way."""
    del twins
    await tell(client, SOUTH, "01", "crm", name="South")
    first = await merge(client)
    second = await merge(client, NORTH, into="south-haulage")
    for path in (NORTH, OLD, SOUTH):
        assert (await client.get(path)).json()["key"] == "south-haulage"
    assert len((await client.get(f"{SOUTH}/events")).json()["data"]) == 2
    await undo(client, first["merge"]["id"])
    keys = [(await client.get(path)).json()["key"] for path in (NORTH, OLD, SOUTH)]
    assert keys == ["south-haulage", "north-old", "south-haulage"]
    third = await merge(client)
    assert third["merge"]["into"] == "south-haulage"
    await undo(client, second["merge"]["id"])
    keys = [(await client.get(path)).json()["key"] for path in (NORTH, OLD, SOUTH)]
    assert keys == ["north-haulage", "south-haulage", "south-haulage"]


async def test_everything_told_of_one_leaves_what_was_said_of_its_twin(
    client: AsyncClient, twins: None
) -> None:
    """A nightly sync of either record does not erase the other's facts; null does."""
    del twins
    await merge(client)
    put = await client.put(NORTH, json={"facts": {"size": 130}, "source": "crm"})
    assert put.json()["facts"] == {"size": 130, "country": "AT", "industry": "logistics"}
    patched = await client.patch(NORTH, json={"facts": {"industry": None}, "source": "crm"})
    assert patched.json()["facts"] == {"size": 130, "country": "AT"}


async def test_ten_at_once_unite_once(client: AsyncClient, twins: None) -> None:
    """Whoever comes second is told that both are one already; the news all arrive."""
    del twins
    asked = [client.post(f"{OLD}/merge", json=ONE_COMPANY) for _ in range(3)]
    told = [client.patch(path, json={"facts": {"size": 7}}) for path in (NORTH, OLD)]
    answers = await asyncio.gather(*asked, *told)
    assert sorted(one.status_code for one in answers) == [200, 200, 200, 409, 409]
    assert (await client.get(OLD)).json()["facts"]["size"] == 7


async def test_an_identity_leads_to_one_account(client: AsyncClient, twins: None) -> None:
    """Given again it is the same; another account cannot have it; taken away it is free."""
    del twins
    path = f"{NORTH}/identities/hubspot/1"
    assert (await client.put(path)).status_code == 200
    taken = await client.put(f"{OLD}/identities/hubspot/1")
    assert problem_of(taken)[:2] == (409, "identity_taken")
    assert taken.json()["account"] == "north-haulage"
    assert problem_of(await client.delete(f"{OLD}/identities/hubspot/1"))[:2] == (
        404,
        "identity_not_found",
    )
    assert (await client.delete(path)).status_code == 204
    assert (await client.get("/v1/accounts?identity=hubspot:1")).json()["data"] == []
    assert (await client.put(f"{OLD}/identities/hubspot/1")).status_code == 201
    nobody = await client.put("/v1/accounts/nobody/identities/hubspot/5")
    assert problem_of(nobody)[:2] == (404, "account_not_found")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("north", ["north-haulage"]),
        ("haul", ["south-haulage", "north-haulage"]),
        ("Haul NORTH", ["north-haulage"]),
        ("müll", ["south-haulage"]),
        ("south.ex", ["south-haulage"]),
        ("aulage", []),
        ("o'neill", []),
        ("a' | 'b\\", []),
        ("& | ! ( ) : *", []),
        ("logistics", []),
    ],
)
async def test_accounts_are_found_by_the_beginnings_of_words(
    client: AsyncClient, clock: Clock, words: str, found: list[str]
) -> None:
    """In key, names and domain, in any case; nothing in them is taken for a command."""
    await tell(client, NORTH, "10", "crm", industry="logistics")
    clock.turn(timedelta(seconds=1))
    await tell(client, SOUTH, "10", "crm", name="Müller & Söhne", domain="south.example")
    answer = await client.get("/v1/accounts", params={"q": words})
    assert answer.status_code == 200, answer.text
    assert [one["key"] for one in answer.json()["data"]] == found
