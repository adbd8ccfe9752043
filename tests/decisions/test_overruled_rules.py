"""Overruled rules: who spoke in what people overruled, of all the times they spoke."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.decisions.conftest import Office
from tests.decisions.rules import release
from tests.decisions.words import Hands, overridden, stored
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

RULES: Final = """
rule_set: mixed_leads
subject: lead
attributes:
  a: {type: number, min: 0, max: 10}
  b: {type: number, min: 0, max: 10}
  c: {type: flag}
gates:
  - {id: stop, when: a >= 9, then: none}
  - {id: star, when: b >= 10, then: best}
scores:
  fit:
    floor: 0
    ceiling: 100
    groups:
      - id: sum
        mode: sum
        rules:
          - {id: plain, when: c, points: 10}
          - {id: noted, when: a >= 1, points: 0}
      - id: first
        mode: first
        rules:
          - {id: high, when: a >= 6, points: 30}
          - {id: low,  when: a >= 2, points: 15}
      - id: max
        mode: max
        rules:
          - {id: small, when: b >= 2, points: 5}
          - {id: large, when: b >= 5, points: 25}
      - id: computed
        mode: sum
        rules:
          - {id: product, when: c, points: "a * 2 - 4", bounds: [0, 20]}
          - {id: fixed, when: b <= 3, points: 3}
outcomes:
  - {id: best, verdict: qualify, when: fit >= 45}
  - {id: some, verdict: review, when: fit >= 20}
  - {id: none, verdict: disqualify}
"""
NEXT: Final = RULES.replace("id: high", "id: upper").replace("a >= 6", "a >= 5")
_PEOPLE: Final = ("qualify", "review", "disqualify")


async def counted(office: Office, query: str = "") -> dict[str, Any]:
    """Return which rules were overruled."""
    answer = await office.served.ask("GET", f"/v1/rule-sets/mixed_leads/overrides{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def spoke(decision: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield who spoke, as the reasons tell: a gate alone, else the outcome and what added points.

    Reasons are made by other code than what is tested here.
    """
    reasons = [one for one in decision["reasons"] if one["result"] == "yes"]
    gates = [one for one in reasons if one["kind"] == "gate"]
    for reason in gates or reasons:
        if reason["kind"] in {"gate", "points", "outcome"}:
            yield reason["kind"], reason["rule"]


@dataclass(slots=True)
class Tally:
    """What is expected to be counted of one part."""

    overruled: int = 0
    withdrawn: int = 0
    directions: Counter[tuple[str, str]] = field(default_factory=Counter)
    overrides: list[str] = field(default_factory=list)


async def decide_at_random(office: Office, dice: random.Random) -> list[dict[str, Any]]:
    """Return decisions on random leads, many of which say little, by both versions."""
    decisions = []
    for number in range(160):
        lead = {"a": dice.randint(0, 10), "b": dice.randint(0, 10), "c": dice.random() < 0.5}
        for name in dice.sample(sorted(lead), k=dice.choice([0, 0, 0, 1, 2])):
            del lead[name]
        version = 1 + number % 2
        question = {"rule_set": "mixed_leads", "lead": lead, "at_version": version}
        decisions.append(await office.decided(**question))
    return decisions


async def overrule_at_random(
    office: Office, decisions: list[dict[str, Any]], dice: random.Random
) -> dict[tuple[str, str], Tally]:
    """Overrule *decisions*, some twice, take some words back, and return what that adds up to."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for decision in decisions:
        said = dice.choice([one for one in _PEOPLE if one != decision["verdict"]])
        if dice.random() < 0.2:  # somebody changed their mind: only the newest counts
            await overridden(office, decision, verdict="review", message="Hm")
        made = await overridden(office, decision, verdict=said)
        assert [(one["kind"], one["id"]) for one in made["spoke"]] == list(spoke(decision))
        is_withdrawn = dice.random() < 0.2
        if is_withdrawn:
            path = f"/v1/overrides/{made['id']}/withdraw"
            await stored(office, path, {"reason": "no"}, status=200)
        for part in spoke(decision):
            tally = tallies[part]
            tally.overruled += 1
            tally.withdrawn += is_withdrawn
            tally.directions[decision["verdict"], said] += 1
            tally.overrides.insert(0, made["id"])
    return tallies


async def test_the_count_is_that_of_the_reasons(office: Office) -> None:
    """Over random leads, two versions and random overrides, every number is the brute-force one."""
    for source in (RULES, NEXT):
        await release(office.served.app.house, source)
    dice = random.Random(11)
    decisions = await decide_at_random(office, dice)
    expected = await overrule_at_random(office, dice.sample(decisions, k=60), dice)
    every = Counter(part for decision in decisions for part in spoke(decision))
    found = await counted(office)
    assert (found["decisions"], found["overruled"]) == (160, 60)
    rows = {(row["kind"], row["id"]): row for row in found["data"]}
    names = {name for _, name in rows}
    assert {"high", "upper", "low", "product", "fixed", "large", "small", "stop"} <= names
    assert "noted" not in names
    assert set(rows) == set(expected)
    for part, row in rows.items():
        tally = expected[part]
        assert (row["overruled"], row["withdrawn"]) == (tally.overruled, tally.withdrawn), part
        assert row["decisions"] == every[part], part
        assert row["share"] == round(tally.overruled / every[part], 6)
        told = {(one["rules"], one["person"]): one["count"] for one in row["directions"]}
        assert told == dict(tally.directions), part
        assert row["newest"] == tally.overrides[:3], part
    order = [row["overruled"] for row in found["data"]]
    assert order == sorted(order, reverse=True)


async def test_a_rule_that_was_renamed_is_shown_as_such(database_url: str) -> None:
    """What an override overruled keeps its name, and is told from what is live."""
    hands = Hands.now()
    async with serving(database_url, clock=hands) as served:
        office = Office(served, "")
        await release(served.app.house, RULES)
        hands.at += timedelta(seconds=5)
        question = {"rule_set": "mixed_leads", "lead": {"a": 7, "b": 6, "c": True}}
        await overridden(office, await office.decided(**question), verdict="disqualify")
        assert {row["in_live_version"] for row in (await counted(office))["data"]} == {True}
        await release(served.app.house, RULES.replace("id: high", "id: upper"))
        hands.at += timedelta(seconds=5)
        served.app.api.state.live.forget_releases()
        now = {row["id"]: row["in_live_version"] for row in (await counted(office))["data"]}
    assert {name for name, is_live in now.items() if not is_live} == {"high"}
    assert now["large"] is True


async def test_a_window_is_of_decisions(office: Office) -> None:
    """Only decisions made in the window count, on both sides of the share."""
    await release(office.served.app.house, RULES)
    lead = {"a": 7, "b": 6, "c": True}
    first = await office.decided(rule_set="mixed_leads", lead=lead)
    between = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    second = await office.decided(rule_set="mixed_leads", lead=lead)
    for decision in (first, second):
        await overridden(office, decision, verdict="disqualify")
    for query, decisions in {
        "": 2,
        f"?from={between}": 1,
        f"?to={between}": 1,
        f"?from={between}&to={between}": 0,
        "?to=2020-01-01T00:00:00Z": 0,
        "?from=0001-01-01T00:00:00Z&to=0001-01-02T00:00:00Z": 0,
        "?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z": 2,
    }.items():
        found = await counted(office, query)
        assert (found["decisions"], found["overruled"]) == (decisions, decisions), query
        assert all(row["share"] == 1 for row in found["data"])


async def test_holding_on_to_the_rules_word_overrules_nothing(office: Office) -> None:
    """An account pinned to what the rules say, whatever they say next, is not overruled."""
    facts = {"vehicles": 150, "paid": True}
    await office.served.ask("PUT", "/v1/accounts/north", json={"facts": facts})
    await office.decided(rule_set="fleet_accounts", account_key="north")
    said = {"rule_set": "fleet_accounts", "verdict": "qualify", "reason": "until the renewal"}
    await stored(office, "/v1/accounts/north/overrides", said)
    answer = await office.served.ask("GET", "/v1/rule-sets/fleet_accounts/overrides")
    assert (answer.json()["overruled"], answer.json()["data"]) == (0, [])
    await stored(office, "/v1/accounts/north/overrides", said | {"verdict": "disqualify"})
    for _ in range(3):  # later decisions under the person's word are no further overrides
        await office.decided(rule_set="fleet_accounts", account_key="north")
    answer = await office.served.ask("GET", "/v1/rule-sets/fleet_accounts/overrides")
    rows = {row["id"]: (row["overruled"], row["decisions"]) for row in answer.json()["data"]}
    assert rows == {"steady": (1, 4), "large": (1, 4), "pays": (1, 4)}


@pytest.mark.parametrize("query", ["?from=yesterday", "?to=2026-01-01T00:00:00"])
async def test_a_window_that_cannot_be_read_is_refused(shared_office: Office, query: str) -> None:
    """An instant needs its offset."""
    answer = await shared_office.served.ask("GET", f"/v1/rule-sets/fleet_leads/overrides{query}")
    assert answer.status_code == 422


async def test_nobody_is_counted_by_who_may_not_read_rules(shared_office: Office) -> None:
    """Counting takes `rules:read`; a rule set that is not there is 404."""
    key = await shared_office.served.new_key("decide")
    path = "/v1/rule-sets/fleet_leads/overrides"
    assert (await shared_office.served.ask("GET", path, key=key)).status_code == 403
    key = await shared_office.served.new_key("rules:read")
    assert (await shared_office.served.ask("GET", path, key=key)).status_code == 200
    none = await shared_office.served.ask("GET", "/v1/rule-sets/nothing/overrides", key=key)
    assert (none.status_code, none.json()["code"]) == (404, "rule_set_not_found")
