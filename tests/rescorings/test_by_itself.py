"""Rescorings that nobody asks for: after a release, daily, when much changed; and by one alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest

from service.rescorings.by_itself import look_once
from service.rescorings.working import work_on_next
from service.settings import Settings
from tests.accounts.assessing import LOAD, Scene, staged
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, release

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Return an application that does nothing by itself, with an account and rules for it."""
    async with staged(database_url) as scene:
        await release(scene.served.app.house, FLEET_LEADS)
        await scene.put(vehicles=5)
        yield scene


async def look(scene: Scene, *, most: int = 5_000) -> Mapping[str, str]:
    """Look once, as a serving process does."""
    app = scene.served.app
    return await look_once(app.house, app.api.state.live, most_one_by_one=most)


def end_all(scene: Scene, state: str = "done") -> None:
    """Let what was asked for be over, without anybody working on it."""
    scene.rows(f"UPDATE rescoring SET state = '{state}', finished_at = now()")  # noqa: S608 - a word of ours


async def test_a_release_is_carried_to_every_account_by_itself(scene: Scene) -> None:
    """Once: by the version that went live, under a cause that its decisions and the list tell."""
    assert await look(scene) == {"load": "release"}
    assert await look(scene) == {}
    shown = await scene.send("GET", "/v1/rule-sets/load/rescorings")
    assert [(one["cause"], one["asked_by"]) for one in shown["data"]] == [("release", "goodfit")]
    assert await work_on_next(scene.served.app.house)
    assert scene.decisions() == [("north", "release", 1)]
    assert await look(scene) == {}
    await release(scene.served.app.house, LOAD.replace("points: 50", "points: 55"))
    assert await look(scene) == {}  # it is not live yet
    scene.ahead = timedelta(seconds=5)
    assert await look(scene) == {"load": "release"}


async def test_time_alone_moves_rules_that_ask_for_ages_or_windows(scene: Scene) -> None:
    """Rules for a fleet's size come out the same tomorrow; nobody looks at them again."""
    await release(scene.served.app.house, FLEET_ACCOUNTS)
    assert await look(scene) == {"load": "release", "fleet_accounts": "release"}
    end_all(scene)
    scene.ahead = timedelta(hours=23)
    assert await look(scene) == {}
    scene.ahead = timedelta(hours=25)
    assert await look(scene) == {"load": "daily"}
    end_all(scene, "cancelled")
    assert await look(scene) == {}  # who cancelled it has a day


async def test_it_can_be_turned_off(database_url: str) -> None:
    """Without an age nothing gets old; a release is carried all the same."""
    settings = Settings(assess_every_s=0, rescore_every_h=0)
    async with staged(database_url, settings=settings) as scene:
        await scene.put(vehicles=5)
        assert await look(scene) == {"load": "release"}
        end_all(scene)
        scene.ahead = timedelta(days=400)
        assert await look(scene) == {}


async def test_what_is_said_of_a_source_moves_whoever_it_reports_of(scene: Scene) -> None:
    """Every account may be one: rules that measure are asked again, once it is settled."""
    await look(scene)
    end_all(scene)
    await scene.send("PUT", "/v1/sources/desk", {"reports": ["support_case"]})
    assert await look(scene) == {}
    scene.ahead = timedelta(seconds=20)
    assert await look(scene) == {"load": "change"}
    end_all(scene)
    scene.ahead = timedelta(minutes=5)
    assert await look(scene) == {}


async def test_a_flood_is_rescored_and_its_marks_go_when_that_is_done(scene: Scene) -> None:
    """Put off at once; taken away after every rule set was done; a later change stays due."""
    await release(scene.served.app.house, FLEET_ACCOUNTS)
    await look(scene)
    end_all(scene)
    many = [{"account": f"account-{n}", "facts": {"vehicles": n}} for n in range(9)]
    await scene.send("POST", "/v1/accounts", many)
    assert await look(scene, most=20) == {}
    scene.ahead = timedelta(minutes=1)
    assert await look(scene, most=5) == {"load": "import", "fleet_accounts": "import"}
    assert await scene.assess() == 0
    assert len(scene.due()) == 10
    await look(scene)
    assert len(scene.due()) == 10
    scene.rows("UPDATE rescoring SET state = 'done' WHERE rule_set = 'load'")
    await look(scene)
    assert len(scene.due()) == 10
    scene.rows("UPDATE assessment_due SET attempts = 1 WHERE account_id IN"
               " (SELECT id FROM account WHERE key = 'account-8')")  # fmt: skip
    scene.rows("UPDATE assessment_due SET changed_at = now() + interval '50 s' WHERE account_id IN"
               " (SELECT id FROM account WHERE key = 'north')")  # fmt: skip
    end_all(scene)
    await look(scene)
    assert scene.due() == [("account-8", "import"), ("north", "change")]


async def test_a_flood_that_is_not_rescored_is_due_again(scene: Scene) -> None:
    """Marks are put off for minutes and not for ever, whatever becomes of the rescoring."""
    await look(scene)
    end_all(scene)
    scene.ahead = timedelta(minutes=1)
    await look(scene, most=0)
    end_all(scene, "failed")
    later = "SELECT due_at BETWEEN now() + interval '9 min' AND now() + interval '11 min'"
    assert scene.rows(f"{later} FROM assessment_due") == [(True,)]
    scene.rows("UPDATE assessment_due SET due_at = now()")
    scene.ahead = timedelta(0)
    assert await scene.assess() == 1
    assert scene.due() == []


async def test_of_many_who_look_at_once_one_asks(scene: Scene) -> None:
    """However many processes serve."""
    found = await asyncio.gather(*(look(scene) for _ in range(5)))
    assert sum(len(one) for one in found) == 1
    assert scene.rows("SELECT count(*) FROM rescoring") == [(1,)]


async def test_where_there_is_no_account_nothing_is_asked_for(database_url: str) -> None:
    """Nor where no rule set judges accounts."""
    async with staged(database_url) as scene:
        assert await look(scene) == {}
    async with staged(database_url, rules=None) as scene:
        await scene.put(vehicles=5)
        scene.rows("DELETE FROM assessment_due; DELETE FROM account")
        assert await look(scene) == {}
