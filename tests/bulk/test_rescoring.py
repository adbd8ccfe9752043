"""Rescoring decides every stored account as a question about it would, and writes what changed."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk import EnginesDisagree
from service.bulk.column_deciding import ColumnJudge
from service.bulk.counting import decide_accounts
from service.bulk.rescoring import Pace, Rescoring, TakenAway, preview, work_on
from service.rescorings import (
    NotOfAccounts,
    RescoringTally,
    ask_for,
    cancel,
    check_rescorable,
)
from service.rescorings import store as rescoring_store
from service.rules import load_rule_set
from service.rulesets import Editor, Running
from service.storage import connect_raw, libpq_url, open_engine, transaction
from tests.bulk.books import (
    RULES,
    decisions_per_account,
    fill,
    go_live,
    new_uuid,
    running_of,
    standing_of,
)
from tests.decisions.rules import FLEET_LEADS

pytestmark = pytest.mark.anyio

ACCOUNTS = 300
SMALL = Pace(accounts=70, slice=20)
STRICTER = RULES.replace("fit >= 25", "fit >= 45")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Return a database with accounts, and a version live for them."""
    engine = open_engine(database_url)
    fill(database_url, ACCOUNTS)
    await go_live(engine)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def begun(engine: AsyncEngine, url: str) -> AsyncIterator[tuple[Any, Rescoring, Any]]:
    """Ask for a rescoring, or find the open one; give its row, claimed, and a reader."""
    async with transaction(engine) as connection:
        row = await rescoring_store.find_open(connection, "book")
    if row is None:
        running = await running_of(engine)
        editor = Editor(person="ann@example.com", at=datetime.now(UTC), new_uuid=new_uuid)
        async with transaction(engine) as connection:
            row = await ask_for(connection, running, editor=editor)
    rules = load_rule_set(await source_of(engine, row.version))
    async with transaction(engine) as connection:
        claimed = await rescoring_store.claim(connection, row.id, lease=timedelta(seconds=30))
    assert claimed is not None
    reader = await connect_raw(url)
    try:
        what = Rescoring(rule_set="book", version=row.version, rules=rules, at=row.at)
        yield claimed, what, reader
    finally:
        await reader.close()
        async with transaction(engine) as connection:
            await rescoring_store.give_back(connection, claimed)


async def source_of(engine: AsyncEngine, version: int) -> bytes:
    """Return the text of a version."""
    async with transaction(engine) as connection:
        found = await connection.exec_driver_sql(
            "SELECT canonical FROM rule_set_version WHERE rule_set = 'book' AND number = %s",
            (version,),
        )
        return bytes(found.scalar_one())


async def rescore(
    engine: AsyncEngine, url: str, *, tell: Callable[[int, int | None], None] = lambda *_: None
) -> RescoringTally:
    """Rescore everything, from where it was stopped."""
    async with begun(engine, url) as (row, what, reader):
        return await work_on(
            row,
            what,
            engine=engine,
            reader=reader,
            randomness=secrets.token_bytes,
            clock=lambda: datetime.now(UTC),
            tell=tell,
            pace=SMALL,
        )


def change(url: str, statement: str) -> None:
    """Run one statement, as somebody else."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(statement.encode())


async def test_every_account_gets_the_decision_that_the_evaluator_makes(
    engine: AsyncEngine, database_url: str
) -> None:
    """Verdict, scores, facts, trace, tables and problems: what is stored replays to the same."""
    tally = await rescore(engine, database_url)
    assert (tally.written, tally.unchanged, tally.later) == (ACCOUNTS, 0, 0)
    assert decisions_per_account(database_url) == {1: ACCOUNTS}
    running = await running_of(engine)
    raw = facts_of(database_url)
    verdicts = set()
    for key, stored in standing_of(database_url).items():
        at = stored["at"]
        decision = running.rules.decide(raw[key], at=at, final=True)
        verdicts.add(decision.verdict)
        assert stored["assessed"] == [running.version, decision.verdict, decision.outcome]
        assert stored["decided"] == [decision.verdict, decision.outcome, decision.certain]
        assert stored["scores"] == {
            name: {"value": score.value, "low": score.low, "high": score.high}
            for name, score in decision.scores.items()
        }
        assert stored["facts"] == json.loads(json.dumps(decision.facts.to_json()))
        assert stored["trace"] == decision.trace.to_json()
        assert (stored["tabled"] or {}) == dict(decision.tabled)
        assert (stored["data_problems"] or []) == [p.to_json() for p in decision.data_problems]
    assert verdicts == {"qualify", "review", "disqualify"}


def facts_of(url: str) -> dict[str, Any]:
    """Return each account's facts as they are stored, by key."""
    with psycopg.connect(libpq_url(url)) as connection:
        return dict(connection.execute("SELECT key, facts FROM account").fetchall())


async def test_only_what_changed_is_written(engine: AsyncEngine, database_url: str) -> None:
    """The same again writes nothing; new facts write one account, a new version every one."""
    await rescore(engine, database_url)
    again = await rescore(engine, database_url)
    assert (again.written, again.unchanged) == (0, ACCOUNTS)
    assert decisions_per_account(database_url) == {1: ACCOUNTS}
    change(
        database_url,
        "UPDATE account SET facts = '{\"vehicles\": 5000, \"paid\": true}' WHERE key = 'account-3'",
    )
    moved = await rescore(engine, database_url)
    assert (moved.written, moved.unchanged) == (1, ACCOUNTS - 1)
    await go_live(engine, STRICTER)
    before = await preview_of(engine, database_url)
    assert decisions_per_account(database_url) == {1: ACCOUNTS - 1, 2: 1}
    stricter = await rescore(engine, database_url)
    assert (stricter.written, stricter.verdicts) == (ACCOUNTS, before.verdicts)
    assert 0 < stricter.verdicts_changed < ACCOUNTS
    assert decisions_per_account(database_url) == {2: ACCOUNTS - 1, 3: 1}


async def test_what_one_rule_says_anew_is_written_too(
    engine: AsyncEngine, database_url: str
) -> None:
    """Behind a ceiling a rule changes its answer and no score: who counts answers has to see it."""
    await go_live(engine, RULES.replace("ceiling: 100", "ceiling: 20"))
    facts = (
        "UPDATE account SET facts = '{\"vehicles\": 5000, \"paid\": %s}' WHERE key = 'account-3'"
    )
    change(database_url, facts % "true")
    await rescore(engine, database_url)
    change(database_url, facts % "false")
    moved = await rescore(engine, database_url)
    assert (moved.written, moved.verdicts_changed) == (1, 0)
    assert (await rescore(engine, database_url)).written == 0


async def preview_of(engine: AsyncEngine, url: str) -> RescoringTally:
    """Say what a rescoring would find."""
    running = await running_of(engine)
    what = Rescoring(
        rule_set="book", version=running.version, rules=running.rules, at=datetime.now(UTC)
    )
    reader = await connect_raw(url)
    try:
        return await preview(what, engine=engine, reader=reader, tell=lambda *_: None, pace=SMALL)
    finally:
        await reader.close()


async def test_a_persons_word_stays_and_is_noted(engine: AsyncEngine, database_url: str) -> None:
    """The rules' own verdict is assessed; the decision says which override was in force."""
    await rescore(engine, database_url)
    change(
        database_url,
        """
        INSERT INTO verdict_override (id, rule_set, version, overruled, account_id, verdict,
            rules_verdict, rules_outcome, rules, reason, person, created_at, expires_at)
        SELECT gen_random_uuid(), 'book', 1, decision_id, account_id, 'qualify', verdict, outcome,
            '[]', 'we know them', 'ann', now(),
            CASE account.key WHEN 'account-5' THEN now() + interval '1 millisecond' END
        FROM assessment JOIN account ON account.id = account_id
        WHERE account.key IN ('account-4', 'account-5')
        """,
    )
    await go_live(engine, STRICTER)
    await rescore(engine, database_url)
    with psycopg.connect(libpq_url(database_url)) as connection:
        query = """
            SELECT account.key, decision.override_of IS NOT NULL FROM assessment
            JOIN account ON account.id = account_id JOIN decision ON decision.id = decision_id
            WHERE account.key IN ('account-4', 'account-5', 'account-6')
        """
        noted: dict[str, bool] = dict(connection.execute(query).fetchall())
    assert noted == {"account-4": True, "account-5": False, "account-6": False}


async def test_what_happens_meanwhile_is_left_alone(engine: AsyncEngine, database_url: str) -> None:
    """Later decisions stay, with that of the instant before them.

    Accounts that are made, erased or removed meanwhile are not decided.
    """
    steps: list[int] = []

    def interfere(done: int, total: int | None) -> None:
        assert total == ACCOUNTS
        steps.append(done)
        if len(steps) > 1:
            return
        for statement in INTERFERENCE:
            change(database_url, statement)

    tally = await rescore(engine, database_url, tell=interfere)
    assert tally.written + tally.later == ACCOUNTS
    assert tally.later == 3
    with psycopg.connect(libpq_url(database_url)) as connection:
        query = """
            SELECT assessment.verdict, assessment.outcome, decision.outcome, decision.decided_at
            FROM assessment JOIN decision ON decision.id = previous_decision_id
                AND (decision.version, decision.verdict, decision.outcome, decision.decided_at)
                = (previous_version, previous_verdict, previous_outcome, previous_at)
        """
        ((verdict, outcome, before, at),) = connection.execute(query).fetchall()
        assert (verdict, outcome) == ("review", "by hand")
        assert before in {"good", "fair", "bad"}
        assert connection.execute("SELECT at FROM rescoring").fetchone() == (at,)
        query = """
            SELECT count(*) FROM decision JOIN account ON account.id = account_id
            WHERE account.facts_erased_at IS NOT NULL
        """
        assert connection.execute(query).fetchone() == (0,)
    assert decisions_per_account(database_url) == {1: ACCOUNTS - 2, 0: 2}  # and the late one


INTERFERENCE = (
    """INSERT INTO assessment (account_id, rule_set, decision_id, version, verdict, outcome, at)
    VALUES ((SELECT id FROM account ORDER BY id OFFSET 30 LIMIT 1), 'book', gen_random_uuid(), 1,
        'review', 'by hand', now() + interval '1 hour')""",
    """UPDATE account SET facts = '{}', facts_erased_at = now()
    WHERE id = (SELECT id FROM account ORDER BY id OFFSET 31 LIMIT 1)""",
    "DELETE FROM account WHERE id = (SELECT id FROM account ORDER BY id OFFSET 32 LIMIT 1)",
    """INSERT INTO account (id, key, facts, provenance, row_version, created_at, updated_at)
    VALUES ('ffffffff-ffff-7fff-bfff-ffffffffffff', 'late', '{}', '{}', 1,
        now() + interval '1 second', now())""",
)
"""To accounts that were read already and are written next, and to one that is yet to come."""


async def test_whoever_lost_the_claim_writes_nothing_more(
    engine: AsyncEngine, database_url: str
) -> None:
    """A cancel ends the work at its slice; what was written stays, and every decision counts."""
    editor = Editor(person="bob@example.com", at=datetime.now(UTC), new_uuid=new_uuid)
    async with begun(engine, database_url) as (row, what, reader):

        def stop(done: int, total: int | None) -> None:
            del total
            if done == 2 * SMALL.slice:
                change(database_url, "UPDATE rescoring SET generation = generation + 1")

        with pytest.raises(TakenAway):
            await work_on(
                row,
                what,
                engine=engine,
                reader=reader,
                randomness=secrets.token_bytes,
                clock=lambda: datetime.now(UTC),
                tell=stop,
                pace=SMALL,
            )
    assert decisions_per_account(database_url) == {0: ACCOUNTS - 40, 1: 40}
    async with transaction(engine) as connection:
        ended = await cancel(connection, row.id, editor=editor)
    assert (ended.state, ended.done) == ("cancelled", 40)
    assert ended.tally["written"] == 40


async def test_a_release_meanwhile_changes_nothing(engine: AsyncEngine, database_url: str) -> None:
    """A rescoring is of the version that was live at its instant, to its end."""
    async with begun(engine, database_url):
        pass
    await go_live(engine, STRICTER)
    tally = await rescore(engine, database_url)
    assert tally.written == ACCOUNTS
    versions = {stored["assessed"][0] for stored in standing_of(database_url).values()}
    assert versions == {1}
    assert (await rescore(engine, database_url)).written == ACCOUNTS


async def test_a_wrong_answer_of_the_engine_fails_the_rescoring(
    engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of that piece is written; the row says which account and columns, and no value."""
    decide = ColumnJudge.decide

    def wrong(judge: ColumnJudge, facts: Any, *, rows: int) -> Any:  # noqa: ANN401
        answers = decide(judge, facts, rows=rows)
        place = answers.column_names.index("outcome")
        return answers.set_column(place, "outcome", [["good"] * rows])

    monkeypatch.setattr(ColumnJudge, "decide", wrong)
    with pytest.raises(EnginesDisagree):
        await rescore(engine, database_url)
    assert decisions_per_account(database_url) == {0: ACCOUNTS}
    with psycopg.connect(libpq_url(database_url)) as connection:
        state = connection.execute("SELECT state, failure FROM rescoring").fetchone()
    assert state is not None
    assert state[0] == "failed"
    assert "`acc_" in state[1]
    assert "outcome" in state[1]


async def test_counting_decides_everything_and_writes_nothing(
    engine: AsyncEngine, database_url: str
) -> None:
    """The same numbers as a rescoring, without a trace of it."""
    running = await running_of(engine)
    reader = await connect_raw(database_url)
    counted = await decide_accounts(reader, running.rules, at=datetime.now(UTC))
    await reader.close()
    assert counted.subjects == ACCOUNTS
    found = (await preview_of(engine, database_url)).verdicts["none"]
    assert {v: n for (v, _), n in counted.outcomes.items()} == found
    assert decisions_per_account(database_url) == {0: ACCOUNTS}


def test_rules_for_leads_cannot_rescore() -> None:
    """No stored account is a lead."""
    rules = load_rule_set(FLEET_LEADS)
    running = Running(rules=rules, slug=rules.id, version=1, digest=rules.digest, epoch=0)
    with pytest.raises(NotOfAccounts):
        check_rescorable(running)
