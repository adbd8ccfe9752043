"""Rescoring by rules that measure the ledger decides as a question about the account would."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from service.accounts import read_facts_for
from service.bulk.rescoring_working import carry_out
from service.rescorings import RescoringTally, ask_for, store
from service.rulesets import Editor, LiveRules
from service.storage import transaction
from tests.bulk.books import new_uuid, standing_of
from tests.decisions.rules import release
from tests.decisions.test_measured_accounts import RULES
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

ACCOUNTS = 90


@pytest.fixture
async def idle(database_url: str) -> AsyncIterator[Served]:
    """Return an application with accounts, every third of which has a ledger, and live rules."""
    async with serving(database_url, is_attended=False) as served:
        await release(served.app.house, RULES)
        accounts = [
            # A stored fact of a metric's name says nothing.
            {"account": f"a-{n}", "facts": {"vehicles": n % 5, "hours_90d": 4_000}}
            for n in range(ACCOUNTS)
        ]
        events = [event_of(n, days) for n in range(0, ACCOUNTS, 3) for days in (1, 40, 200)]
        for path, sent in (("/v1/accounts", accounts), ("/v1/events", events)):
            answer = await served.ask("POST", path, json=sent)
            assert answer.status_code == 200, answer.text
            assert not any(one.get("problem") for one in answer.json()["data"]), answer.text
        yield served


def event_of(number: int, days: int) -> dict[str, Any]:
    """Return what happened with an account so many days ago."""
    at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    told = {"source": "desk", "event_id": f"{number}-{days}", "account": f"a-{number}", "at": at}
    if number % 2:
        return told | {"kind": "meeting", "quantities": {"held": False, "excused": number % 5 == 0}}
    return told | {"kind": "support_case", "quantities": {"hours": number % 25}}


async def rescore(engine: AsyncEngine, url: str) -> RescoringTally:
    """Rescore everything by what is live now."""
    now = datetime.now(UTC)
    running = await LiveRules(engine, timer=lambda: 0.0).version_at("measured", now)
    editor = Editor(person="ann@example.com", at=now, new_uuid=new_uuid)
    async with transaction(engine) as connection:
        row = await ask_for(connection, running, editor=editor)
        claimed = await store.claim(connection, row.id, lease=timedelta(seconds=30))
    assert claimed is not None
    return await carry_out(
        claimed,
        running,
        engine=engine,
        url=url,
        clock=lambda: datetime.now(UTC),
        tell=lambda *_: None,
    )


async def test_each_decision_is_the_one_on_what_was_measured(
    idle: Served, database_url: str
) -> None:
    """Verdict, scores and the measured facts: the same as account by account at that instant."""
    engine = idle.app.house.engine
    tally = await rescore(engine, database_url)
    assert tally.written == ACCOUNTS
    live = LiveRules(engine, timer=lambda: 0.0)
    rules = (await live.version("measured", 1)).rules
    outcomes, hours = set(), set()
    for key, stored in standing_of(database_url).items():
        async with transaction(engine) as connection:
            account = await read_facts_for(connection, key, rules=rules, at=stored["at"])
        decision = rules.decide(account.facts, at=stored["at"], final=True)
        assert stored["assessed"] == [1, decision.verdict, decision.outcome]
        assert stored["facts"] == decision.facts.to_json()
        assert stored["trace"] == decision.trace.to_json()
        outcomes.add(decision.outcome)
        hours.add(stored["facts"].get("hours_90d"))
    assert outcomes == {"talk", "fine"}
    assert None in hours
    assert 4_000 not in hours
    assert len(hours) > 3


async def test_what_happened_since_writes_only_whom_it_moves(
    idle: Served, database_url: str
) -> None:
    """A ledger that grew moves its account; the others stand as before."""
    engine = idle.app.house.engine
    await rescore(engine, database_url)
    await asyncio.sleep(0.01)
    grown = event_of(2, 0) | {"quantities": {"hours": 80}}
    answer = await idle.ask("POST", "/v1/events", json=[grown])
    assert answer.status_code == 200, answer.text
    again = await rescore(engine, database_url)
    assert (again.written, again.unchanged) == (1, ACCOUNTS - 1)
