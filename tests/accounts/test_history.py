"""How an account stood, decision after decision, and what came between: rules, data or time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from tests.accounts.assessing import LOAD, Scene, staged
from tests.decisions.rules import FLEET_LEADS, release

pytestmark = pytest.mark.anyio
PATH = "/v1/accounts/north/assessments"


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Return an account with a past: of new data, of time, of new data, and of new rules."""
    async with staged(database_url) as scene:
        await scene.put(vehicles=5)
        await scene.case(41, days=89)
        await scene.assess()
        scene.ahead = timedelta(days=2)
        await asked(scene)
        await scene.case(30)
        await scene.assess()
        await scene.release(LOAD.replace("points: 50", "points: 40"))
        await asked(scene)
        yield scene


async def asked(scene: Scene, **rest: object) -> dict[str, Any]:
    """Ask for a decision on the account as it is known now."""
    question = {"rule_set": "load", "account_key": "north", "final": True, "source": "daily"}
    decision: dict[str, Any] = await scene.send("POST", "/v1/qualify", question | rest)
    return decision


async def read(scene: Scene, query: str = "") -> dict[str, Any]:
    """Return a page of the account's history."""
    page: dict[str, Any] = await scene.send("GET", f"{PATH}?rule_set=load{query}")
    return page


def shares(moved: dict[str, Any], member: str = "outcome") -> dict[str, str]:
    """Return what each cause did to the outcome."""
    return {cause: moved[cause][member]["exact"] for cause in ("rules", "data", "time")}


async def test_each_step_tells_what_set_it_off_and_what_came_between(scene: Scene) -> None:
    """Who asks is told from what happens by itself, whatever source they name."""
    page = await read(scene)
    told = page["data"]
    assert (page["key"], page["rule_set"], page["next_cursor"]) == ("north", "load", None)
    assert [one["outcome"] for one in told] == ["fine", "talk", "fine", "talk"]
    assert [one["cause"] for one in told] == ["request", "change", "request", "change"]
    assert [one["scores"]["load"]["value"] for one in told] == [40, 50, 0, 50]
    assert told[-1]["moved"] is None
    none = {"rules": "0", "data": "0", "time": "0"}
    assert [shares(one["moved"]) for one in told[:-1]] == [
        none | {"rules": "1"},
        none | {"data": "1"},
        none | {"time": "1"},
    ]
    for later, earlier in pairwise(told):
        assert later["moved"]["before"] == earlier["decision"]
        parts = [later["moved"][cause]["scores"]["load"]["exact"] for cause in none]
        gone = later["scores"]["load"]["value"] - earlier["scores"]["load"]["value"]
        assert sum(map(Fraction, parts)) == Fraction(gone)
    assert "went from talk to fine (time 1)" in told[2]["moved"]["summary"]


async def test_a_window_that_moved_on_is_time_and_not_data(scene: Scene) -> None:
    """The ledger is measured anew for each mixture; the explanation names what grew old."""
    decision = (await read(scene))["data"][2]["decision"]
    told = await scene.send("GET", f"/v1/decisions/{decision}/why")
    aged = {"attribute": "hours_90d", "before": 41.0, "after": 0.0}
    assert told["time"]["changes"] == [aged]
    assert shares(told) == {"rules": "0", "data": "0", "time": "1"}
    assert told["data"]["changes"] == [aged]  # the facts of the two decisions do differ


async def test_rules_data_and_time_at_once_share_a_move(scene: Scene) -> None:
    """A case grew old, another came, and points were changed, all between two decisions."""
    first, last = (await read(scene))["data"][-1], (await read(scene))["data"][0]
    path = f"/v1/decisions/{last['decision']}/why?before={first['decision']}"
    told = await scene.send("GET", path)
    moved = shares(told, "outcome")
    assert sum(map(Fraction, moved.values())) == 1
    assert [one["attribute"] for one in told["time"]["changes"]] == ["hours_90d"]
    assert Fraction(moved["rules"]) > Fraction(moved["time"])


async def test_what_was_taken_back_later_still_counted_then(scene: Scene) -> None:
    """A reversal is data, entered when it was entered."""
    (entry,) = (
        one["id"]
        for one in (await scene.send("GET", "/v1/accounts/north/events"))["data"]
        if one["quantities"] == {"hours": 30}
    )
    await scene.send("POST", f"/v1/events/{entry}/reversal", {"reason": "another customer's"})
    await scene.assess()
    newest = (await read(scene, "&limit=1"))["data"][0]
    assert newest["cause"] == "change"
    expected = {"rules": "0", "data": "-40", "time": "0"}
    assert {
        cause: newest["moved"][cause]["scores"]["load"]["exact"] for cause in expected
    } == expected


async def test_what_the_ledger_does_not_give_again_goes_with_the_data(scene: Scene) -> None:
    """One merged since brings what was known of it before; a window's move cannot be told then."""
    await scene.put("south", vehicles=1)
    await scene.case(7, key="south", days=5)
    sent = {"into": "north", "reason": "one company"}
    await scene.send("POST", "/v1/accounts/south/merge", sent)
    steps = (await read(scene))["data"]
    assert shares(steps[2]["moved"]) == {"rules": "0", "data": "0", "time": "1"}
    # The entry was made before both decisions, though nobody had it on this account then.
    scene.rows("""
        SET session_replication_role = replica;
        UPDATE account_event SET recorded_at = now() - interval '1 h'
            WHERE quantities = '{"hours": 7}'
    """)
    steps = (await read(scene))["data"]
    assert shares(steps[2]["moved"]) == {"rules": "0", "data": "1", "time": "0"}


async def test_it_is_read_a_page_at_a_time(scene: Scene) -> None:
    """Pages together are the whole, each step beside the one before it, across pages too."""
    whole = (await read(scene))["data"]
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await read(scene, f"&limit=1{cursor}")
        found += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == whole
    other = await scene.served.ask("GET", f"{PATH}?rule_set=other{cursor}")
    assert (other.status_code, other.json()["code"]) == (422, "invalid_cursor")


async def test_the_current_assessment_tells_what_came_between(scene: Scene) -> None:
    """The decision before, and the shares of the three."""
    (standing,) = (await scene.send("GET", "/v1/accounts/north/assessment"))["data"]
    newest, earlier = (await read(scene, "&limit=2"))["data"]
    assert standing["current"]["decision"] == newest["decision"]
    assert standing["previous"]["decision"] == earlier["decision"]
    assert standing["moved"] == newest["moved"]


async def test_what_would_have_been_is_no_history(scene: Scene) -> None:
    """A decision by a version that was asked for, though not live, was never how it stood."""
    before = await read(scene)
    await asked(scene, at_version=1)
    assert await read(scene) == before


async def test_erased_facts_leave_the_step_and_say_why_it_has_no_shares(scene: Scene) -> None:
    """Verdict, scores and instant stay."""
    scene.rows("UPDATE decision SET facts = NULL, facts_erased_at = now() WHERE decided_at IN"
               " (SELECT min(decided_at) FROM decision)")  # fmt: skip
    told = (await read(scene))["data"]
    assert told[-1]["outcome"] == "talk"
    assert told[-2]["moved"]["unknown"] == "facts_erased"
    assert told[-2]["moved"]["time"] is None
    assert told[-3]["moved"]["unknown"] is None


async def test_asking_decides_now_once_a_key(scene: Scene) -> None:
    """`POST /v1/qualify` with a stored account is the request for an assessment: kept, and once."""
    question = {"rule_set": "load", "account_key": "north", "final": True}
    headers = {"Idempotency-Key": "again"}
    answers = [
        await scene.served.ask("POST", "/v1/qualify", json=question, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert (await scene.standing())["decision"] == answers[0].json()["id"]
    assert len((await read(scene))["data"]) == 5


async def test_what_cannot_be_listed_is_refused(database_url: str) -> None:
    """With a code, and never a 5xx."""
    refused = [
        ("/v1/accounts/nobody/assessments?rule_set=load", 404, "account_not_found"),
        (f"{PATH}?rule_set=nothing", 404, "rule_set_not_found"),
        (PATH, 422, "validation_failed"),
        (f"{PATH}?rule_set=load&limit=51", 422, "validation_failed"),
        (f"{PATH}?rule_set=LOAD'", 422, "validation_failed"),
        (f"{PATH}?rule_set=load&cursor=bm9uZQ", 422, "invalid_cursor"),
    ]
    async with staged(database_url) as scene:
        await scene.put(vehicles=5)
        for path, status, code in refused:
            answer = await scene.served.ask("GET", path)
            assert (answer.status_code, answer.json()["code"]) == (status, code), path


async def test_a_rule_set_that_never_judged_it_has_an_empty_history(database_url: str) -> None:
    """Rules for leads among them: the account is there, and the list is empty."""
    async with staged(database_url) as scene:
        await release(scene.served.app.house, FLEET_LEADS)
        await scene.put(vehicles=5)
        page = await scene.send("GET", f"{PATH}?rule_set=fleet_leads")
        assert (page["data"], page["next_cursor"]) == ([], None)
