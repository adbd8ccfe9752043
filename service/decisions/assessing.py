"""Assess accounts of which something has changed: claim, fetch, judge, keep.

Whatever changes what is known of an account marks it in its own transaction. Here the marked
ones are decided by every rule set that judges accounts and is live, finally: nobody is there to
be asked. A decision and its assessment are kept in the transaction that takes the mark away, so
nothing is lost and nothing doubled wherever the work stops; an account that changed while it was
judged keeps its mark.

An account that comes out as it stands, by the same version and with every rule saying what it
said, gets no decision (record 0027).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
import orjson
from sqlalchemy import Row

from service.accounts import (
    AccountFacts,
    Due,
    claim_due,
    count_due,
    end_due,
    hold_due,
    leave_due,
    measure_accounts,
    put_off,
    read_facts_of,
)
from service.decisions.comparing import Original, kind_of, original_of, scores_of
from service.decisions.deciding import Judged, Record, Subject
from service.decisions.desk import Desk
from service.decisions.rescored import keep_rescored, rescored_record
from service.decisions.rescored_lines import line_of
from service.decisions.showing import Head
from service.decisions.standing_store import list_current
from service.decisions.suspended import Suspension, Under, decide_under
from service.decisions.suspension_store import list_in_force
from service.rules import Decision
from service.rulesets import NotLive, Running, live_for_accounts
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, to_text, transaction
from service.web import journal, stack_of

__all__ = ["Pace", "assess_some", "assessing"]

_LONG: Final = timedelta(seconds=30)
_COUNTED_EVERY_S: Final = 15.0
_AHEAD: Final = timedelta(seconds=5)
_TICK: Final = timedelta(microseconds=1)
_log = journal("assessments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many *accounts* are taken up together, and for how long nobody else may.

    One that cannot be assessed is tried again after *first*, then after twice that, and so on.
    """

    accounts: int = 100
    lease: timedelta = timedelta(seconds=90)
    first: timedelta = timedelta(seconds=15)
    longest: timedelta = timedelta(hours=1)

    def wait(self, attempts: int) -> timedelta:
        """Return how long to wait after so many attempts that failed before this one."""
        doubled: int = 2 ** min(attempts, 16)
        return min(self.first * doubled, self.longest)


class TakenAway(Exception):
    """Somebody else has taken these accounts up meanwhile; nothing was kept."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What some accounts are judged by at *at*: facts, what each rule set measures, standings."""

    at: datetime
    causes: Mapping[UUID, str]
    accounts: Sequence[AccountFacts]
    runnings: Sequence[Running]
    measured: Mapping[str, Mapping[UUID, Mapping[str, float | None]]]
    standings: Mapping[tuple[UUID, str], Row[Any]]
    suspensions: Mapping[str, tuple[Suspension, ...]]


@dataclass(frozen=True, slots=True)
class _Moved:
    """A decision that is not as the account stands, and what its shadows need of it."""

    record: Record
    original: Original | None


@asynccontextmanager
async def assessing(desk: Desk) -> AsyncIterator[None]:
    """Assess whatever is due, again and again until the block ends; never, if so set."""
    every_s = desk.house.settings.assess_every_s
    if every_s == 0:
        yield
        return
    tasks = [
        asyncio.create_task(_assess_for_ever(desk, every_s), name="assessments"),
        asyncio.create_task(_count_for_ever(desk), name="assessments due"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def assess_some(desk: Desk, *, pace: Pace | None = None) -> int:
    """Assess some accounts that are due, the longest due first; return how many were taken up.

    Raises:
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction. What was not kept stays due.
    """
    pace = pace or Pace()
    async with transaction(desk.house.engine) as connection:
        claimed = await claim_due(connection, most=pace.accounts, lease=pace.lease)
    if claimed:
        await _assess(claimed, desk, pace)
    return len(claimed)


async def _assess_for_ever(desk: Desk, every_s: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        began_s, taken = loop.time(), 0
        try:
            taken = await assess_some(desk)
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("assessments delayed", why=str(error))
        # Where more may wait it rests as long as it worked: the other half is the requests'.
        await asyncio.sleep(loop.time() - began_s if taken else every_s)


async def _count_for_ever(desk: Desk) -> None:
    metrics = desk.house.metrics
    while True:
        try:
            async with transaction(desk.house.engine) as connection:
                waiting = await count_due(connection)
            metrics.assessments_due.set(waiting.accounts)
            metrics.assessments_due_s.set(waiting.longest.total_seconds())
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("assessments uncounted", why=str(error))
        await asyncio.sleep(_COUNTED_EVERY_S)


async def _assess(claimed: Sequence[Due], desk: Desk, pace: Pace) -> None:
    """Assess *claimed* together; where that fails, each for itself, and put off who fails alone."""
    try:
        await _assess_together(claimed, desk)
    except TakenAway:
        _log.warning("assessments taken away", accounts=len(claimed))
    except Exception as error:  # noqa: BLE001 - the front door of this work: one account must not stop the others
        if len(claimed) > 1:
            for one in claimed:
                await _assess([one], desk, pace)
            return
        await _put_off(claimed[0], error, desk, pace)


async def _put_off(one: Due, error: Exception, desk: Desk, pace: Pace) -> None:
    async with transaction(desk.house.engine) as connection:
        await put_off(connection, one, by=pace.wait(one.attempts))
    desk.house.metrics.assessments.labels("failed").inc()
    account = to_text("acc", one.account_id)
    _log.error(
        "assessment failed",
        account=account,
        kind=kind_of(error),
        where=stack_of(error),
        attempts=one.attempts + 1,
    )


async def _assess_together(claimed: Sequence[Due], desk: Desk) -> None:
    known = await _look_up(claimed, desk)
    moved = await anyio.to_thread.run_sync(lambda: list(_judge(known, desk)))
    async with transaction(desk.house.engine, within=_LONG) as connection:
        # Accounts before marks, as whoever changes an account takes them.
        left_out = await keep_rescored(connection, [line_of(one.record) for one in moved])
        changes = await hold_due(connection, claimed)
        if changes is None:
            raise TakenAway
        seen = {one.account_id: one.changes for one in claimed}
        await end_due(connection, [one for one, count in changes.items() if count == seen[one]])
        await leave_due(connection, [one for one, count in changes.items() if count != seen[one]])
    _count([one for one in moved if one.record.id not in left_out], known, desk)


async def _look_up(claimed: Sequence[Due], desk: Desk) -> _Known:
    engine, ids = desk.house.engine, [one.account_id for one in claimed]
    async with transaction(engine) as connection:
        standings = await list_current(connection, ids)
        at = _after(standings.values(), desk.house.clock())
        live = await live_for_accounts(connection, at)
    runnings = []
    for one in live:
        try:
            runnings.append(await desk.live.version_at(one.slug, at))
        except NotLive:  # its first release was taken back with its transaction
            continue
    async with transaction(engine, within=_LONG) as connection:
        accounts = await read_facts_of(connection, ids)
        there = [one.id for one in accounts]
        measured = {
            running.slug: await measure_accounts(connection, there, rules=running.rules, at=at)
            for running in runnings
        }
        suspensions = {
            running.slug: await list_in_force(connection, running.slug, at=at)
            for running in runnings
        }
    causes = {one.account_id: one.cause for one in claimed}
    return _Known(at, causes, accounts, runnings, measured, standings, suspensions)


def _after(standings: Iterable[Row[Any]], clock: datetime) -> datetime:
    """Return an instant after every decision that stands, where other clocks are a little ahead."""
    latest = max((row.at for row in standings), default=clock - _TICK)
    return max(clock, latest + _TICK) if latest - clock < _AHEAD else clock


def _judge(known: _Known, desk: Desk) -> Iterator[_Moved]:
    """Yield the decisions that differ from how the accounts stand."""
    for running in known.runnings:
        measured = known.measured[running.slug]
        for account in known.accounts:
            subject = Subject(
                facts={**account.facts, **measured[account.id]},
                account_id=account.id,
                account_key=account.key,
            )
            decision, under = decide_under(
                running.rules,
                subject.facts,
                known.suspensions[running.slug],
                at=known.at,
                final=True,
                with_missing=False,
            )
            standing = known.standings.get((account.id, running.slug))
            if standing is None or not _is_as(standing, decision, under, running=running):
                yield _moved(decision, under, subject, running=running, known=known, desk=desk)


def _is_as(standing: Row[Any], decision: Decision, under: Under, *, running: Running) -> bool:
    """Return whether a stored decision says what this one does, rule by rule."""
    before = None if under.before is None else orjson.loads(under.before.to_text())
    members = ("verdict", "outcome", "certain", "outcome_certain")
    return bool(
        standing.version == running.version
        and all(getattr(standing, name) == getattr(decision, name) for name in members)
        and standing.scores == scores_of(decision)
        and standing.trace == orjson.loads(decision.trace.to_text())
        and (standing.suspensions or []) == list(under.kept)
        and standing.trace_before == before
    )


def _moved(
    decision: Decision,
    under: Under,
    subject: Subject,
    *,
    running: Running,
    known: _Known,
    desk: Desk,
) -> _Moved:
    if subject.account_id is None or decision.at != known.at:
        raise AssertionError("an account is judged at the clock of the work")
    decision_id = desk.house.new_uuid(known.at)
    record = rescored_record(
        decision,
        under,
        decision_id=decision_id,
        account_id=subject.account_id,
        rule_set=running.slug,
        version=running.version,
        digest=running.digest,
        source=known.causes[subject.account_id],
    )
    head = Head(
        id=decision_id,
        decided_at=known.at,
        subject="account",
        external_id=None,
        account=subject.account_key,
        rule_set=running.slug,
        version=running.version,
        digest=running.digest,
    )
    judged = Judged(decision=decision, under=under, head=head, answer=b"")
    return _Moved(record, original_of(judged, subject, running, decision_id=decision_id))


def _count(kept: Sequence[_Moved], known: _Known, desk: Desk) -> None:
    metrics = desk.house.metrics
    written = {one.record.account_id for one in kept}
    metrics.assessments.labels("written").inc(len(written))
    metrics.assessments.labels("unchanged").inc(len(known.accounts) - len(written))
    for one in kept:
        metrics.count_decision(one.record.verdict)
        if one.original is not None:
            desk.shadows.offer(one.original)
