"""Who moved between two statements: every account in one flow, and why those that moved did."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import orjson
import psycopg
import pytest

from service.storage import libpq_url, transaction
from tests.portfolio.statements import NOON, position, store_statement
from tests.portfolio.taken import (
    FACTS,
    SLUG,
    add_accounts,
    add_entries,
    live_template,
    now,
    take_statement,
    work_out_all,
)
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PATH: Final = f"/v1/portfolio/{SLUG}/movements"
BAD: Final = {"value": [20, 20], "growth": [0, 0]}


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that does nothing between requests."""
    async with serving(database_url, is_attended=False) as served:
        yield served


async def shown(served: Served, query: str) -> dict[str, Any]:
    """Return movements."""
    answer = await served.ask("GET", f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def changed(one: dict[str, Any], **told: Any) -> dict[str, Any]:  # noqa: ANN401 - any column
    """Return the same account elsewhere."""
    return position(
        one["key"], **{"account_id": one["account_id"], "slices": one["slices"], **told}
    )


@pytest.fixture
async def two(served: Served) -> Served:
    """Return it with two statements: one stayed, two moved, one came and one left."""
    running = await live_template(served.app.house.engine)
    core = {"slices": {"segment": "core"}}
    north, south, east, west = (position(k, **core) for k in ("north", "south", "east", "west"))
    later = [
        changed(north, revenue=Decimal(10)),
        changed(south, outcome="bad_fit", scores=BAD, revenue=Decimal(5), cost=Decimal(9)),
        changed(east, scores={"value": [20, 90], "growth": [60, 60]}, slices={}),
        position("new"),
    ]
    async with transaction(served.app.house.engine) as connection:
        await store_statement(connection, running, [north, south, east, west])
        await store_statement(connection, running, later, at=NOON + timedelta(days=30))
    return served


SINCE: Final = "since=2026-11-27T00:00:00Z"


async def test_every_account_is_in_one_flow(two: Served) -> None:
    """Groups, cells, who came and who left add up to both statements."""
    told = await shown(two, SINCE)
    groups = {(one["before"], one["after"]): one["accounts"] for one in told["groups"]}
    assert groups == {("strong_partner", "strong_partner"): 2, ("strong_partner", "bad_fit"): 1}
    cells = {(one["value_before"], one["value_after"]): one["accounts"] for one in told["cells"]}
    assert cells == {("high", "high"): 1, ("high", "low"): 1, ("high", "between"): 1}
    assert [one["accounts"] for one in (*told["came"], *told["left"])] == [1, 1]
    assert (told["moved"]["accounts"], told["moved"]["margin"]) == (2, "-4.00")
    assert [one["account"] for one in told["accounts"]] == ["south", "east"]
    assert told["accounts"][0]["before"] == {
        "outcome": "strong_partner", "value": "high", "growth": "high",
    }  # fmt: skip
    assert told["accounts"][0]["unknown"] == "not_assessed"
    assert (told["why"], told["why_state"]) == (None, "queued")
    answer = await two.ask("GET", f"{PATH}.csv?{SINCE}")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert sum(int(line["accounts"]) for line in lines) == 5
    assert sum(int(line["accounts"]) for line in lines if line["is_move"] == "true") == 2
    picture = await two.ask("GET", f"{PATH}.svg?{SINCE}")
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/svg+xml")
    assert "Bad fit" in picture.text


async def test_pages_name_each_account_that_moved_once(two: Served) -> None:
    """Those of most revenue first, and the same flows beside every page."""
    first = await shown(two, f"{SINCE}&limit=1")
    rest = await shown(two, f"{SINCE}&limit=1&cursor={quote(first['next_cursor'])}")
    assert [one["account"] for one in (*first["accounts"], *rest["accounts"])] == ["south", "east"]
    assert (rest["next_cursor"], rest["groups"]) == (None, first["groups"])
    nobody = await shown(two, f"{SINCE}&limit=0")
    assert (nobody["accounts"], nobody["moved"]["accounts"]) == ([], 2)


async def test_a_slice_is_the_later_positions(two: Served) -> None:
    """Who left the slice is not in it; who left the portfolio is in it by the earlier one."""
    told = await shown(two, f"{SINCE}&slice=segment:core")
    assert (told["moved"]["accounts"], len(told["left"]), told["came"]) == (1, 1, [])


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 422, "validation_failed"),
        ("since=soon", 422, "validation_failed"),
        ("since=1899-01-01T00:00:00Z", 404, "statement_not_found"),
        ("since=2199-01-01T00:00:00Z", 422, "bad_since"),
        (f"{SINCE}&at=2026-11-28T00:00:00Z", 422, "bad_since"),
        (f"{SINCE}&slice=x:y", 422, "bad_slice"),
        (f"{SINCE}&limit=101", 422, "validation_failed"),
        (f"{SINCE}&cursor=e30", 422, "invalid_cursor"),
    ],
)
async def test_what_cannot_be_compared_is_refused(
    two: Served, query: str, status: int, code: str
) -> None:
    """Without an earlier statement, with a later one, in no such slice."""
    answer = await two.ask("GET", f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_causes_add_up_to_the_moves(served: Served, database_url: str) -> None:
    """Other facts moved one account, and nothing else did."""
    engine = served.app.house.engine
    running = await live_template(engine)
    known = {**FACTS, "progress": "steady"}
    ids = add_accounts(database_url, {"north": known, "south": known})
    lately = now() - timedelta(days=40)
    kinds = ("support_case", "custom_work", "cost", "discount", "late_payment", "escalation")
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute(
            "INSERT INTO account_source (name, rank, reports, row_version, updated_at, updated_by)"
            " VALUES ('billing', 0, %s, 1, now(), 'a test')",
            [[*kinds, "revenue", "process_exception", "meeting", "goal_change", "advice_followed",
              "training", "abuse"]],
        )  # fmt: skip
    add_entries(
        database_url,
        ids,
        [(key, "revenue", lately, Decimal(90_000), {"amount": 90_000}) for key in ids],
    )
    first = await take_statement(engine, database_url, running)
    with psycopg.connect(libpq_url(database_url)) as connection:
        facts = orjson.dumps({**known, "potential_revenue": 90_000}).decode()
        connection.execute("UPDATE account SET facts = %s WHERE key = 'north'", [facts])
    await take_statement(engine, database_url, running)
    since = f"since={quote(first.at.isoformat())}"
    waiting = await shown(served, since)
    assert (waiting["why_state"], waiting["why"]) == ("queued", None)
    assert (await served.ask("GET", f"{PATH}.csv?{since}&table=causes")).status_code == 202
    await work_out_all(engine)
    told = await shown(served, f"{since}&limit=0")
    assert (told["why_state"], told["accounts"]) == ("done", [])
    told = await shown(served, since)
    assert told["accounts"] == waiting["accounts"], "kept, it is what was worked out at once"
    groups = {(one["before"], one["after"]): one["accounts"] for one in told["groups"]}
    assert groups == {("strong_partner", "steady"): 1, ("strong_partner", "strong_partner"): 1}
    (north,) = told["accounts"]
    assert (north["account"], north["unknown"]) == ("north", None)
    assert north["why"]["group"] == {"rules": 0, "data": 1, "time": 0}
    assert told["why"]["groups"] == {"rules": 0, "data": 1, "time": 0}
    assert told["why"]["growth"]["data"] < 0
    (flow,) = [one["why"] for one in told["groups"] if one["why"] is not None]
    assert flow == {"rules": 0, "data": 1, "time": 0, "unknown": 0}
    table = await served.ask("GET", f"{PATH}.csv?{since}&table=causes")
    assert [line.split(",") for line in table.text.split()][1:] == [
        ["strong_partner", "steady", "1", "0.0", "1.0", "0.0", "0"]
    ]
    nobody = await shown(served, f"{since}&slice=segment:outside")
    assert nobody["why"]["accounts"] == 0
    ours = await shown(served, f"{since}&slice=segment:core&limit=0")
    assert ours["why"] == told["why"]
