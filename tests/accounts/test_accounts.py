"""Accounts over HTTP: put, patched, read, listed, each fact with its source."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.storage import transaction, verify_audit
from service.storage.tables import AuditEntryRow
from tests.accounts.conftest import Clock

NORTH = "/v1/accounts/north-haulage"
FACTS: dict[str, Any] = {"company_size": 120, "industry": "logistics", "products": ["fleet"]}

pytestmark = pytest.mark.anyio


def problem_of(response: Response) -> tuple[int, str, list[str]]:
    """Return a refusal's status, its code, and where its faults lie."""
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    places = [fault.get("pointer", fault.get("parameter")) for fault in body.get("errors", [])]
    return response.status_code, body["code"], places


async def test_a_new_account_is_made_and_read_back(client: AsyncClient) -> None:
    """PUT answers 201 with what GET shows from then on."""
    made = await client.put(NORTH, json={"facts": FACTS, "source": "hubspot"})
    assert made.status_code == 201, made.text
    read = await client.get(NORTH)
    assert read.status_code == 200
    assert read.json() == made.json()
    assert read.headers["etag"] == made.headers["etag"] == '"1"'
    body = read.json()
    assert body["key"] == "north-haulage"
    assert body["id"].startswith("acc_")
    assert body["facts"] == FACTS
    assert body["provenance"]["industry"] == {
        "source": "hubspot",
        "at": "2026-11-22T12:00:00.000000Z",
        "by": "ann",
        "others": [],
    }
    assert body["created_at"] == body["updated_at"] == "2026-11-22T12:00:00.000000Z"


async def test_a_put_replaces_and_a_patch_adds(client: AsyncClient, clock: Clock) -> None:
    """PUT tells everything, PATCH something, null removes, and the tag moves each time."""
    await client.put(NORTH, json={"facts": FACTS})
    clock.turn(timedelta(minutes=1))
    patched = await client.patch(
        NORTH, json={"facts": {"company_size": 140, "industry": None}, "source": "hubspot"}
    )
    assert patched.json()["facts"] == {"company_size": 140, "products": ["fleet"]}
    assert patched.json()["provenance"]["company_size"]["source"] == "hubspot"
    assert patched.json()["provenance"]["products"]["source"] == "api"
    assert patched.headers["etag"] == '"2"'
    clock.turn(timedelta(minutes=1))
    replaced = await client.put(NORTH, json={"facts": {"industry": "retail"}})
    assert replaced.status_code == 200
    assert replaced.json()["facts"] == {"industry": "retail"}
    assert replaced.headers["etag"] == '"3"'
    assert (await client.get(NORTH)).json()["facts"] == {"industry": "retail"}


async def test_a_merge_patch_is_read_as_one(client: AsyncClient) -> None:
    """RFC 7396's media type works as well as plain JSON."""
    await client.put(NORTH, json={"facts": FACTS})
    patched = await client.patch(
        NORTH,
        content=b'{"facts": {"industry": null}}',
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert patched.status_code == 200, patched.text
    assert "industry" not in patched.json()["facts"]


async def test_late_news_do_not_undo_later_ones(client: AsyncClient) -> None:
    """A delivery that arrives out of order changes only what nobody knew better."""
    await client.put(NORTH, json={"facts": {}, "at": "2026-11-22T11:00:00Z"})
    later = {"facts": {"company_size": 140}, "at": "2026-11-22T11:30:00Z"}
    earlier = {"facts": {"company_size": 90, "industry": "retail"}, "at": "2026-11-22T11:15:00Z"}
    await client.patch(NORTH, json=later)
    answer = await client.patch(NORTH, json=earlier)
    assert answer.json()["facts"] == {"company_size": 140, "industry": "retail"}
    assert answer.json()["outdated"] == ["company_size"]


async def test_the_same_change_again_changes_nothing(client: AsyncClient) -> None:
    """A repeat of news leaves tag, instant and audit as they were."""
    told = {"facts": FACTS, "at": "2026-11-22T11:00:00Z"}
    first = await client.put(NORTH, json=told)
    again = await client.put(NORTH, json=told)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["etag"] == again.headers["etag"]


@pytest.mark.parametrize("offset", ["2026-11-22T13:00:00+01:00", "2026-11-22T12:00:00Z"])
async def test_an_instant_may_have_any_offset(client: AsyncClient, offset: str) -> None:
    """What is shown is in UTC."""
    made = await client.put(NORTH, json={"facts": FACTS, "at": offset})
    assert made.json()["provenance"]["industry"]["at"] == "2026-11-22T12:00:00.000000Z"


async def test_a_clock_slightly_ahead_is_forgiven_and_a_wrong_one_is_not(
    client: AsyncClient,
) -> None:
    """A minute from now is called now; an hour from now is a mistake."""
    made = await client.put(NORTH, json={"facts": FACTS, "at": "2026-11-22T12:01:00Z"})
    assert made.json()["provenance"]["industry"]["at"] == "2026-11-22T12:00:00.000000Z"
    refused = await client.put(NORTH, json={"facts": FACTS, "at": "2026-11-22T13:00:00Z"})
    assert problem_of(refused) == (422, "validation_failed", ["/at"])


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("PUT", {"If-Match": '"1"'}, 200),
        ("PUT", {"If-Match": "*"}, 200),
        ("PUT", {"If-Match": '"7", "1"'}, 200),
        ("PUT", {"If-Match": '"2"'}, 412),
        ("PUT", {"If-Match": 'W/"1"'}, 412),
        ("PUT", {"If-None-Match": "*"}, 412),
        ("PATCH", {"If-Match": '"1"'}, 200),
        ("PATCH", {"If-Match": '"2"'}, 412),
        ("GET", {"If-None-Match": '"1"'}, 304),
        ("GET", {"If-None-Match": '"2"'}, 200),
    ],
)
async def test_conditions_are_held(
    client: AsyncClient, method: str, headers: dict[str, str], status: int
) -> None:
    """Whoever names the state they edit is never overwritten, nor overwrites."""
    await client.put(NORTH, json={"facts": FACTS})
    body = None if method == "GET" else {"facts": {"industry": "retail"}}
    answer = await client.request(method, NORTH, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["etag"] in {'"1"', '"2"'}


async def test_a_condition_on_an_account_that_is_not_there_fails(client: AsyncClient) -> None:
    """If-Match never makes an account, and If-None-Match does."""
    refused = await client.put(NORTH, json={"facts": FACTS}, headers={"If-Match": "*"})
    assert problem_of(refused)[:2] == (412, "precondition_failed")
    made = await client.put(NORTH, json={"facts": FACTS}, headers={"If-None-Match": "*"})
    assert made.status_code == 201


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PATCH", ""), ("GET", "/assessment")])
async def test_an_account_that_is_not_there_is_not_found(
    client: AsyncClient, method: str, path: str
) -> None:
    """Only PUT makes one."""
    body: object = {"facts": {}} if method == "PATCH" else None
    assert problem_of(await client.request(method, NORTH + path, json=body))[:2] == (
        404,
        "account_not_found",
    )


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["/facts"]),
        ([], [""]),
        ({"facts": []}, ["/facts"]),
        ({"facts": {"size": {"deep": 1}}}, ["/facts/size"]),
        ({"facts": {"size": [["deep"]]}}, ["/facts/size"]),
        ({"facts": {"Size": 1}}, ["/facts/Size"]),
        ({"facts": {"*": 1}}, ["/facts/*"]),
        ({"facts": {}, "sauce": "x"}, ["/sauce"]),
        ({"facts": {}, "source": ""}, ["/source"]),
        ({"facts": {}, "source": 7}, ["/source"]),
        ({"facts": {}, "at": "yesterday"}, ["/at"]),
        ({"facts": {}, "at": "2026-11-22T12:00:00"}, ["/at"]),
        ({"facts": {}, "at": 1_700_000_000}, ["/at"]),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_body_of_another_form_is_refused_at_its_place(
    client: AsyncClient, method: str, body: object, places: list[str]
) -> None:
    """The pointer leads to the mistake, and nothing is stored."""
    await client.put(NORTH, json={"facts": FACTS})
    refused = await client.request(method, NORTH, json=body)
    assert problem_of(refused) == (422, "validation_failed", places)
    assert (await client.get(NORTH)).json()["facts"] == FACTS


async def test_no_refusal_repeats_a_value(client: AsyncClient) -> None:
    """What was wrong is told by place, not by quoting somebody's data."""
    body = {"facts": {"mail": {"x": "ann@fleet.example"}}, "at": "ann@fleet.example"}
    refused = await client.put(NORTH, json=body)
    assert refused.status_code == 422
    assert "ann@" not in refused.text


async def test_numbers_of_every_size_come_back(client: AsyncClient) -> None:
    """A double past 64 bits survives storage, and reading it is no defect."""
    facts = {"huge": 1e300, "tiny": 5e-324, "long": 2**70, "whole": 3.0, "truth": True, "odd": 0.1}
    await client.put(NORTH, json={"facts": facts})
    read = await client.get(NORTH)
    assert read.status_code == 200
    assert read.json()["facts"] == facts
    assert read.json()["facts"]["truth"] is True


async def test_an_account_holds_256_attributes_and_not_one_more(
    client: AsyncClient, clock: Clock
) -> None:
    """At the limit all is well; past it the refusal says how to make room."""
    half = {f"a{n}": n for n in range(128)}
    await client.put(NORTH, json={"facts": half})
    full = await client.patch(NORTH, json={"facts": {f"b{n}": n for n in range(128)}})
    assert full.status_code == 200
    assert len(full.json()["facts"]) == 256
    refused = await client.patch(NORTH, json={"facts": {"c": 1}})
    assert problem_of(refused) == (422, "validation_failed", ["/facts"])
    removed = await client.patch(NORTH, json={"facts": {"a0": None}})
    assert removed.status_code == 200
    assert (await client.patch(NORTH, json={"facts": {"c": 1}})).status_code == 422
    clock.turn(timedelta(seconds=1))
    assert (await client.put(NORTH, json={"facts": half})).status_code == 200
    assert (await client.patch(NORTH, json={"facts": {"c": 1}})).status_code == 200


@pytest.mark.parametrize(
    "key",
    ["7590-VHVEG", "Acme Corporation", "größe & söhne", "a@b.example", "%25", "a" * 200, "..."],
)
async def test_a_key_may_be_what_a_company_uses_already(client: AsyncClient, key: str) -> None:
    """Customer numbers, names with spaces and umlauts, addresses."""
    path = f"/v1/accounts/{quote(key, safe='')}"
    made = await client.put(path, json={"facts": FACTS})
    assert made.status_code == 201, made.text
    assert made.json()["key"] == key
    assert (await client.get(path)).json()["key"] == key


@pytest.mark.parametrize("key", ["a" * 201, "%20north", "north%20", "no%0Arth", "%7F"])
async def test_a_key_that_would_be_mistyped_is_refused(client: AsyncClient, key: str) -> None:
    """No blanks around it, no control characters, no more than 200 characters."""
    refused = await client.put(f"/v1/accounts/{key}", json={"facts": FACTS})
    assert problem_of(refused) == (422, "validation_failed", ["key"])


async def test_accounts_are_listed_a_page_at_a_time(client: AsyncClient, clock: Clock) -> None:
    """Five accounts, two a page: each once, the newest first, the cursor ends by itself."""
    for number in range(5):
        clock.turn(timedelta(seconds=1))
        await client.put(f"/v1/accounts/number-{number}", json={"facts": {"n": number}})
    seen: list[str] = []
    address = "/v1/accounts?limit=2"
    for _ in range(3):
        page = await client.get(address)
        seen += [account["key"] for account in page.json()["data"]]
        if page.json()["next_cursor"] is None:
            assert "link" not in page.headers
            break
        address = page.links["next"]["url"]
    assert seen == [f"number-{n}" for n in (4, 3, 2, 1, 0)]
    assert problem_of(await client.get("/v1/accounts?cursor=nonsense"))[:2] == (
        422,
        "invalid_cursor",
    )


async def test_every_change_is_in_the_audit_by_name_and_never_by_value(
    client: AsyncClient, engine: AsyncEngine, clock: Clock
) -> None:
    """Who changed which attributes of which account is kept; what they are is not."""
    await client.put(NORTH, json={"facts": {"mail": "ann@fleet.example"}})
    clock.turn(timedelta(minutes=1))
    await client.patch(NORTH, json={"facts": {"industry": "retail"}})
    async with transaction(engine) as connection:
        rows = (
            await connection.execute(
                select(AuditEntryRow.__table__)
                .where(AuditEntryRow.action.startswith("accounts."))
                .order_by(AuditEntryRow.seq)
            )
        ).all()
    assert [(row.action, row.actor) for row in rows] == [
        ("accounts.create", "ann"),
        ("accounts.change", "ann"),
    ]
    assert [row.payload for row in rows] == [
        b'{"attributes":["mail"],"row_version":1}',
        b'{"attributes":["industry"],"row_version":2}',
    ]
    assert (await verify_audit(engine)).holds


async def test_twenty_at_once_make_one_account_and_lose_no_attribute(
    client: AsyncClient, engine: AsyncEngine
) -> None:
    """Creation in the same moment happens once; patches in the same moment all arrive."""
    made = await asyncio.gather(*(client.put(NORTH, json={"facts": {}}) for _ in range(4)))
    assert sorted(answer.status_code for answer in made) == [200, 200, 200, 201]
    patched = await asyncio.gather(
        *(client.patch(NORTH, json={"facts": {f"a{n}": n}}) for n in range(20))
    )
    assert {answer.status_code for answer in patched} == {200}
    assert (await client.get(NORTH)).json()["facts"] == {f"a{n}": n for n in range(20)}
    async with transaction(engine) as connection:
        counted = (await connection.execute(text("SELECT count(*) FROM account"))).scalar_one()
    assert counted == 1


async def test_without_the_scope_the_door_stays_shut(client: AsyncClient) -> None:
    """No key, no account; the refusal tells nothing of what is there."""
    await client.put(NORTH, json={"facts": FACTS})
    refused = await client.get(NORTH, headers={"Authorization": "Bearer gf_sk_wrong"})
    assert problem_of(refused)[:2] == (401, "unauthenticated")
