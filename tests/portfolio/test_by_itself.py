"""Every rule set for accounts is stated once a day, by one process alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from service.portfolio.by_itself import state_where_due
from service.rescorings.by_itself import look_once
from tests.accounts.assessing import Scene, staged
from tests.decisions.rules import FLEET_LEADS, release
from tests.portfolio.taken import SLUG, live_template

pytestmark = pytest.mark.anyio
PATH = f"/v1/portfolio/{SLUG}/statements"


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Return an application that does nothing by itself, with an account and rules for it."""
    async with staged(database_url) as scene:
        await release(scene.served.app.house, FLEET_LEADS)
        await live_template(scene.served.app.house.engine)
        await scene.put(segment="core")
        yield scene


async def look(scene: Scene) -> list[str]:
    """Look once, as a serving process does."""
    app = scene.served.app
    return await state_where_due(app.house, app.api.state.live)


async def stated(scene: Scene) -> list[dict[str, Any]]:
    """Return the statements, the newest first."""
    data: list[dict[str, Any]] = (await scene.send("GET", PATH))["data"]
    return data


async def test_a_statement_a_day_joins_what_rescores_anyhow(scene: Scene) -> None:
    """One that is under way, or was just done; after a day another, and then it asks itself."""
    app = scene.served.app
    await look_once(app.house, app.api.state.live)
    assert await look(scene) == [SLUG]
    assert await look(scene) == []
    (first,) = await stated(scene)
    rescorings = (await scene.send("GET", f"/v1/rule-sets/{SLUG}/rescorings"))["data"]
    assert [one["id"] for one in rescorings] == [first["rescoring"]]
    assert (first["taken_by"], first["at"]) == ("goodfit", rescorings[0]["at"])
    scene.rows("UPDATE rescoring SET state = 'done', finished_at = now()")
    scene.rows("DELETE FROM statement")
    assert await look(scene) == [SLUG]
    assert (await stated(scene))[0]["rescoring"] == first["rescoring"]
    scene.ahead = timedelta(hours=25)
    assert await look(scene) == [SLUG]
    asked = (await scene.send("GET", f"/v1/rule-sets/{SLUG}/rescorings"))["data"][0]
    assert (asked["cause"], asked["id"]) == ("daily", (await stated(scene))[0]["rescoring"])


async def test_two_processes_ask_once(scene: Scene) -> None:
    """Whoever comes second sees what the first asked for."""
    asked = await asyncio.gather(look(scene), look(scene))
    assert sorted(map(len, asked)) == [0, 1]
    assert len(await stated(scene)) == 1


async def test_rules_that_say_no_cost_are_left_alone(database_url: str) -> None:
    """They are live and for accounts; nothing can be stated by them, and nothing breaks."""
    async with staged(database_url) as scene:
        await scene.put(vehicles=5)
        assert await look(scene) == []
