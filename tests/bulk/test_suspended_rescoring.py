"""Rescoring under suspensions decides as a question about each account would."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from service.bulk.rescoring import preview
from service.bulk.rescoring_working import carry_out, reading, rescoring_of
from service.decisions import Suspending, suspend
from service.rescorings import RescoringTally, ask_for, store
from service.rulesets import Editor, LiveRules
from service.storage import libpq_url, transaction
from tests.bulk.books import new_uuid, standing_of
from tests.decisions.rules import release
from tests.decisions.test_suspensions import RULES
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

ACCOUNTS = 60


@pytest.fixture
async def idle(database_url: str) -> AsyncIterator[Served]:
    """Return an application with accounts of two cohorts and rules that blame."""
    async with serving(database_url, is_attended=False) as served:
        await release(served.app.house, RULES)
        accounts = [
            {
                "account": f"a-{n}",
                "facts": {
                    "customer_since": "2026-02-11" if n % 2 else "2025-11-30",
                    "hours": None if n % 7 == 0 else 30 if n % 3 == 0 else 3,
                },
            }
            for n in range(ACCOUNTS)
        ]
        answer = await served.ask("POST", "/v1/accounts", json=accounts)
        assert answer.status_code == 200, answer.text
        yield served


async def rescore(served: Served, url: str, *, is_dry: bool = False) -> RescoringTally:
    """Rescore everything by what is live now."""
    engine, now = served.app.house.engine, datetime.now(UTC)
    running = await LiveRules(engine, timer=lambda: 0.0).version_at("care", now)
    if is_dry:
        async with reading(url) as reader:
            what = await rescoring_of(running, at=now, engine=engine)
            return await preview(what, engine=engine, reader=reader, tell=lambda *_: None)
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


async def suspend_spring(served: Served, part: str) -> None:
    """Suspend a part for the cohort of spring."""
    editor = Editor(person="goodfit", at=datetime.now(UTC), new_uuid=new_uuid)
    what = Suspending(
        rule_set="care", part=part, slice="cohort", value="2026-Q1", cause="many share it"
    )
    async with transaction(served.app.house.engine) as connection:
        assert await suspend(connection, what, editor=editor) is not None


async def test_each_decision_is_the_one_of_a_question(idle: Served, database_url: str) -> None:
    """Verdict, scores and trace as account by account; nobody else is written anew."""
    before = await rescore(idle, database_url)
    assert before.written == ACCOUNTS
    await suspend_spring(idle, "asks_much")
    assert (await rescore(idle, database_url, is_dry=True)).written == ACCOUNTS // 2
    after = await rescore(idle, database_url)
    assert (after.written, after.unchanged) == (ACCOUNTS // 2, ACCOUNTS // 2)
    rules = (await LiveRules(idle.app.house.engine, timer=lambda: 0.0).version("care", 1)).rules
    outcomes = set()
    for key, stored in standing_of(database_url).items():
        is_spring = int(key[2:]) % 2
        suspended = ["asks_much"] if is_spring else []
        again = rules.decide(stored["facts"], at=stored["at"], final=True, suspended=suspended)
        assert stored["assessed"] == [1, again.verdict, again.outcome]
        assert stored["trace"] == again.trace.to_json()
        outcomes.add((is_spring, again.outcome))
    assert outcomes == {(0, "talk"), (0, "fine"), (1, "fine")}
    assert (await rescore(idle, database_url)).unchanged == ACCOUNTS


async def test_a_change_of_the_suspended_rule_alone_is_written(
    idle: Served, database_url: str
) -> None:
    """It moves nothing, yet whoever counts reads it from the trace without suspensions."""
    await suspend_spring(idle, "asks_much")
    await rescore(idle, database_url)
    facts = {"customer_since": "2026-02-11", "hours": 40}
    assert (await idle.ask("PUT", "/v1/accounts/a-1", json={"facts": facts})).status_code == 200
    tally = await rescore(idle, database_url)
    assert (tally.written, tally.verdicts_changed) == (1, 0)
    query = (
        "SELECT trace_before -> 'open' ->> 'rules' FROM decision JOIN account"
        " ON account.id = decision.account_id WHERE key = 'a-1' ORDER BY decided_at"
    )
    with psycopg.connect(libpq_url(database_url)) as connection:
        assert [row[0] for row in connection.execute(query)] == ["nn", "yn"]


async def test_an_outcome_is_suspended_alike(idle: Served, database_url: str) -> None:
    """In columns and account by account."""
    await suspend_spring(idle, "outcome:talk")
    await rescore(idle, database_url)
    found = {
        (int(key[2:]) % 2, stored["assessed"][2])
        for key, stored in standing_of(database_url).items()
    }
    assert found == {(0, "talk"), (0, "fine"), (1, "fine")}
