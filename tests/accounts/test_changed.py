"""`GET /v1/accounts?changed_since=`: who keeps a copy reads what changed and misses nothing."""

from datetime import timedelta

import pytest
from httpx import AsyncClient

from tests.accounts.conftest import NOON, Clock

pytestmark = pytest.mark.anyio
ACCOUNTS = "/v1/accounts"


async def put(client: AsyncClient, key: str, **facts: object) -> None:
    """Say everything of an account."""
    answer = await client.put(f"{ACCOUNTS}/{key}", json={"facts": facts})
    assert answer.status_code in {200, 201}, answer.text


async def changed(client: AsyncClient, since: str, *, limit: int = 50) -> list[str]:
    """Return the keys of what changed, read to the last page."""
    keys: list[str] = []
    params: dict[str, str | int] = {"changed_since": since, "limit": limit}
    while True:
        answer = await client.get(ACCOUNTS, params=params)
        assert answer.status_code == 200, answer.text
        keys += [one["key"] for one in answer.json()["data"]]
        if answer.json()["next_cursor"] is None:
            return keys
        assert 'rel="next"' in answer.headers["Link"]
        params["cursor"] = answer.json()["next_cursor"]


async def test_what_changed_comes_in_the_order_in_which_it_did(
    client: AsyncClient, clock: Clock
) -> None:
    """The longest unchanged first, page by page; what did not change since stays away."""
    for key in ("north", "south", "west"):
        await put(client, key, vehicles=1)
        clock.turn(timedelta(minutes=1))
    await put(client, "north", vehicles=2)
    clock.turn(timedelta(minutes=1))
    start = NOON.isoformat()
    assert await changed(client, start) == ["south", "west", "north"]
    assert await changed(client, start, limit=1) == ["south", "west", "north"]
    later = (NOON + timedelta(minutes=2)).isoformat()
    assert await changed(client, later) == ["west", "north"]
    assert await changed(client, clock.now.isoformat()) == []


async def test_many_at_one_instant_are_all_read(client: AsyncClient, clock: Clock) -> None:
    """A page may end between two that changed at once."""
    lines = [{"account": f"account-{n}", "facts": {"n": n}} for n in range(7)]
    assert (await client.post(ACCOUNTS, json=lines)).status_code == 200
    clock.turn(timedelta(minutes=1))
    found = await changed(client, NOON.isoformat(), limit=2)
    assert sorted(found) == [f"account-{n}" for n in range(7)]


async def test_what_may_still_be_committing_waits_for_the_next_look(
    client: AsyncClient, clock: Clock
) -> None:
    """A change bears the instant at which it began: the last ten seconds are not told yet."""
    await put(client, "north", vehicles=1)
    clock.turn(timedelta(seconds=9))
    assert await changed(client, NOON.isoformat()) == []
    clock.turn(timedelta(seconds=2))
    assert await changed(client, NOON.isoformat()) == ["north"]


async def test_who_was_merged_is_told_by_whom_it_was_merged_into(
    client: AsyncClient, clock: Clock
) -> None:
    """The account that stands for both has changed; the other is listed no more."""
    for key in ("north", "south"):
        await put(client, key, vehicles=1, **{key: True})
    clock.turn(timedelta(minutes=1))
    since = clock.now.isoformat()
    sent = {"into": "north", "reason": "one company"}
    assert (await client.post(f"{ACCOUNTS}/south/merge", json=sent)).status_code == 200
    clock.turn(timedelta(minutes=1))
    assert await changed(client, since) == ["north"]


async def test_what_cannot_be_asked_is_refused(client: AsyncClient) -> None:
    """With a code: an instant that is none, another filter beside it, a cursor of nothing."""
    since = {"changed_since": "2026-11-22T12:00:00Z"}
    refused: list[tuple[dict[str, str], str]] = [
        ({"changed_since": "yesterday"}, "validation_failed"),
        ({"changed_since": "2026-11-22T12:00:00"}, "validation_failed"),
        (since | {"q": "north"}, "validation_failed"),
        (since | {"identity": "crm:7"}, "validation_failed"),
        (since | {"cursor": "bm9uZQ"}, "invalid_cursor"),
    ]
    for params, code in refused:
        answer = await client.get(ACCOUNTS, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, code), params


async def test_a_cursor_goes_with_its_instant(client: AsyncClient, clock: Clock) -> None:
    """It cannot go on under another one, nor in the list of all."""
    for key in ("north", "south"):
        await put(client, key, vehicles=1)
    clock.turn(timedelta(minutes=1))
    params = {"changed_since": NOON.isoformat(), "limit": "1"}
    cursor = (await client.get(ACCOUNTS, params=params)).json()["next_cursor"]
    other = {"changed_since": (NOON - timedelta(days=1)).isoformat(), "cursor": cursor}
    for query in (other, {"cursor": cursor}):
        answer = await client.get(ACCOUNTS, params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
