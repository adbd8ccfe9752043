"""Have the demo's accounts judged, once all that is to be known of them is in.

Their rules go live only then: an account of which half the ledger is in would be judged by
that half, and its history would begin with a mistake.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from service import rescorings
from service.cli.demo_data import A_QUARTER, editor_at, install_templates
from service.cli.demo_portfolio import SHARED_CAUSE
from service.portfolio.agreeing import Asked
from service.portfolio.asking import ask_of
from service.portfolio.reading import existing
from service.portfolio.systemic_policy import (
    CriterionPolicy,
    SystemicPolicy,
    put_systemic_policy,
)
from service.portfolio.systemic_store import find_unexamined
from service.rescorings import RescoringRunning
from service.rulesets import LiveRules, Running
from service.storage import transaction

__all__ = ["PORTFOLIO_RULES", "NotAssessed", "assess_portfolio"]

PORTFOLIO_RULES: Final = "account_portfolio"
_USUAL: Final = SystemicPolicy(
    criteria={
        SHARED_CAUSE: CriterionPolicy(
            baseline=0.11, words="skipped three trainings or more within a year"
        )
    }
)
_LOOK_AGAIN_S: Final = 0.2


class NotAssessed(Exception):
    """The accounts were not judged; the message says why."""


async def assess_portfolio(engine: AsyncEngine, *, as_of: datetime) -> None:
    """Release the rules for accounts, and take two statements: a quarter before *as_of*, and now.

    Each brings every account to its instant first, and is examined for what is ours. The service
    on the same database does the work; this returns when it is done.

    Raises:
        NotAssessed: If it gave up.
    """
    await install_templates(engine, [PORTFOLIO_RULES])
    async with transaction(engine) as connection:
        await put_systemic_policy(connection, PORTFOLIO_RULES, _USUAL, editor=editor_at())
    running = await LiveRules(engine, timer=time.monotonic).version_at(
        PORTFOLIO_RULES, datetime.now(UTC)
    )
    for at in (as_of - A_QUARTER, None):
        asked = None
        while asked is None:
            # One that was begun by itself is of an instant before the last suspension: the second
            # statement is to blame nobody for what the first has found to be ours.
            await _until(partial(_is_at_rest, engine))
            asked = await _ask(engine, running, at)
        await _until(partial(_is_examined, engine, asked))


async def _ask(engine: AsyncEngine, running: Running, at: datetime | None) -> UUID | None:
    """Ask for a statement as of *at*, by default now; None where another rescoring came first."""
    async with transaction(engine) as connection:
        try:
            rescoring = await rescorings.ask_for(connection, running, editor=editor_at(at))
        except RescoringRunning:
            return None
        # Asked for now, whatever it is of: what takes statements daily goes by when one was.
        row = await ask_of(connection, rescoring, running, editor=editor_at(), asked=Asked())
    statement: UUID = row.id
    return statement


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    while not await is_so():  # noqa: ASYNC110 - another process does it, and tells nobody
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _is_at_rest(engine: AsyncEngine) -> bool:
    async with transaction(engine) as connection:
        return await rescorings.find_open(connection, PORTFOLIO_RULES) is None


async def _is_examined(engine: AsyncEngine, statement: UUID) -> bool:
    async with transaction(engine) as connection:
        row = await existing(connection, PORTFOLIO_RULES, statement)
        if row.state in {"failed", "cancelled"}:
            raise NotAssessed(f"the accounts were not assessed: {row.failure or row.state}")
        waiting = {one.rule_set for one in await find_unexamined(connection)}
        return row.state == "done" and PORTFOLIO_RULES not in waiting
