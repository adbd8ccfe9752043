"""Every vendor in every mood: nothing is lost, nothing told twice, and it is said why."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.intake.conftest import Hands
from tests.intake.connected import Connected
from tests.intake.fake_vendors import FakeVendor, Mood, serving_vendor
from tests.intake.told import VENDORS, Told

pytestmark = pytest.mark.anyio
RECORDS: Final = 4


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    """Return a vendor on a port of its own."""
    async with serving_vendor() as vendor:
        yield vendor


def once(mood: Mood) -> Mood:
    """Return the mood on a write; who asks for a token is let in."""

    def unless_token(vendor: FakeVendor, request: Request, sent: Any) -> Response | None:  # noqa: ANN401 - JSON
        if request.url.path.endswith("/token"):
            vendor.moods.insert(0, unless_token)
            return None
        return mood(vendor, request, sent)

    return unless_token


def half(vendor: FakeVendor, _: Request, sent: Any) -> Response | None:  # noqa: ANN401 - JSON
    """Do half of a batch and mention nothing else; of one at a time, fail at the second."""
    if "inputs" in sent:
        some = sent["inputs"][: RECORDS // 2]
        for one in some:
            vendor.put("companies", one["id"], one["properties"])
        return JSONResponse({"results": [{"id": one["id"]} for one in some]})
    if "records" in sent:
        some = sent["records"][: RECORDS // 2]
        for one in some:
            vendor.put("Account", one["id"], {"ICP_Verdict__c": one["ICP_Verdict__c"]})
        return JSONResponse([{"id": one["id"], "success": True, "errors": []} for one in some])
    vendor.moods = [lambda *_: None, lambda *_: Response(b"", 500)]
    return None


MOODS: Final[dict[str, tuple[Mood, str]]] = {
    "500": (lambda *_: JSONResponse({"message": "oops"}, 500), "out of order"),
    "429": (lambda *_: JSONResponse({}, 429, {"retry-after": "90"}), "asks us to wait"),
    "half": (half, ""),
    "garbage": (lambda *_: Response(b"garbage"), "something else"),
}


@pytest.mark.parametrize("preset", VENDORS)
async def test_a_vendor_in_any_mood_is_told_of_everything_once(
    connected: Connected, vendor: FakeVendor, hands: Hands, preset: str
) -> None:
    """500, 429 with Retry-After, half a batch, garbage: each of the three in each."""
    told = await Told.of(connected, vendor, preset, RECORDS)
    for number, (mood, words) in enumerate(MOODS.values()):
        hands.ahead += timedelta(minutes=10)
        await told.change(300 if number % 2 == 0 else 1)
        vendor.moods = [once(mood)]
        await connected.work()
        states = await told.states()
        waiting = [problem for state, problem in states.values() if state == "waiting"]
        assert waiting, "it was in no such mood"
        assert all(problem and words in problem for problem in waiting), waiting
        assert {state for state, _ in states.values()} <= {"waiting", "written"}
        asked = len(vendor.asked)
        await connected.work()
        assert len(vendor.asked) == asked, "it was asked again before its time"
        for _ in range(3):
            hands.ahead += timedelta(minutes=2)
            await connected.work()
        assert {state for state, _ in (await told.states()).values()} == {"written"}
        assert sorted(own for _, own, _ in vendor.changes) == told.ids, "told once, each"
        assert await told.is_well()
