"""Many accounts at once: the same as one by one, each refused alone, tried or kept."""

import asyncio
import json
from typing import Any

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.accounts.ledger import NORTH, event
from tests.accounts.test_accounts import problem_of

pytestmark = pytest.mark.anyio


def line(key: str, /, **members: object) -> dict[str, Any]:
    """Return what is said about an account."""
    return {"account": key, "facts": {}, "at": "2026-11-20T00:00:00Z"} | members


async def keep(client: AsyncClient, *lines: object, query: str = "") -> list[dict[str, Any]]:
    """Send an array and return the results."""
    answer = await client.post(f"/v1/accounts{query}", content=json.dumps(lines))
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    assert [one["line"] for one in data] == list(range(1, len(lines) + 1))
    return data


async def test_each_account_has_its_own_ending(client: AsyncClient) -> None:
    """Made, changed, left as it was, and refused beside each other."""
    await client.put(NORTH, json={"facts": {"size": 1}, "at": "2026-11-10T00:00:00Z"})
    too_many = {f"a{n}": n for n in range(256)}
    results = await keep(
        client,
        line("north-haulage", facts={"size": 2}),
        line("north-haulage", facts={"size": 2}),
        line("east", facts=too_many),
        line("east", facts={"b": 1}),
        line("a/b"),
        line("west", at="2199-01-01T00:00:00Z"),
        7,
        line("north-haulage", facts={"size": 3}, at="2026-11-01T00:00:00Z"),
    )
    states = [one.get("state") or one["problem"]["code"] for one in results]
    assert states == [
        "changed",
        "unchanged",
        "created",
        *["validation_failed"] * 4,
        "unchanged",
    ]
    assert results[-1]["outdated"] == ["size"]
    places = [one["problem"]["errors"][0]["pointer"] for one in results[3:7]]
    assert places == ["/3/facts", "/4/account", "/5/at", "/6"]
    assert (await client.get(NORTH)).json()["facts"] == {"size": 2}
    assert (await client.get("/v1/accounts/east")).json()["facts"] == too_many
    assert (await client.get("/v1/accounts/west")).status_code == 404


async def test_only_tried_nothing_is_kept(client: AsyncClient) -> None:
    """The results are those of the call that follows; events are tried the same way."""
    lines = [line("east", facts={"size": 1}, identities=[{"system": "crm", "id": "1"}])] * 2
    tried = await keep(client, *lines, query="?dry_run=true")
    assert (await client.get("/v1/accounts/east")).status_code == 404
    assert await keep(client, *lines) == tried
    revenue = [event(account="east"), event(account="east", event_id="2", currency="USD")]
    for query in ("?dry_run=true", ""):
        answer = await client.post(f"/v1/events{query}", json=revenue)
        assert [one["state"] for one in answer.json()["data"]] == ["entered", "parked"]
    assert len((await client.get("/v1/events")).json()["data"]) == 1


async def test_identities_come_with_the_accounts(client: AsyncClient) -> None:
    """New ones are added; one that is another account's refuses its line alone."""
    one, two = {"system": "crm", "id": "1"}, {"system": "crm", "id": "2"}
    results = await keep(
        client,
        line("east", identities=[one]),
        line("west", facts={"size": 1}, identities=[two, one]),
        line("west", identities=[two]),
    )
    assert results[1]["problem"]["code"] == "identity_taken"
    assert results[1]["problem"]["errors"][0]["pointer"] == "/1/identities/1"
    assert results[2]["state"] == "created"
    assert (await client.get("/v1/accounts/west")).json()["facts"] == {}
    for identity, key in (("crm:1", "east"), ("crm:2", "west")):
        found = (await client.get(f"/v1/accounts?identity={identity}")).json()["data"]
        assert [account["key"] for account in found] == [key]


async def test_a_line_is_like_a_patch_or_like_a_put(client: AsyncClient) -> None:
    """Everything told takes back what it does not mention."""
    await keep(client, line("east", facts={"size": 1, "country": "DE"}))
    later = "2026-11-21T00:00:00Z"
    await keep(client, line("east", facts={"size": 2}, at=later, is_everything=True))
    assert (await client.get("/v1/accounts/east")).json()["facts"] == {"size": 2}


async def test_a_merged_account_keeps_what_is_said_of_it(client: AsyncClient) -> None:
    """News of many under an old key are combined, and go with the old account again."""
    await keep(client, line("old"), line("new"))
    united = await client.post("/v1/accounts/old/merge", json={"into": "new", "reason": "one"})
    (result,) = await keep(client, line("old", facts={"size": 7}))
    assert result["state"] == "changed"
    assert (await client.get("/v1/accounts/new")).json()["facts"] == {"size": 7}
    merge = united.json()["merge"]["id"]
    await client.post(f"/v1/account-merges/{merge}/undo", json={"reason": "two"})
    assert (await client.get("/v1/accounts/new")).json()["facts"] == {}
    assert (await client.get("/v1/accounts/old")).json()["facts"] == {"size": 7}


async def test_three_who_bring_the_same_make_each_account_once(client: AsyncClient) -> None:
    """Each account is made once, and every fact arrives."""
    portions = [
        [line(f"n{n}", facts={f"from_{who}": n}) for n in range(20)[:: 1 if who else -1]]
        for who in range(3)
    ]
    answers = await asyncio.gather(*(keep(client, *portion) for portion in portions))
    states = [one["state"] for answer in answers for one in answer]
    assert (states.count("created"), states.count("changed")) == (20, 40)
    facts = (await client.get("/v1/accounts/n7")).json()["facts"]
    assert facts == {"from_0": 7, "from_1": 7, "from_2": 7}


async def test_lines_are_kept_as_they_come(client: AsyncClient) -> None:
    """As NDJSON, with a broken line between two good ones."""
    texts = [json.dumps(line("east")), "{broken", json.dumps(line("west"))]
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await client.post("/v1/accounts", content="\n".join(texts), headers=headers)
    results = [json.loads(text) for text in answer.text.splitlines()]
    assert [one.get("state") for one in results] == ["created", None, "created"]
    keyed = await client.post(
        "/v1/accounts", content=texts[0], headers=headers | {"Idempotency-Key": "k"}
    )
    assert problem_of(keyed)[:2] == (400, "invalid_idempotency_key")


_said = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["east", "west"]),
        "facts": st.dictionaries(
            st.sampled_from(["a", "b"]), st.none() | st.integers(0, 2), max_size=2
        ),
        "source": st.sampled_from(["crm", "erp"]),
        "day": st.integers(1, 4),
        "is_everything": st.booleans(),
    }
)


@given(said=st.lists(_said, max_size=6))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_many_at_once_are_known_as_one_by_one(
    said: list[dict[str, Any]], client: AsyncClient
) -> None:
    """An array, its lines one after the other, and PUT and PATCH end in the same accounts."""
    _numbers.append(len(_numbers))
    run = _numbers[-1]

    def told(way: str) -> list[dict[str, Any]]:
        return [
            line(
                f"{one['name']}-{way}-{run}",
                facts=one["facts"],
                source=one["source"],
                at=f"2026-11-0{one['day']}T00:00:00Z",
                is_everything=one["is_everything"],
            )
            for one in said
        ]

    await keep(client, *told("many"))
    for one in told("single"):
        await keep(client, one)
    for sent in told("plain"):
        key, is_put = sent.pop("account"), sent.pop("is_everything")
        path = f"/v1/accounts/{key}"
        made = await client.get(path)
        if not is_put and made.status_code == 404:
            await client.put(path, json={"facts": {}, "at": "2000-01-01T00:00:00Z"})
        answer = await client.request("PUT" if is_put else "PATCH", path, json=sent)
        assert answer.is_success, answer.text
    for name in {one["name"] for one in said}:
        many, single, plain = [
            (await client.get(f"/v1/accounts/{name}-{way}-{run}")).json()
            for way in ("many", "single", "plain")
        ]
        assert many["facts"] == single["facts"] == plain["facts"]
        assert many["provenance"] == single["provenance"] == plain["provenance"]


_numbers: list[int] = []
