"""Qualify: fetch the live version and the facts, judge, keep, tell."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import ClassVar, Final, TypeVar
from uuid import UUID

import anyio
import anyio.to_thread
import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import Assessed, read_facts_for
from service.decisions.asking import Question
from service.decisions.at_once import entry_at_once
from service.decisions.comparing import original_of
from service.decisions.deciding import Judged, Subject, judge, record_of
from service.decisions.desk import Desk
from service.decisions.override_store import find_of_account
from service.decisions.suspended import Suspension
from service.decisions.suspension_store import list_in_force
from service.decisions.writing import Entry, ReleasesMoved, write
from service.rules import RuleSet
from service.rulesets import Running
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, transaction
from service.web import Answer, Claim, Refusal

__all__ = [
    "Case",
    "Draft",
    "Ending",
    "ReleasesMoving",
    "count",
    "count_one",
    "is_large",
    "keep",
    "qualify",
    "qualify_many",
    "settle",
]

_ATTEMPTS: Final = 4
_LARGE: Final = 2_500
_aside: Final = anyio.CapacityLimiter(2)

Ending = Answer | Refusal | DatabaseUnavailable | DatabaseNotMigrated
"""How one case of many ended: with an answer, or with why there is none."""

Draft = Ending | Entry
"""What a case came to before anything was kept: an entry to write, or its ending already."""

Result = TypeVar("Result")


class ReleasesMoving(Refusal):
    """Releases were made again and again while a decision was being written."""

    code: ClassVar[str] = "overloaded"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its clock, the id its decision will have, and when its work began.

    *began_s* is a reading of `perf_counter`.
    """

    question: Question
    at: datetime
    decision_id: UUID
    claim: Claim | None
    began_s: float


async def qualify(case: Case, desk: Desk) -> Answer:
    """Decide one case and return its answer once everything is committed.

    Raises:
        Refusal: If the question cannot be answered; nothing is kept then.
        DatabaseUnavailable: If the database is; whether anything was kept is then
            unknown, and a retry with the same key finds out.
    """
    if case.claim is None:
        return await _settle_alone(case, desk)
    async with desk.house.turns.taken(case.claim):
        return await _settle_alone(case, desk)


async def _settle_alone(case: Case, desk: Desk) -> Answer:
    """Do as `settle` does, for one."""
    for _ in range(_ATTEMPTS):
        draft = await _draft_of(case, desk)
        try:
            ending = await desk.writer.write(draft) if isinstance(draft, Entry) else draft
        except ReleasesMoved:
            desk.live.forget_releases()
            continue
        if not isinstance(ending, Answer):
            raise ending
        if isinstance(draft, Entry) and not ending.is_replayed:
            count_one(draft, desk)
        return ending
    raise _releases_moving()


async def qualify_many(cases: Sequence[Case], desk: Desk) -> list[Ending]:
    """Decide *cases*, each for itself, and return how each ended, in order, once all did.

    They are written together, and one that cannot be does not keep the others from it.
    """
    return list(await asyncio.gather(*(_ending_of(case, desk) for case in cases)))


async def _ending_of(case: Case, desk: Desk) -> Ending:
    # A judgement may take milliseconds: the requests beside a batch keep their turn.
    await asyncio.sleep(0)
    try:
        return await qualify(case, desk)
    except (Refusal, DatabaseUnavailable, DatabaseNotMigrated) as ending:
        return ending


async def settle(
    cases: Sequence[Case], desk: Desk, *, commit: Callable[[Sequence[Draft]], Awaitable[Result]]
) -> Result:
    """Judge *cases* and return what *commit* makes of them; judge again if releases moved.

    *commit* opens a transaction, has `keep` write into it, and commits.

    Raises:
        ReleasesMoving: If they moved every time.
    """
    for _ in range(_ATTEMPTS):
        drafts = []
        for case in cases:
            drafts.append(await _draft_of(case, desk))
            if len(cases) > 1:  # a judgement may take milliseconds: others keep their turn
                await asyncio.sleep(0)
        try:
            return await commit(drafts)
        except ReleasesMoved:
            desk.live.forget_releases()
    raise _releases_moving()


def _releases_moving() -> ReleasesMoving:
    words = "releases are being made faster than decisions; try again in a second"
    return ReleasesMoving(words, headers={"Retry-After": "1"})


async def keep(connection: AsyncConnection, drafts: Sequence[Draft]) -> list[Ending]:
    """Write the entries among *drafts* and return how each draft ends, once committed.

    Raises:
        ReleasesMoved, IdempotencyInProgress: As `write` does.
    """
    entries = [draft for draft in drafts if isinstance(draft, Entry)]
    answers = iter(await write(connection, entries) if entries else [])
    return [next(answers) if isinstance(draft, Entry) else draft for draft in drafts]


def count(drafts: Sequence[Draft], endings: Sequence[Ending], desk: Desk) -> None:
    """Count what was committed, by verdict, and have its shadows judge it in their own time."""
    for draft, ending in zip(drafts, endings, strict=True):
        if isinstance(draft, Entry) and isinstance(ending, Answer) and not ending.is_replayed:
            count_one(draft, desk)


def count_one(entry: Entry, desk: Desk) -> None:
    """Count one that was committed, as `count` does."""
    desk.house.metrics.count_decision(entry.record.verdict)
    if entry.original is not None:
        desk.shadows.offer(entry.original)


async def _draft_of(case: Case, desk: Desk) -> Draft:
    """Return what is to be kept of *case*, or how it ends without anything kept."""
    question = case.question
    try:
        running = await _running(case, desk)
        if question.at_version is None and not is_large(running.rules):
            entry = entry_at_once(
                question,
                running,
                at=case.at,
                decision_id=case.decision_id,
                claim=case.claim,
                began_s=case.began_s,
            )
            if entry is not None:
                return entry
        judged, subject = await _judge(case, desk, running)
    except Refusal as refusal:
        return refusal
    if question.is_dry:
        return Answer(body=judged.answer)
    record = record_of(
        judged,
        question,
        decision_id=case.decision_id,
        account_id=subject.account_id,
        latency=timedelta(seconds=perf_counter() - case.began_s),
    )
    is_live = question.at_version is None
    return Entry(
        record=record,
        answer=judged.answer,
        claim=case.claim,
        epoch=running.epoch if is_live else None,
        assessed=_assessed(case, judged, subject) if is_live else None,
        original=original_of(judged, subject, running, decision_id=case.decision_id),
    )


async def _running(case: Case, desk: Desk) -> Running:
    """Return the version that is asked for, else the one that is live."""
    question = case.question
    if question.at_version is not None:
        return await desk.live.version(question.rule_set, question.at_version)
    known = desk.live.known_at(question.rule_set, case.at)
    return known or await desk.live.version_at(question.rule_set, case.at)


async def _judge(case: Case, desk: Desk, running: Running) -> tuple[Judged, Subject]:
    question = case.question
    if question.subject == "lead" and question.facts is not None:  # for leads nothing is stored
        subject = Subject(facts=question.facts)
    else:
        subject = await _subject_of(case, desk, running.rules)
    work = partial(judge, question, subject, running, at=case.at, decision_id=case.decision_id)
    if is_large(running.rules):
        return await anyio.to_thread.run_sync(work, limiter=_aside), subject
    return work(), subject


def is_large(rules: RuleSet) -> bool:
    """Return whether a decision may take long enough for others to notice.

    Asking what to ask next tries the answers to every missing attribute on every rule.
    """
    return len(rules.attributes) * rules.model.check_count > _LARGE


async def _subject_of(case: Case, desk: Desk, rules: RuleSet) -> Subject:
    """Return whom the question is about: as it says, or as a stored account is known.

    What *rules* measure of a stored account is measured at the decision's clock.
    """
    question = case.question
    if question.account_key is None:
        suspensions = await _suspensions(case, desk, rules)
        return Subject(facts=question.facts or {}, suspensions=suspensions)
    async with transaction(desk.house.engine) as connection:
        return await _stored(connection, question.account_key, case, rules=rules)


async def _stored(connection: AsyncConnection, key: str, case: Case, *, rules: RuleSet) -> Subject:
    """Return a stored account, with what a person decided of it; a version asked for has none."""
    account = await read_facts_for(connection, key, rules=rules, at=case.at)
    override = None
    if case.question.at_version is None:
        override = await find_of_account(
            connection, account.id, rule_set=case.question.rule_set, at=case.at
        )
    return Subject(
        facts=account.facts,
        account_id=account.id,
        account_key=account.key,
        override=override,
        suspensions=await list_in_force(connection, case.question.rule_set, at=case.at),
    )


async def _suspensions(case: Case, desk: Desk, rules: RuleSet) -> tuple[Suspension, ...]:
    """Return what is suspended for accounts now; for leads nothing ever is."""
    if rules.subject != "account" or case.question.subject != "account":
        return ()
    async with transaction(desk.house.engine) as connection:
        return await list_in_force(connection, case.question.rule_set, at=case.at)


def _assessed(case: Case, judged: Judged, subject: Subject) -> Assessed | None:
    """Return what the decision says of a stored account; a version asked for says nothing."""
    if subject.account_id is None:
        return None
    return Assessed(
        account_id=subject.account_id,
        rule_set=judged.head.rule_set,
        decision_id=case.decision_id,
        version=judged.head.version,
        verdict=judged.decision.verdict,
        outcome=judged.decision.outcome,
        at=case.at,
    )
