"""The whole life of a rule version over HTTP: from an edit to a rollback, by two people."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from service.storage import verify_audit
from tests.rulesets.authors import TEXT
from tests.rulesets.four_eyes import FourEyes
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

GENEROUS = TEXT.replace("points: 30", "points: 60")
STRICT = TEXT.replace("vehicles >= 100", "vehicles >= 250")
FLEETS = (5, 30, 45, 60, 80, 120, 300, 500)
WITHIN_S = 20.0
PLANNED = timedelta(seconds=4)


@dataclass
class Hands:
    """The hands of the service's clock, which the test puts forward."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        """Return the present, and as much more as was put forward."""
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class Life:
    """A rule set with its two people, seen through HTTP alone."""

    served: Served
    team: FourEyes
    hands: Hands

    async def get(self, path: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return what stands at an address of the rule set, or at one from the root."""
        path = path if path.startswith("/v1") else f"/v1/rule-sets/small_leads{path}"
        answer = await self.served.ask("GET", path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    async def decide(self, vehicles: int) -> Any:  # noqa: ANN401 - a JSON value
        """Decide on one fleet, which is known by its size."""
        lead = {"vehicles": vehicles, "country": "DE"}
        body = {"rule_set": "small_leads", "lead": lead, "external_id": f"fleet-{vehicles}"}
        answer = await self.served.ask("POST", "/v1/qualify", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def versions_of(self, decisions: list[Any]) -> set[int]:
        """Return by which versions *decisions* were made."""
        return {one["rule_set"]["version"] for one in decisions}

    async def until(self, path: str, is_so: Any) -> Any:  # noqa: ANN401 - JSON, and a test of it
        """Return what stands at *path* as soon as it is so."""
        async with asyncio.timeout(WITHIN_S):
            while not is_so(found := await self.get(path)):  # noqa: ASYNC110 - over HTTP one asks
                await asyncio.sleep(0.1)
        return found

    async def backtest(self, body: dict[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
        """Have a backtest made and return it once it is done."""
        asked = await self.served.ask("POST", "/v1/backtests", json=body)
        assert asked.status_code in {201, 202}, asked.text
        path = f"/v1/backtests/{asked.json()['id']}"
        return await self.until(path, lambda found: found["state"] == "done")


@pytest.fixture
async def life(database_url: str) -> AsyncIterator[Life]:
    """Version 1 is live, eight fleets were decided, and few may flip without a review."""
    hands = Hands()
    async with serving(database_url, clock=hands) as served:
        team = await FourEyes.opened(served)
        budget = {"share": 0.02, "window_days": 30}
        assert (await team.policy(flip_budget=budget)).status_code == 200
        yield Life(served, team, hands)


def refused(answer: httpx.Response) -> str:
    """Return the code of a refusal."""
    assert answer.is_client_error, answer.text
    return str(answer.json()["code"])


async def test_a_version_lives_from_edit_to_rollback(life: Life) -> None:
    """Edit, check, backtest, review by another key, schedule, live, shadow, rollback."""
    first = [await life.decide(size) for size in FLEETS]
    await _is_written_and_mended(life)
    await _is_tried_and_approved(life)
    second = await _goes_live_at_its_instant(life)
    await _is_followed_by_a_shadow(life)
    await _is_overruled_and_explained(life, first, second)
    third = await _is_taken_back(life)
    for decision in (*first, *second, *third):
        path = f"/v1/decisions/{decision['id']}/replay"
        replayed = (await life.served.ask("POST", path)).json()
        assert replayed["identical"], replayed["differences"]
    report = await verify_audit(life.served.app.house.engine)
    assert report.holds
    told = {one["action"] for one in (await life.get("/v1/audit?limit=200"))["data"]}
    assert told >= {
        "rulesets.edit", "rulesets.commit", "rulesets.release", "rulesets.freeze",
        "reviews.ask", "reviews.lapse", "reviews.approve", "backtests.ask", "decisions.override",
    }  # fmt: skip


async def _is_written_and_mended(life: Life) -> None:
    """A mistake is kept, told with its place, and mended under If-Match."""
    team = life.team
    stale = (await team.ann.ask("GET", "/drafts/main")).headers["etag"]
    wrong = GENEROUS.replace("vehicles >= 20", "vehicels >= 20")
    assert (await team.edit(wrong)).status_code == 200
    checked = (await team.ann.ask("POST", "/drafts/main/check")).json()
    (problem,) = [one for one in checked["problems"] if one["severity"] == "error"]
    assert (problem["code"], problem["suggestion"]) == ("unknown-name", "vehicles")
    assert problem["line"] is not None
    assert refused(await team.bob.write(TEXT, if_match=stale)) == "precondition_failed"
    assert (await team.edit(GENEROUS)).status_code == 200
    checked = (await team.ann.ask("POST", "/drafts/main/check")).json()
    assert (checked["ok"], checked["tests"][0]["passed"]) == (True, True)
    edits = (await life.get("/drafts/main/history"))["data"]
    assert {one["person"] for one in edits} == {"ann@example.com"}
    assert len(edits) >= 3


async def _is_tried_and_approved(life: Life) -> None:
    """Who flips is counted, another person approves exactly that text, and then it is a version."""
    team = life.team
    review = await team.reviewed(draft="main")
    assert refused(await team.approve(review, by=team.ann)) == "own_review"
    assert (await team.approve(review)).status_code == 200
    assert (await team.edit(GENEROUS + "# one more thought\n")).status_code == 200
    assert await team.state(review) == "lapsed"
    committed = (await team.ann.commit()).json()
    assert committed["version"] == 2
    needs = await team.ann.release(2)
    assert refused(needs) == "backtest_required"
    found = await life.backtest(needs.json()["backtest"])
    result = found["result"]
    assert (result["replayed"], result["flips"]) == (len(FLEETS), 4)
    flips = (await life.get(f"/v1/backtests/{found['id']}/flips"))["data"]
    assert {edit["id"] for one in flips for edit in one["cause"]["edits"]} == {"medium"}
    waits = await team.ann.release(2)
    assert refused(waits) == "review_required"
    assert "above this rule set's flip budget of 2 %" in waits.json()["detail"]
    review = await team.reviewed(version=2)
    read = await life.get(f"/reviews/{review['id']}")
    assert (read["evidence"]["flips"], read["evidence"]["backtest"]) == (4, found["id"])
    assert (await team.approve(review, comment="they convert")).status_code == 200


async def _goes_live_at_its_instant(life: Life) -> list[Any]:
    """Before the instant the old version decides, from then on the new one."""
    begins = datetime.now(UTC) + PLANNED
    answer = await life.team.ann.ask(
        "POST",
        "/releases",
        json={"version": 2, "reason": "they convert", "from": begins.isoformat()},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["approved_by"] == "bob@example.com"
    before = [await life.decide(size) for size in FLEETS[:2]]
    assert await life.versions_of(before) == {1}
    assert (await life.get("?at=" + begins.isoformat().replace("+00:00", "Z")))["live"][
        "version"
    ] == 2
    life.hands.ahead = timedelta(seconds=40)
    after = [await life.decide(size) for size in FLEETS]
    assert await life.versions_of(after) == {2}
    return [*before, *after]


async def _is_followed_by_a_shadow(life: Life) -> None:
    """The next version is judged beside it: counted, told with both sides, never answered."""
    team = life.team
    number = await team.second(STRICT)
    asked = {"version": number, "mode": "shadow", "share": 1, "reason": "try it"}
    assert (await team.ann.ask("POST", "/releases", json=asked)).status_code == 201
    decided = [await life.decide(size) for size in FLEETS]
    assert await life.versions_of(decided) == {2}
    shadow = f"/shadows/{number}"
    seen = await life.until(shadow, lambda found: found["compared"] == len(FLEETS))
    assert (seen["failed"], seen["dropped"]) == (0, 0)
    listed = (await life.get(f"{shadow}/disagreements"))["data"]
    assert len(listed) == seen["disagreed"] > 0
    one = listed[0]
    both = await life.get(f"{shadow}/disagreements/{one['decision']}")
    assert both["live"]["verdict"] != both["shadow"]["verdict"]
    assert both["live"]["reasons"]
    assert both["shadow"]["reasons"]
    ended = {"version": number, "mode": "shadow", "share": 0, "reason": "seen enough"}
    assert (await team.ann.ask("POST", "/releases", json=ended)).status_code == 201


async def _is_overruled_and_explained(life: Life, first: list[Any], second: list[Any]) -> None:
    """A person decides otherwise, which is counted by rule; why a lead moved is told exactly."""
    moved = next(
        new for old, new in zip(first, second[2:], strict=True) if old["verdict"] != new["verdict"]
    )
    word = {"verdict": "disqualify", "reason": "they told us on the phone"}
    path = f"/v1/decisions/{moved['id']}"
    assert (await life.served.ask("POST", f"{path}/override", json=word)).is_success
    read = await life.get(path)
    assert (read["verdict"], read["override"]["rules"]["verdict"]) == ("disqualify", "qualify")
    counted = {one["id"]: one["overruled"] for one in (await life.get("/overrides"))["data"]}
    assert counted["medium"] == 1
    before = first[second[2:].index(moved)]["id"]
    why = await life.get(f"{path}/why?before={before}")
    shares = [why[part]["scores"]["fit"]["value"] for part in ("rules", "data", "time")]
    assert shares == [30, 0, 0]


async def _is_taken_back(life: Life) -> list[Any]:
    """While it is frozen nothing moves; then one call brings the old version back."""
    team = life.team
    assert (await team.bob.ask("POST", "/freeze", json={"reason": "fair"})).is_success
    back = {"version": 1, "reason": "they did not convert"}
    assert refused(await team.ann.ask("POST", "/releases", json=back)) == "frozen"
    assert (await team.bob.ask("POST", "/unfreeze", json={"reason": "over"})).is_success
    await asyncio.sleep(PLANNED.total_seconds())  # what was planned is past by every clock
    answer = await team.ann.ask("POST", "/releases", json=back)
    assert answer.status_code == 201, answer.text
    life.hands.ahead += timedelta(seconds=40)
    decided = [await life.decide(size) for size in FLEETS]
    assert await life.versions_of(decided) == {1}
    return decided
