"""An explanation says of each metric that was not known why it was not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.rules import Event, load_rule_set
from service.rules.metrics.unmeasured import why_unmeasured
from tests.accounts.assessing import Scene, staged

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RULES = """
rule_set: load
subject: account
attributes:
  vehicles: {type: number, min: 0}
metrics:
  hours: {event: support_case, sum: hours, window: 90 days}
  mood: {event: nps, mean: score, window: 90 days, label: Their mood}
  spent: {cost: {support_case: {hours: 80}, custom_work: {hours: 120}}, window: 90 days}
  rude: {event: abuse, count: true, where: 'severity == "rude"'}
scores:
  load:
    floor: 0
    ceiling: 100
    groups:
      - id: g
        mode: sum
        rules:
          - {id: busy, when: hours > 20 || spent > 1000 || vehicles > 9000, points: 50}
          - {id: cross, when: mood < 5 || rude > 0, points: 20}
outcomes:
  - {id: talk, verdict: review, when: load >= 50}
  - {id: fine, verdict: qualify}
"""


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Return an application with rules that measure four things, and an account."""
    async with staged(database_url, rules=RULES) as scene:
        await scene.put(vehicles=5)
        yield scene


async def told(scene: Scene, decision: str = "") -> dict[str, tuple[str, list[str]]]:
    """Return why metrics were not known, of the decision that stands where none is named."""
    decision = decision or (await scene.standing())["decision"]
    shown = await scene.send("GET", f"/v1/decisions/{decision}/explanation")
    return {one["attribute"]: (one["code"], one["kinds"]) for one in shown["unmeasured"]}


async def test_it_says_which_kinds_nobody_reports(scene: Scene) -> None:
    """As it was when it was decided, whatever a source is said to report later."""
    await scene.case(5)
    await scene.assess()
    first = (await scene.standing())["decision"]
    before = {
        "mood": ("not_reported", ["nps"]),
        "spent": ("not_reported", ["custom_work"]),
        "rude": ("not_reported", ["abuse"]),
    }
    assert await told(scene) == before
    await scene.send("PUT", "/v1/sources/desk", {"reports": ["nps", "custom_work", "abuse"]})
    await scene.case(6)
    await scene.assess()
    assert await told(scene) == {"mood": ("no_events", ["nps"])}
    now = await told(scene, first)
    assert now["spent"] == before["spent"]
    assert now["rude"] == before["rude"]


async def test_what_fell_out_of_the_window_is_not_what_was_never_told(scene: Scene) -> None:
    """The kind is known, and nothing of it counts any more."""
    at = (scene.clock() - timedelta(days=100)).isoformat()
    event = {"kind": "nps", "at": at, "quantities": {"score": 9}, "source": "survey"}
    await scene.send("POST", "/v1/accounts/north/events", event | {"event_id": "1"})
    await scene.assess()
    shown = await scene.send(
        "GET", f"/v1/decisions/{(await scene.standing())['decision']}/explanation"
    )
    (mood,) = (one for one in shown["unmeasured"] if one["attribute"] == "mood")
    assert mood == {
        "attribute": "mood",
        "label": "Their mood in 90 days",
        "code": "no_events",
        "kinds": ["nps"],
        "message": "no event of `nps` counts within the window",
    }


async def test_facts_that_were_sent_are_nobodys_ledger(scene: Scene) -> None:
    """A question that brings its facts has nothing to look up."""
    question = {"rule_set": "load", "account": {"hours": 3}, "final": True}
    decision: dict[str, Any] = await scene.send("POST", "/v1/qualify", question)
    assert await told(scene, decision["id"]) == {}


def test_an_event_that_does_not_say_it_is_told_from_none() -> None:
    """The ledger lets none in that lacks what its kind needs; other quantities may lack."""
    metrics = {metric.name: metric for metric in load_rule_set(RULES).metrics}
    silent = Event(kind="nps", at=NOON - timedelta(days=1), quantities={"reason": "busy"})
    found = why_unmeasured(metrics["mood"], [silent], reported={"nps"}, at=NOON)
    assert found is not None
    assert (found.code, found.kinds) == ("unsaid", ("nps",))
    assert "does not say" in found.words
    assert why_unmeasured(metrics["hours"], [], reported={"support_case"}, at=NOON) is None
