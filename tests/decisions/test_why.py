"""`GET /v1/decisions/{id}/why`: rules, data or time, in shares that add up exactly."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import psycopg
import pytest

from service.storage import libpq_url, parse_id
from tests.decisions.rules import release
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

TEXT = """\
rule_set: renewals
subject: lead
attributes:
  vehicles: {type: number, min: 0}
  signed: {type: date}
scores:
  fit:
    floor: 0
    ceiling: 100
    groups:
      - {id: size, mode: sum, rules: [{id: large, when: vehicles >= 100, points: 30}]}
      - {id: age, mode: sum, rules: [{id: fresh, when: age_days(signed) <= 30, points: 20}]}
outcomes:
  - {id: good, verdict: qualify, when: fit >= 50, action: book_meeting}
  - {id: poor, verdict: disqualify, action: newsletter}
"""
OTHER = TEXT.replace("points: 30", "points: 40")
WHERE = "/v1/decisions"


class Scene:
    """One subject, judged on several days."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.served: Served

    async def release(self, text: str) -> None:
        """Put rules live, and wait until they are."""
        await release(self.served.app.house, text)
        self.now += timedelta(minutes=1)

    async def decide(self, vehicles: int, *, final: bool = True, **rest: object) -> str:
        """Return the id of a decision on the subject."""
        lead = {"vehicles": vehicles, "signed": self.signed}
        asked = {"rule_set": "renewals", "lead": lead, "final": final, "external_id": "c-1"} | rest
        answer = await self.served.ask("POST", "/v1/qualify", json=asked)
        assert answer.status_code == 200, answer.text
        decision_id: str = answer.json()["id"]
        self.now += timedelta(seconds=1)
        return decision_id

    async def why(self, decision_id: str, query: str = "") -> dict[str, Any]:
        """Return why a decision moved; its shares add up to the whole of every move."""
        answer = await self.served.ask("GET", f"{WHERE}/{decision_id}/why{query}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        before, after = told["before"], told["after"]
        parts = [told[cause] for cause in ("rules", "data", "time")]
        for name, value in after["scores"].items():
            moved = sum(Fraction(part["scores"][name]["exact"]) for part in parts)
            assert moved == Fraction(value) - Fraction(before["scores"][name])
        for member in ("verdict", "outcome"):
            moved = sum(Fraction(part[member]["exact"]) for part in parts)
            assert moved == (before[member] != after[member])
        return told

    signed = (datetime.now(UTC) - timedelta(days=5)).date().isoformat()


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Rules live, and a clock that a test turns."""
    scene = Scene()
    async with serving(database_url, clock=lambda: scene.now, is_attended=False) as served:
        scene.served = served
        await scene.release(TEXT)
        yield scene


@pytest.mark.parametrize(
    ("changed", "scores"),
    [
        (("rules",), {"rules": "10", "data": "0", "time": "0"}),
        (("data",), {"rules": "0", "data": "-30", "time": "0"}),
        (("time",), {"rules": "0", "data": "0", "time": "-20"}),
        (("rules", "data", "time"), {"rules": "5", "data": "-35", "time": "-20"}),
        ((), {"rules": "0", "data": "0", "time": "0"}),
    ],
)
async def test_a_move_is_put_down_to_what_changed(
    scene: Scene, changed: tuple[str, ...], scores: dict[str, str]
) -> None:
    """To the one cause alone where there is one, else to each its share, with what changed."""
    first = await scene.decide(120)
    if "rules" in changed:
        await scene.release(OTHER)
    if "time" in changed:
        scene.now += timedelta(days=90)
    second = await scene.decide(3 if "data" in changed else 120)
    told = await scene.why(second)
    assert told["before"]["id"] == first
    shares = {cause: told[cause]["scores"]["fit"]["exact"] for cause in scores}
    assert shares == scores
    rules = [(change["id"], change["fields"]) for change in told["rules"]["changes"]]
    points = [{"field": "points", "before": 30, "after": 40}]
    assert rules == ([("large", points)] if "rules" in changed else [])
    facts = [{"attribute": "vehicles", "before": 120, "after": 3}]
    assert told["data"]["changes"] == (facts if "data" in changed else [])
    assert (told["summary"] == "Nothing moved.") == (not changed)


async def test_what_was_final_is_data(scene: Scene) -> None:
    """Saying that nothing more will come is told as a change of what is known."""
    await scene.decide(120, lead={}, final=False)
    told = await scene.why(await scene.decide(120, lead={}))
    assert told["data"]["final"] == {"before": False, "after": True}
    assert told["data"]["verdict"]["exact"] == str(
        int(told["before"]["verdict"] != told["after"]["verdict"])
    )


async def test_any_two_decisions_can_be_held_together(scene: Scene) -> None:
    """`before` names one; the order of the two turns every share around."""
    first, second = await scene.decide(120), await scene.decide(3)
    there = await scene.why(second, f"?before={first}")
    back = await scene.why(first, f"?before={second}")
    assert there["data"]["scores"]["fit"]["value"] == -30
    assert back["data"]["scores"]["fit"]["value"] == 30


async def test_what_cannot_be_compared_is_said(scene: Scene) -> None:
    """No earlier decision, no such one, no id, and one of another rule set."""
    first = await scene.decide(120)
    await release(scene.served.app.house, TEXT.replace("renewals", "others"))
    scene.now += timedelta(minutes=1)
    other = await scene.decide(120, rule_set="others")
    for query, status, code in (
        ("", 409, "no_earlier_decision"),
        (f"?before={other}", 422, "different_rule_sets"),
        (f"?before={first[:-4]}0000", 404, "decision_not_found"),
        ("?before=x", 422, "invalid_id"),
    ):
        answer = await scene.served.ask("GET", f"{WHERE}/{first}/why{query}")
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_erased_facts_explain_nothing_any_more(scene: Scene, database_url: str) -> None:
    """Whichever of the two was erased: 410, with what is left of it."""
    first, second = await scene.decide(120), await scene.decide(3)
    for erased in (first, second):
        with psycopg.connect(libpq_url(database_url)) as connection:
            statement = (
                "UPDATE decision SET facts = NULL, tabled = NULL, facts_erased_at = now()"
                " WHERE id = %s"
            )
            connection.execute(statement, [parse_id(erased, "dec")])
        answer = await scene.served.ask("GET", f"{WHERE}/{second}/why")
        assert (answer.status_code, answer.json()["code"]) == (410, "facts_erased")


async def test_shares_add_up_whatever_moved(scene: Scene) -> None:
    """Rules, facts and days change at random; `why` checks every sum."""
    chance = random.Random(7)
    await scene.decide(120)
    for _ in range(40):
        if chance.random() < 0.3:
            await scene.release(chance.choice([TEXT, OTHER]))
        scene.now += timedelta(days=chance.choice([0, 0, 20, 40]))
        vehicles = chance.choice([3, 99, 100, 120])
        await scene.why(await scene.decide(vehicles, final=chance.random() < 0.5))
