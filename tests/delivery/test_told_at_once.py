"""A threat reaches whoever is to be told at once, and they hear of nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.rules.templates import read_template
from tests.accounts.assessing import Scene, staged
from tests.delivery.test_endpoints import QUICK, deliveries, made

pytestmark = pytest.mark.anyio

_TEMPLATE = read_template("account_portfolio").partition("\ntests:")[0]


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Return an application with the template live, that assesses when it is told to."""
    async with staged(database_url, rules=_TEMPLATE, settings=QUICK) as scene:
        yield scene


async def abuse(scene: Scene, key: str, severity: str) -> None:
    """Enter what somebody did to one of our people, now."""
    told = {"kind": "abuse", "at": scene.clock().isoformat(), "quantities": {"severity": severity}}
    sent = told | {"source": "desk", "event_id": f"{key}/{severity}"}
    await scene.send("POST", f"/v1/accounts/{key}/events", sent)


async def decisions_told(scene: Scene, endpoint: dict[str, Any]) -> list[str]:
    """Return what `outcome` the events say that an endpoint is sent, the oldest first."""
    kinds = [one["event"] for one in await deliveries(scene.served, endpoint)]
    said = scene.rows(
        "SELECT convert_from(body, 'UTF8')::jsonb ->> 'id',"
        " convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'outcome' FROM event ORDER BY at, id"
    )
    return [outcome for event, outcome in said if event in kinds]


async def test_a_threat_is_told_at_once_whatever_the_revenue_and_nothing_else_is(
    scene: Scene,
) -> None:
    """At an account's first decision as at a later one; whoever named no outcome hears of all."""
    asked = {"events": ["decision.created"], "outcomes": ["safety_pause", "safety_pause"]}
    pager = await made(scene.served, "http://127.0.0.1:50009/a", **asked)
    everyone = await made(scene.served, "http://127.0.0.1:50009/b", events=["decision.created"])
    assert pager["outcomes"] == ["safety_pause"]
    for key in ("north", "south"):
        await scene.put(key, segment="core")
    await scene.assess()
    await abuse(scene, "north", "rude")
    await scene.assess()
    assert await decisions_told(scene, pager) == []
    await abuse(scene, "north", "threat")
    await scene.put("east", segment="core")
    await abuse(scene, "east", "threat")
    await scene.assess()
    standing = await scene.standing("north", rule_set="account_portfolio")
    assert (standing["outcome"], standing["verdict"]) == ("safety_pause", "disqualify")
    assert await decisions_told(scene, pager) == ["safety_pause"] * 2
    assert {"too_early", "safety_pause"} <= set(await decisions_told(scene, everyone))


async def test_what_is_about_no_outcome_comes_as_before(scene: Scene) -> None:
    """The list of outcomes says nothing of an event that has none."""
    one = await made(scene.served, "http://127.0.0.1:50009/a", outcomes=["safety_pause"])
    other = await made(scene.served, "http://127.0.0.1:50009/b")
    await scene.send("PATCH", f"/v1/endpoints/{other['id']}", {"state": "disabled"})
    assert [sent["type"] for sent in await deliveries(scene.served, one)] == ["endpoint.disabled"]


async def test_outcomes_are_changed_and_nonsense_is_refused(scene: Scene) -> None:
    """An empty list is any outcome again; what is no id of an outcome is named by its place."""
    one = await made(scene.served, "http://127.0.0.1:50009/a", outcomes=["safety_pause"])
    path = f"/v1/endpoints/{one['id']}"
    assert (await scene.send("PATCH", path, {"outcomes": []}))["outcomes"] == []
    assert (await scene.send("PATCH", path, {"description": "ours"}))["outcomes"] == []
    for nonsense in (["Safety pause"], [""], ["a" * 65], [3], "safety_pause", ["x"] * 51):
        answer = await scene.served.ask("PATCH", path, json={"outcomes": nonsense})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"].startswith("/outcomes")
