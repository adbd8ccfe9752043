"""Judging stored accounts by what their ledger adds up to at the decision's clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.decisions.conftest import Office
from tests.decisions.rules import release

pytestmark = pytest.mark.anyio

RULES = """
rule_set: measured
subject: account
attributes:
  vehicles: {type: number, min: 0, label: Fleet size}
metrics:
  hours_90d: {event: support_case, sum: hours, window: 90 days, unit: hours}
  missed: {event: meeting, count: true, where: "!held && !excused", window: 6 months}
gates:
  - {id: tiny, when: vehicles < 1, then: fine}
scores:
  load:
    floor: 0
    ceiling: 100
    groups:
      - id: g
        rules:
          - {id: busy, when: hours_90d > 20, points: 50}
          - {id: absent, when: missed >= 1, points: 20}
outcomes:
  - {id: talk, verdict: review, when: load >= 50}
  - {id: fine, verdict: qualify}
"""


def days_ago(days: float) -> str:
    """Return an instant of some days before now."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


@pytest.fixture
async def measured(office: Office) -> Office:
    """Return an application with rules that measure, and an account called north."""
    await release(office.served.app.house, RULES)
    for key in ("north", "south"):
        sent = {"facts": {"vehicles": 5, "hours_90d": 4_000}}
        answer = await office.served.ask("PUT", f"/v1/accounts/{key}", json=sent)
        assert answer.status_code == 201, answer.text
    return office


async def enter(office: Office, number: int, **event: Any) -> str:  # noqa: ANN401 - JSON
    """Enter an event of north and return its id."""
    told = {"source": "desk", "event_id": f"case-{number}", "quantities": {}, **event}
    answer = await office.served.ask("POST", "/v1/accounts/north/events", json=told)
    assert answer.status_code in {200, 201}, answer.text
    found: str = answer.json()["id"]
    return found


async def decided(office: Office, key: str = "north") -> dict[str, Any]:
    """Return the decision on an account as it is known now."""
    return await office.decided(rule_set="measured", account_key=key, final=True)


async def test_an_account_is_judged_by_its_ledger_and_the_decision_replays(
    measured: Office,
) -> None:
    """What was measured is kept with the decision: a later event changes the next one only."""
    hours = {"kind": "support_case", "quantities": {"hours": 41}}
    first_case = await enter(measured, 1, at=days_ago(3), **hours)
    await enter(measured, 2, at=days_ago(100), **hours)
    missed = await enter(measured, 3, at=days_ago(2), kind="meeting", quantities={"held": False})
    first = await decided(measured)
    assert (first["outcome"], first["scores"]["load"]["value"]) == ("talk", 70)
    assert "41 hours" in first["summary"]

    for entry, left in ((first_case, 20), (missed, 0)):
        reversal = {"reason": "another customer's"}
        answer = await measured.served.ask("POST", f"/v1/events/{entry}/reversal", json=reversal)
        assert answer.status_code in {200, 201}, answer.text
        again = await decided(measured)
        assert (again["outcome"], again["scores"]["load"]["value"]) == ("fine", left)

    replayed = await measured.served.ask("POST", f"/v1/decisions/{first['id']}/replay")
    assert replayed.status_code == 200
    assert replayed.json()["decision"]["scores"] == first["scores"]
    assert replayed.json()["identical"]


async def test_what_nobody_reports_is_missing_whatever_a_stored_fact_says(
    measured: Office,
) -> None:
    """A metric comes from the ledger alone, and an empty ledger knows nothing."""
    decision = await decided(measured, "south")
    assert (decision["outcome"], decision["certain"]) == ("fine", False)
    assert {each["attribute"] for each in decision["missing"]} == {"hours_90d", "missed"}


async def test_a_source_that_reports_a_kind_makes_nothing_zero(measured: Office) -> None:
    """Once it is said what the desk tells of, an account of its without cases has none."""
    sent = {"reports": ["support_case", "meeting"]}
    answer = await measured.served.ask("PUT", "/v1/sources/desk", json=sent)
    assert answer.status_code in {200, 201}, answer.text
    await enter(measured, 1, at=days_ago(3), kind="meeting", quantities={"held": True})
    decision = await decided(measured)
    assert (decision["outcome"], decision["certain"], decision["missing"]) == ("fine", True, [])


async def test_facts_in_the_question_may_hold_what_was_measured_elsewhere(
    measured: Office,
) -> None:
    """Without a stored account a metric is a fact like another."""
    facts = {"vehicles": 5, "hours_90d": 30, "missed": 0}
    decision = await measured.decided(rule_set="measured", account=facts)
    assert decision["outcome"] == "talk"
