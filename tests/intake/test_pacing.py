"""Vendors are asked more slowly before they refuse: by what their answers say is left."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest
from starlette.responses import JSONResponse

from service.intake import write_back
from service.intake.quotas import pause_of
from service.settings import Settings
from service.storage import Job, parse_id
from tests.intake.conftest import Hands
from tests.intake.connected import Connected
from tests.intake.fake_vendors import FakeVendor, Quota, serving_vendor
from tests.intake.told import VENDORS, Told
from tests.web.serving import serving

pytestmark = pytest.mark.anyio
DAY: Final = "nearly used up"


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    """Return a vendor on a port of its own."""
    async with serving_vendor() as vendor:
        yield vendor


def hubspot(left: int, allowed: int) -> dict[str, str]:
    """Say what is left as HubSpot does."""
    return {
        "X-HubSpot-RateLimit-Max": str(allowed),
        "X-HubSpot-RateLimit-Remaining": str(left),
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    }


def pipedrive(left: int, allowed: int) -> dict[str, str]:
    """Say what is left as Pipedrive does."""
    told = {"x-ratelimit-limit": allowed, "x-ratelimit-remaining": left, "x-ratelimit-reset": 2}
    return {name: str(value) for name, value in told.items()}


def salesforce(left: int, allowed: int) -> dict[str, str]:
    """Say what is left of the day as Salesforce does."""
    return {"Sforce-Limit-Info": f"api-usage={allowed - left}/{allowed}"}


def daily(left: int, allowed: int) -> dict[str, str]:
    """Say what is left of a day's tokens as Pipedrive does."""
    return {
        "x-daily-ratelimit-token-remaining": str(left),
        "x-daily-ratelimit-token-limit": str(allowed),
    }


@pytest.mark.parametrize(
    ("headers", "wait_s", "words"),
    [
        ({}, None, ""),
        (hubspot(20, 190), None, ""),
        (hubspot(19, 190), 10, "allows at once"),
        (hubspot(0, 100), 10, "allows at once"),
        ({"x-hubspot-ratelimit-remaining": "0"}, None, ""),
        (hubspot(90, 100) | {"x-hubspot-ratelimit-interval-milliseconds": "x"}, None, ""),
        (hubspot(0, 100) | {"X-HubSpot-RateLimit-Interval-Milliseconds": "9" * 12}, 3600, "once"),
        (pipedrive(3, 20), None, ""),
        (pipedrive(2, 20), 2, "allows at once"),
        (pipedrive(20, 20) | daily(1000, 30_000), 3600, DAY),
        (pipedrive(0, 20) | daily(29_000, 30_000), 2, "allows at once"),
        (salesforce(7_500, 15_000), None, ""),
        (salesforce(750, 15_000), 3600, DAY),
        ({"sforce-limit-info": "api-usage=x/y"}, None, ""),
        ({"sforce-limit-info": "per-app-api-usage=17/17(appName=a)"}, None, ""),
    ],
)
def test_what_is_left_says_how_long_to_wait(
    headers: dict[str, str], wait_s: int | None, words: str
) -> None:
    """A tenth of a short limit, a twentieth of a day's is left to others; nonsense is no word."""
    pause = pause_of({name.lower(): value for name, value in headers.items()})
    if pause is None:
        assert wait_s is None
        return
    assert pause.wait == timedelta(seconds=wait_s or 0)
    assert words in pause.why
    assert pause.is_usual == (words != DAY)


SLOW: Final = {
    "hubspot": (Quota(1, hubspot), timedelta(seconds=10)),
    "pipedrive": (Quota(2, pipedrive), timedelta(seconds=2)),
    "salesforce": (Quota(2, salesforce), timedelta(hours=1)),
}


@pytest.mark.parametrize("preset", VENDORS)
async def test_no_vendor_has_to_refuse(
    connected: Connected, vendor: FakeVendor, hands: Hands, database_url: str, preset: str
) -> None:
    """Writing stops before the limit, for every worker, and goes on once there is more again."""
    told = await Told.of(connected, vendor, preset, 3)
    connection_id = parse_id(told.made["id"], "con")
    vendor.quota, wait = SLOW[preset]
    await told.change(300)
    await write_back(connected.served.app.house, connection_id)
    asked = len(vendor.asked)
    assert asked == vendor.quota.allowed
    await told.change(1)
    settings = Settings(insecure_endpoints=True, assess_every_s=0)
    async with serving(database_url, settings=settings, clock=hands, is_attended=False) as other:
        for _ in range(2):
            await write_back(other.app.house, connection_id)
    assert len(vendor.asked) == asked, "another worker asked in the pause"
    assert await told.is_well() == (preset != "salesforce"), "a used up day needs somebody"
    problems = {problem for state, problem in (await told.states()).values() if state == "waiting"}
    assert any("allows" in one for one in problems), problems
    for _ in range(4):
        hands.ahead += wait + timedelta(seconds=1)
        vendor.quota.used = 0
        await write_back(connected.served.app.house, connection_id)
    assert {state for state, _ in (await told.states()).values()} == {"written"}
    assert vendor.quota.refused == 0
    assert sorted(own for _, own, _ in vendor.changes) == told.ids


async def test_a_refusal_holds_back_who_reads_too(
    connected: Connected, vendor: FakeVendor, hands: Hands
) -> None:
    """HubSpot counts reading and writing together: a 429 on one is heeded by the other."""
    told = await Told.of(connected, vendor, "hubspot", 2)
    await told.change(300)
    vendor.moods = [lambda *_: JSONResponse({}, 429, {"Retry-After": "600"})]
    await connected.work(Job.WRITE_BACK)
    asked = len(vendor.asked)
    since = {"since": "2026-01-01T00:00:00Z"}
    path = f"/v1/connections/{told.made['id']}/resync"
    assert (await connected.served.ask("POST", path, json=since)).status_code == 202
    await connected.work(Job.RESYNC_CONNECTION)
    assert len(vendor.asked) == asked
    for values in vendor.records["companies"].values():
        values |= {"fleet": "7", "ms": 1767225600001, "updatedAt": "2026-01-02T00:00:00Z"}
    hands.ahead += timedelta(seconds=601)
    await connected.work(Job.RESYNC_CONNECTION)
    assert vendor.asked[-1][1].endswith("/search")
    assert len(await connected.deliveries(told.made)) == 1
