"""Assessing is cut or killed anywhere: no account that changed is forgotten, none judged twice."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path

import pytest

from service.decisions import assess_some
from service.storage import DatabaseUnavailable
from tests.accounts.assessing import Scene, staged
from tests.faults.test_cuts import Scissors, is_asking, watched

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ACCOUNTS = 400
_ROOT = Path(__file__).resolve().parents[2]
_WORKER = """
import asyncio, sys
from service.app import create_app
from service.decisions import assess_some
from service.decisions.assessing import Pace
from service.settings import Settings
from service.storage import open_engine

async def work():
    app = create_app(Settings(), open_engine(sys.argv[1]))
    while await assess_some(app.api.state.desk, pace=Pace(accounts=10)):
        pass

asyncio.run(work())
"""


def state_of(scene: Scene) -> tuple[int, int, int]:
    """Return how many decisions, assessments and marks there are."""
    query = """
        SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM assessment),
               (SELECT count(*) FROM assessment_due)
    """
    ((decisions, assessments, marks),) = scene.rows(query)
    return decisions, assessments, marks


async def assess(scene: Scene) -> None:
    """Assess once, whose statements are watched; a database that goes away is no surprise."""
    token = is_asking.set(True)
    try:
        await assess_some(scene.served.app.api.state.desk)
    except DatabaseUnavailable:
        pass
    finally:
        is_asking.reset(token)


async def test_a_cut_anywhere_keeps_all_or_the_mark(database_url: str) -> None:
    """Before and after every statement: the decision is there, or the account is still due."""
    async with staged(database_url) as scene:
        await scene.put("first", vehicles=5)
        await assess(scene)  # fills the caches
        await scene.put("second", vehicles=5)
        scissors = Scissors(database_url)
        with watched(scissors):
            await assess(scene)
        written = [what for what, _ in scissors.places]
        assert any("INSERT INTO decision" in what for what in written)
        assert any("DELETE FROM assessment_due" in what for what in written)
        for number, place in enumerate(dict.fromkeys(scissors.places)):
            await scene.put(f"account-{number}", vehicles=number)
            decisions, assessments, marks = state_of(scene)
            assert marks == 1
            whole = decisions + 1, assessments + 1, 0
            cutting = Scissors(database_url, at=place)
            with watched(cutting):
                await assess(scene)
            assert cutting.has_cut, place
            assert state_of(scene) in {(decisions, assessments, 1), whole}, place
            scene.rows("UPDATE assessment_due SET due_at = now(), lease_until = NULL")
            await assess(scene)
            assert state_of(scene) == whole, place


async def test_killed_again_and_again_it_ends_with_one_decision_each(database_url: str) -> None:
    """Whatever a process had taken up is taken up by the next one when its lease ran out."""
    async with staged(database_url) as scene:
        many = [{"account": str(n), "facts": {"vehicles": n}} for n in range(ACCOUNTS)]
        await scene.send("POST", "/v1/accounts", many)
        for share in (0.2, 0.5):
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", _WORKER, database_url), cwd=_ROOT, stdout=DEVNULL
            )
            async with asyncio.timeout(60):
                while state_of(scene)[0] < share * ACCOUNTS:  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.02)
            worker.kill()
            await worker.wait()
            decisions, assessments, marks = state_of(scene)
            assert decisions == assessments == ACCOUNTS - marks
            assert 0 < marks < ACCOUNTS
            scene.rows("UPDATE assessment_due SET lease_until = NULL")
        await scene.assess()
        assert state_of(scene) == (ACCOUNTS, ACCOUNTS, 0)
        assert {count for _, _, count in scene.decisions()} == {1}
