"""Drafts that measure otherwise, tried on decisions and on accounts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.backtests.metering import known_by
from service.backtests.replaying import Case, Replayed, Unseen, replay
from service.backtests.undoing import Undoing
from service.rules import RuleSet, load_rule_set
from service.storage import make_uuid
from tests.backtests.office import Office
from tests.decisions.rules import release

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
TEXT = """
rule_set: measured
subject: account
attributes: {vehicles: {type: number, min: 0}}
metrics:
  hours: {event: support_case, sum: hours, window: 90 days}
gates: [{id: tiny, when: vehicles < 1, then: fine}]
scores: {load: {groups: [{id: g, rules: [{id: busy, when: hours > 20, points: 50}]}]}}
outcomes:
  - {id: talk, verdict: review, when: load >= 50}
  - {id: fine, verdict: qualify}
"""
LONGER = TEXT.replace("90 days", "12 months")
WORDED = TEXT.replace("window: 90 days", "window: 90 days, label: Help, unit: hours, note: x")
BASE = load_rule_set(TEXT)


def case(rules: RuleSet, facts: dict[str, object], **more: Any) -> Case:  # noqa: ANN401 - members
    """Return a decision that *rules* made on *facts*."""
    decision = rules.decide(facts, at=NOON, final=True)
    return Case(
        decision_id=make_uuid(NOON, b"decision"),
        decided_at=NOON,
        version=1,
        asked=frozenset(rules.attributes),
        facts=decision.facts.to_json(),
        tabled={},
        final=True,
        suspended=(),
        verdict=decision.verdict,
        outcome=decision.outcome,
        scores={},
        **{"measured": known_by(rules, decision.facts.to_json()), **more},
    )


def test_another_window_is_another_metric_that_nobody_measured_then() -> None:
    """What a version measured over 90 days says nothing of 12 months under the same name."""
    found = replay(case(BASE, {"vehicles": 5, "hours": 30}), Undoing(BASE, load_rule_set(LONGER)))
    assert isinstance(found, Unseen)
    assert found.attributes == ("hours",)


def test_other_words_for_a_metric_are_the_same_metric() -> None:
    """A label, a unit and a note measure nothing."""
    found = replay(case(BASE, {"vehicles": 5, "hours": 30}), Undoing(BASE, load_rule_set(WORDED)))
    assert isinstance(found, Replayed)
    assert (found.flip, found.decision.outcome) == (None, "talk")


def test_what_no_rule_turns_on_may_stay_unmeasured() -> None:
    """A gate that decides by itself needs no metric."""
    found = replay(case(BASE, {"vehicles": 0}), Undoing(BASE, load_rule_set(LONGER)))
    assert isinstance(found, Replayed)


def test_an_edit_of_a_metric_is_named_as_the_cause_of_a_flip() -> None:
    """With the edit undone, what the base measured is what counts again."""
    draft = load_rule_set(LONGER)
    measured = {**known_by(BASE, {"hours": 3}), **known_by(draft, {"hours": 41})}
    found = replay(case(BASE, {"vehicles": 5, "hours": 3}, measured=measured), Undoing(BASE, draft))
    assert isinstance(found, Replayed)
    assert found.decision.outcome == "talk"
    assert found.flip is not None
    assert (found.flip.cause.kind, found.flip.cause.edits) == ("alone", (0,))
    assert found.flip.facts == ("hours",)


@pytest.mark.anyio
async def test_accounts_are_measured_as_base_and_draft_say(office: Office) -> None:
    """A case of eight months ago counts in the draft's year and not in the base's 90 days."""
    ask = office.served.ask
    await release(office.served.app.house, TEXT)
    for key, days in (("north", 240), ("south", 3)):
        await ask("PUT", f"/v1/accounts/{key}", json={"facts": {"vehicles": 5}})
        told = {
            "kind": "support_case",
            "at": (datetime.now(UTC) - timedelta(days=days)).isoformat(),
            "quantities": {"hours": 41},
            "source": "desk",
            "event_id": key,
        }
        entered = await ask("POST", f"/v1/accounts/{key}/events", json=told)
        assert entered.status_code == 201, entered.text
    headers = {"Content-Type": "application/yaml"}
    path = "/v1/rule-sets/measured/drafts/main"
    assert (await ask("PUT", path, headers=headers, content=LONGER)).status_code == 201
    found = await office.ended(rule_set="measured", draft="main", against="accounts")
    assert found["progress"] == {"done": 2, "total": 2}
    flips = (await ask("GET", f"/v1/backtests/{found['id']}/flips")).json()["data"]
    (flip,) = flips
    assert flip["account"] == "north"
    assert (flip["outcome_before"], flip["outcome_after"]) == ("fine", "talk")
    assert flip["facts"] == {"hours": 41}
    lines = await ask("GET", f"/v1/backtests/{found['id']}/flips?format=ndjson")
    assert lines.json()["facts"] == {"hours": 41}
