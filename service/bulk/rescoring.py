"""Rescore every stored account under one version: fetch, judge, keep, a piece at a time.

All decisions of a run are made at one instant, by the version that was live then. So it does
not matter when an account's turn comes, how often the work is taken up again, or what is
released meanwhile.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
import msgspec
import psycopg
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.account_judging import AccountJudge, DecidedPiece, decide_pieces
from service.bulk.account_store import Piece, count_accounts, read_standings
from service.bulk.comparing import Compared, compare_piece
from service.bulk.measuring import with_measured
from service.bulk.sampling import EnginesDisagree
from service.decisions import (
    Suspension,
    Under,
    decide_under,
    is_under,
    keep_rescored,
    rescored_record,
    source_of,
)
from service.rescorings import RescoringTally
from service.rescorings import store as rescoring_store
from service.rules import Decision, RuleSet
from service.storage import leases, to_text, transaction

__all__ = ["Pace", "Rescoring", "TakenAway", "Tell", "preview", "work_on"]

_LONG: Final = timedelta(seconds=60)
_raw: Final = msgspec.json.Decoder(list[msgspec.Raw])

Tell = Callable[[int, int | None], None]
"""Told how many accounts were looked at, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is done at once.

    *accounts* are read and decided together; of those, *slice* at most are written in one
    transaction, so that nobody who changes one of them waits for long.
    """

    accounts: int = 20_000
    slice: int = 2_500
    lease: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescoring:
    """What is to be rescored: a version, ready to decide, and the one clock.

    *suspensions* are those that stand at that instant.
    """

    rule_set: str
    version: int
    rules: RuleSet
    at: datetime
    suspensions: tuple[Suspension, ...] = ()

    def decide(self, facts: Mapping[str, object]) -> tuple[Decision, Under]:
        """Return the evaluator's decision on one account's stored facts."""
        return decide_under(
            self.rules, facts, self.suspensions, at=self.at, final=True, with_missing=False
        )


class TakenAway(Exception):
    """The rescoring was cancelled, or another process has it now."""


async def work_on(
    row: Row[Any],
    rescoring: Rescoring,
    *,
    engine: AsyncEngine,
    reader: psycopg.AsyncConnection[Any],
    new_uuid: Callable[[datetime], UUID],
    clock: Callable[[], datetime],
    tell: Tell,
    pace: Pace | None = None,
) -> RescoringTally:
    """Work on the claimed rescoring *row* until it is done, and return what it found.

    *reader* is a connection of its own. Whatever ends the work early leaves everything up to
    the last slice in place; whoever claims the row next goes on behind it.

    Raises:
        TakenAway: If the claim was lost.
        EnginesDisagree: If the evaluator decides an account of the sample otherwise; the
            rescoring has failed then.
    """
    pace = pace or Pace()
    keeper = _Keeper(row, rescoring, engine, new_uuid, pace, RescoringTally.from_json(row.tally))
    total = row.total
    if total is None:
        total = await count_accounts(reader, at=rescoring.at)
        await keeper.put(total=total)
    async with leases.renewing(keeper.renew, lease=pace.lease):
        try:
            done: int = row.done
            async with aclosing(
                _compared(reader, rescoring, engine=engine, after=row.position, pace=pace)
            ) as pieces:
                async for decided, compared, raw in pieces:
                    for start in range(0, len(compared), pace.slice):
                        part = slice(start, start + pace.slice)
                        done += len(compared[part])
                        await keeper.keep(decided.piece.ids[part], compared[part], raw[part], done)
                        tell(done, total)
        except EnginesDisagree as error:
            await keeper.put(
                state="failed", failure=str(error), lease_until=None, finished_at=clock()
            )
            raise
        await keeper.put(state="done", lease_until=None, finished_at=clock())
    return keeper.tally


async def preview(
    rescoring: Rescoring,
    *,
    engine: AsyncEngine,
    reader: psycopg.AsyncConnection[Any],
    tell: Tell,
    pace: Pace | None = None,
) -> RescoringTally:
    """Return what a rescoring would find; nothing is written.

    Raises:
        EnginesDisagree: If the evaluator decides an account of the sample otherwise.
    """
    pace = pace or Pace()
    tally, done = RescoringTally(), 0
    total = await count_accounts(reader, at=rescoring.at)
    async with aclosing(
        _compared(reader, rescoring, engine=engine, after=None, pace=pace)
    ) as pieces:
        async for _, compared, _ in pieces:
            for one in compared:
                _count(tally, one, was_kept=one.fate == "changed")
            done += len(compared)
            tell(done, total)
    return tally


_Pieces = tuple[DecidedPiece, Sequence[Compared], Sequence[msgspec.Raw]]


async def _compared(
    reader: psycopg.AsyncConnection[Any],
    rescoring: Rescoring,
    *,
    engine: AsyncEngine,
    after: UUID | None,
    pace: Pace,
) -> AsyncGenerator[_Pieces, None]:
    """Give decided pieces with what is to be done with each account, and the facts it is by."""
    rules = rescoring.rules
    spans = [f"{part}_{s.name}" for s in rules.model.scores for part in ("value", "low", "high")]
    judge = AccountJudge.of(
        rules, at=rescoring.at, wanted=["verdict", "outcome", "rules_yes", *spans]
    )

    async def read(last: UUID | None) -> Piece:
        piece = await read_standings(
            reader,
            rule_set=rescoring.rule_set,
            version=rescoring.version,
            after=last,
            at=rescoring.at,
            limit=pace.accounts,
        )
        return await with_measured(piece, rules=rules, at=rescoring.at, engine=engine)

    def compare(decided: DecidedPiece) -> _Pieces:
        standings = decided.piece.standings
        raw = _raw.decode(decided.piece.facts)
        found = compare_piece(
            decided,
            standings,
            rules=rules,
            version=rescoring.version,
            suspended=_suspended(rescoring, raw),
        )
        return decided, list(found), raw

    try:
        async with aclosing(decide_pieces(read, judge, after=after)) as pieces:
            async for decided in pieces:
                yield await anyio.to_thread.run_sync(compare, decided)
    finally:
        judge.close()


def _suspended(
    rescoring: Rescoring, raw: Sequence[msgspec.Raw]
) -> dict[int, tuple[Decision, Under]]:
    """Return the decisions of the accounts that stand under suspensions, by place.

    They are few, so the evaluator makes them; the columns decide all as if there were none.
    """
    if not rescoring.suspensions:
        return {}
    rules, found = rescoring.rules, {}
    for place, text in enumerate(raw):
        facts = json.loads(bytes(text))
        if is_under(rescoring.suspensions, facts=facts, rules=rules):
            found[place] = rescoring.decide(facts)
    return found


@dataclass(slots=True)
class _Keeper:
    """Writes what becomes of a claimed rescoring."""

    row: Row[Any]
    rescoring: Rescoring
    engine: AsyncEngine
    new_uuid: Callable[[datetime], UUID]
    pace: Pace
    tally: RescoringTally

    async def keep(
        self,
        ids: Sequence[UUID],
        compared: Sequence[Compared],
        raw: Sequence[msgspec.Raw],
        done: int,
    ) -> None:
        """Keep one slice whole: its decisions, its assessments, and how far it is."""
        is_dry = self.row.dry_run
        records = (
            [] if is_dry else await anyio.to_thread.run_sync(self._records, ids, compared, raw)
        )
        async with transaction(self.engine, within=_LONG) as connection:
            await rescoring_store.allow_long(connection)
            if is_dry:
                kept = _changed(ids, compared)
            else:
                decided = await keep_rescored(connection, records)
                kept = {one.account_id for one in records if one.id in decided}
            for account_id, one in zip(ids, compared, strict=True):
                _count(self.tally, one, was_kept=account_id in kept)
            is_ours = await rescoring_store.keep_position(
                connection,
                self.row,
                position=ids[-1],
                done=done,
                tally=self.tally.to_json(),
                lease=self.pace.lease,
            )
            if not is_ours:
                raise TakenAway

    async def put(self, **values: object) -> None:
        """Set columns of the rescoring.

        Raises:
            TakenAway: If the claim was lost.
        """
        async with transaction(self.engine) as connection:
            if not await rescoring_store.set_columns(connection, self.row, **values):
                raise TakenAway

    async def renew(self) -> None:
        """Take the lease anew. Raises as `put`."""
        await self.put(lease_until=leases.longer(self.pace.lease))

    def _records(
        self, ids: Sequence[UUID], compared: Sequence[Compared], raw: Sequence[msgspec.Raw]
    ) -> list[Any]:
        """Return the decisions to write: each is the evaluator's own, from the same facts."""
        rescoring, found = self.rescoring, []
        for account_id, one, facts in zip(ids, compared, raw, strict=True):
            if one.fate != "changed":
                continue
            decision, under = rescoring.decide(json.loads(bytes(facts)))
            if decision.verdict != one.after:
                where = f"`{to_text('acc', account_id)}`"
                raise EnginesDisagree(rescoring.rules, where=where, columns=["verdict"])
            record = rescored_record(
                decision,
                under,
                decision_id=self.new_uuid(rescoring.at),
                account_id=account_id,
                rule_set=rescoring.rule_set,
                version=rescoring.version,
                digest=rescoring.rules.digest,
                source=source_of(self.row.cause),
            )
            found.append(record)
        return found


def _changed(ids: Sequence[UUID], compared: Sequence[Compared]) -> set[UUID]:
    """Return whose decisions a rescoring that writes would have written."""
    pairs = zip(ids, compared, strict=True)
    return {account_id for account_id, one in pairs if one.fate == "changed"}


def _count(tally: RescoringTally, one: Compared, *, was_kept: bool) -> None:
    if one.fate == "unchanged":
        tally.unchanged += 1
    elif was_kept:
        tally.move(one.before, one.after)
    else:
        tally.later += 1
