"""An account that changes is assessed by itself: soon, once, and by every rule set."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from service.accounts import claim_due
from service.decisions import assess_some
from service.decisions.assessing import Pace
from service.storage import libpq_url, transaction
from tests.accounts.assessing import LOAD, Scene, staged
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, release

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Return an application that assesses when it is told to."""
    async with staged(database_url) as scene:
        yield scene


async def two_told(scene: Scene) -> None:
    """Make two accounts, and let nothing be due."""
    await scene.put(vehicles=5)
    await scene.put("south", vehicles=7)
    await scene.assess()
    assert scene.due() == []


async def test_a_change_of_facts_is_assessed_and_a_repeat_is_not(scene: Scene) -> None:
    """The account is due from the very transaction on; after that it stands as it is known."""
    await scene.put(vehicles=5)
    assert scene.due() == [("north", "change")]
    assert await scene.assess() == 1
    assert (await scene.standing())["outcome"] == "fine"
    assert scene.due() == []
    await scene.put(vehicles=5)  # of a later moment, and the same
    many = [{"account": "north", "facts": {"vehicles": 5}}]
    await scene.send("POST", "/v1/accounts", many)
    assert scene.due() == []
    await scene.case(41)
    assert scene.due() == [("north", "change")]
    await scene.assess()
    assert (await scene.standing())["outcome"] == "talk"
    assert scene.decisions() == [("north", "change", 2)]


async def test_every_way_to_change_an_account_makes_it_due(scene: Scene) -> None:
    """Facts, events, reversals, parked events, merges, identities: of whom they change alone."""
    await two_told(scene)
    entry = await scene.case(41)

    async def after(call: Any, *due: tuple[str, str]) -> Any:  # noqa: ANN401 - JSON
        await scene.assess()
        answer = await call
        assert scene.due() == list(due)
        return answer

    north = ("north", "change")
    event = {"kind": "support_case", "quantities": {"hours": 1}, "source": "desk"}
    event["at"] = datetime.now(UTC).isoformat()
    path = "/v1/accounts/north"
    await after(scene.send("PATCH", path, {"facts": {"vehicles": 8}}), north)
    await after(scene.send("POST", f"/v1/events/{entry}/reversal", {"reason": "a test"}), north)
    many = [{"account": "south", "facts": {"vehicles": 3}}, {"account": "north", "facts": {}}]
    await after(scene.send("POST", "/v1/accounts", many), ("south", "import"))
    lines = [event | {"account": key, "event_id": key} for key in ("north", "south", "nobody")]
    both = ("north", "import"), ("south", "import")
    await after(scene.send("POST", "/v1/events", lines), *both)
    await after(scene.send("POST", "/v1/events", lines[:2]))
    await after(scene.put("nobody", vehicles=1), ("nobody", "change"))
    replayed = scene.send("POST", "/v1/parked-events/replay", {})
    await after(replayed, ("nobody", "import"))
    await after(scene.send("PUT", f"{path}/identities/crm/7"), north)
    await after(scene.send("DELETE", f"{path}/identities/crm/7"), north)
    sent = {"into": "north", "reason": "one company"}
    await after(scene.send("POST", "/v1/accounts/south/merge", sent | {"dry_run": True}))
    merged = await after(scene.send("POST", "/v1/accounts/south/merge", sent), north)
    await after(
        scene.send("PATCH", "/v1/accounts/south", {"facts": {"since": "2020-01-01"}}), north
    )
    undone = f"/v1/account-merges/{merged['merge']['id']}/undo"
    await after(scene.send("POST", undone, {"reason": "two"}), north, ("south", "change"))


async def test_every_rule_set_for_accounts_that_is_live_judges(scene: Scene) -> None:
    """Rules for leads do not; what comes out as before is not written again."""
    for source in (FLEET_LEADS, FLEET_ACCOUNTS):
        await release(scene.served.app.house, source)
    await scene.put(vehicles=150)
    await scene.assess()
    assert scene.decisions() == [("north", "change", 2)]
    await scene.put(vehicles=151)
    assert scene.due() == [("north", "change")]
    await scene.assess()
    assert scene.due() == []
    assert scene.decisions() == [("north", "change", 2)]
    await scene.put(vehicles=151, paid=True)
    await scene.assess()
    assert scene.decisions() == [("north", "change", 3)]
    assert (await scene.standing(rule_set="fleet_accounts"))["outcome"] == "steady"


async def test_another_reason_for_the_same_score_is_written(scene: Scene) -> None:
    """What a decision says is its rules' answers, not only their sum."""
    rules = LOAD.replace("points: 20}", "points: 10}").replace("rule_set: load", "rule_set: even")
    await release(scene.served.app.house, rules)
    today = datetime.now(UTC).date().isoformat()
    await scene.put(vehicles=100, since="2001-01-01")
    await scene.assess()
    before = await scene.standing(rule_set="even")
    await scene.put(vehicles=1, since=today)
    await scene.assess()
    after = await scene.standing(rule_set="even")
    assert (before["outcome"], after["outcome"]) == ("fine", "fine")
    assert before["decision"] != after["decision"]


async def test_a_change_while_it_is_judged_keeps_its_mark(scene: Scene) -> None:
    """Between the look and the writing: what was judged is kept, and the account judged again."""
    await scene.put(vehicles=5)
    desk = scene.served.app.api.state.desk
    live = desk.live.version_at

    async def meanwhile(slug: str, at: datetime) -> Any:  # noqa: ANN401 - a running version
        desk.live.version_at = live
        running = await live(slug, at)
        await scene.case(41)
        return running

    desk.live.version_at = meanwhile
    await assess_some(desk)
    assert scene.due() == [("north", "change")]
    await scene.assess()
    assert (await scene.standing())["outcome"] == "talk"
    assert scene.due() == []


async def test_whoever_lost_the_lease_writes_nothing(scene: Scene) -> None:
    """A process that was away for longer than its lease finds that another one has them."""
    await scene.put(vehicles=5)
    desk = scene.served.app.api.state.desk
    live = desk.live.version_at

    async def taken_over(slug: str, at: datetime) -> Any:  # noqa: ANN401 - a running version
        desk.live.version_at = live
        scene.rows("UPDATE assessment_due SET lease_until = now() - interval '1 s'")
        async with transaction(desk.house.engine) as connection:
            (other,) = await claim_due(connection, most=9, lease=timedelta(minutes=1))
            assert other.generation == 2
        return await live(slug, at)

    desk.live.version_at = taken_over
    assert await assess_some(desk) == 1
    assert scene.decisions() == []
    assert scene.due() == [("north", "change")]
    assert await scene.assess() == 0
    scene.rows("UPDATE assessment_due SET lease_until = now() - interval '1 s'")
    assert await scene.assess() == 1
    assert scene.decisions() == [("north", "change", 1)]


async def test_one_that_fails_keeps_nobody_and_is_tried_less_and_less_often(scene: Scene) -> None:
    """Its neighbours of the same batch are assessed at once; it is counted, and mends."""
    for number in range(5):
        await scene.put(f"account-{number}", vehicles=number)
    # No decision on it can be written.
    scene.rows("""
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF (NEW.facts ->> 'vehicles')::numeric = 3 THEN RAISE EXCEPTION 'no'; END IF;
            RETURN NEW; END $$;
        CREATE TRIGGER fails BEFORE INSERT ON decision FOR EACH ROW EXECUTE FUNCTION fail()
    """)
    assert await scene.assess() == 5
    assert scene.due() == [("account-3", "change")]
    attempts = "SELECT attempts, due_at > now() + interval '10 s' FROM assessment_due"
    assert scene.rows(attempts) == [(1, True)]
    assert await scene.assess() == 0
    await scene.case(1, key="account-3")
    assert await scene.assess() == 0  # it waits all the same
    scene.rows("UPDATE assessment_due SET due_at = now()")
    assert await scene.assess() == 1
    assert scene.rows(attempts) == [(2, True)]
    scene.rows("DROP TRIGGER fails ON decision; UPDATE assessment_due SET due_at = now()")
    assert await scene.assess() == 1
    assert scene.due() == []
    assert len(scene.decisions()) == 5


def test_the_wait_grows_and_stops_growing() -> None:
    """Twice as long after each failure, an hour at most, whatever the number."""
    pace = Pace()
    waits = [pace.wait(attempts).total_seconds() for attempts in (0, 1, 2, 7, 8, 9, 2**40)]
    assert waits == [15, 30, 60, 1920, 3600, 3600, 3600]


async def test_two_who_work_at_once_share_what_is_due(scene: Scene) -> None:
    """Each account is judged by one of them, and stands by one decision."""
    many = [{"account": f"account-{n}", "facts": {"vehicles": n}} for n in range(120)]
    await scene.send("POST", "/v1/accounts", many)
    desk = scene.served.app.api.state.desk
    pace = Pace(accounts=20)
    taken = await asyncio.gather(*(assess_some(desk, pace=pace) for _ in range(6)))
    assert sum(taken) == 120
    assert scene.due() == []
    assert {count for _, _, count in scene.decisions()} == {1}
    assert len(scene.decisions()) == 120


async def test_who_is_gone_merged_or_erased_is_left(scene: Scene) -> None:
    """Nothing is decided of them, and nothing stays due."""
    for key in ("gone", "erased", "merged", "north"):
        await scene.put(key, vehicles=5)
    scene.rows("UPDATE account SET facts = '{}', facts_erased_at = now() WHERE key = 'erased'")
    await scene.send("POST", "/v1/accounts/merged/merge", {"into": "north", "reason": "one"})
    with psycopg.connect(libpq_url(scene.url)) as connection:
        connection.execute("DELETE FROM account WHERE key = 'gone'")
    await scene.assess()
    assert scene.due() == []
    assert scene.decisions() == [("north", "change", 1)]


async def test_without_rules_for_accounts_nothing_stays_due(database_url: str) -> None:
    """There is nothing to assess by; the first release judges everybody."""
    async with staged(database_url, rules=None) as scene:
        await scene.put(vehicles=5)
        assert await scene.assess() == 1
        assert (scene.due(), scene.decisions()) == ([], [])


async def test_it_is_later_than_what_a_clock_ahead_decided(scene: Scene) -> None:
    """Another machine's clock a moment ahead must not keep an older judgement on top."""
    await scene.put(vehicles=5)
    scene.ahead = timedelta(seconds=2)
    await scene.assess()
    scene.ahead = timedelta(0)
    await scene.case(41)
    await scene.assess()
    assert (await scene.standing())["outcome"] == "talk"


async def test_a_running_service_does_it_by_itself(database_url: str) -> None:
    """Within a moment of the change, and says in its metrics what it did."""
    async with staged(database_url, every_s=0.05) as scene:
        await scene.put(vehicles=5)
        async with asyncio.timeout(20):
            while not scene.decisions():  # noqa: ASYNC110 - it is another task
                await asyncio.sleep(0.05)
        assert scene.due() == []
        shown = await scene.served.ask("GET", "/metrics")
        assert 'goodfit_assessments_total{result="written"} 1.0' in shown.text
        assert "goodfit_assessments_due_seconds" in shown.text
