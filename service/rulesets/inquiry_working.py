"""Have inquiries answered by a process of their own; nobody who asks waits for the solver."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time
from functools import partial
from typing import Any, Final

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.rules import load_rule_set
from service.rules.solver import Limits, SolverIncident, ask_apart, compare_apart
from service.rulesets import inquiry_store
from service.storage import SessionLimits, leases, transaction
from service.storage.tables import InquiryRow
from service.web import LEASE, Errand, House, journal, run_as_they_come, run_next

__all__ = ["INQUIRY_LIMITS", "answer_inquiry", "answer_next_inquiry", "answering_inquiries"]

INQUIRY_LIMITS: Final = SessionLimits()
_log = journal("inquiries")


async def _claim_next(connection: AsyncConnection) -> Row[Any] | None:
    return await inquiry_store.claim(connection, lease=LEASE)


_INQUIRY: Final = Errand(name="inquiry", prefix="inq", table=InquiryRow, claim_next=_claim_next)


@asynccontextmanager
async def answering_inquiries(house: House) -> AsyncIterator[None]:
    """Have whatever is asked answered until the block ends."""
    async with run_as_they_come(house, _INQUIRY):
        yield


async def answer_next_inquiry(house: House) -> bool:
    """Have the oldest inquiry that waits answered; return whether one was. Raises as `run_next`."""
    return await run_next(house, _INQUIRY)


async def answer_inquiry(
    row: Row[Any], *, engine: AsyncEngine, clock: Callable[[], datetime]
) -> None:
    """Answer the inquiry *row*, which is ours, and keep the answer.

    Raises:
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction.
    """

    async def renew() -> None:
        async with transaction(engine) as connection:
            until = leases.longer(LEASE)
            await leases.set_columns(connection, InquiryRow, row, lease_until=until)

    try:
        async with leases.renewing(renew, lease=LEASE):
            answer = await anyio.to_thread.run_sync(partial(_answered, row), abandon_on_cancel=True)
        ended: dict[str, object] = {"state": "done", "answer": answer}
    except SolverIncident:
        _log.error("a witness of the solver did not hold", digest=row.digest)
        words = "the evaluator does not confirm what the solver found; please report it"
        ended = {"state": "failed", "failure": words}
    async with transaction(engine) as connection:
        await leases.set_columns(
            connection, InquiryRow, row, lease_until=None, finished_at=clock(), **ended
        )


def _answered(row: Row[Any]) -> dict[str, Any]:
    at = datetime.combine(row.day, time(), tzinfo=UTC)
    rules, limits = load_rule_set(row.source), Limits(seconds=row.limit_s)
    if row.base_source is not None:
        found = compare_apart(load_rule_set(row.base_source), rules, at=at, limits=limits)
        return {"comparison": found.to_json()}
    answers = ask_apart(rules, row.questions["questions"], at=at, limits=limits)
    return {"answers": [answer.to_json() for answer in answers]}
