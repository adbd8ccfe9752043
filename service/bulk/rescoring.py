"""Rescore every stored account under one version: fetch, judge, keep, a piece at a time.

All decisions of a run are made at one instant, by the version that was live then and by what the
ledger knew then. So it does not matter when an account's turn comes, how often the work is taken
up again, or what is released, entered or decided meanwhile.

Three things go on at once: the database reads a piece, the one before it is decided here, and
of the one before that the database writes what changed.
"""

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
import msgspec
import psycopg
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.account_judging import AccountJudge, DecidedPiece, decide_pieces
from service.bulk.account_store import Piece, count_accounts, read_standings
from service.bulk.ahead import one_ahead
from service.bulk.changed_lines import ChangedLines, collector_at_rest
from service.bulk.comparing import Compared, compare_piece
from service.bulk.measuring import with_measured
from service.bulk.rescoring_keeping import Keeper, Slice, count_one
from service.bulk.rescoring_terms import Pace, Rescoring, TakenAway, Tell
from service.bulk.sampling import EnginesDisagree
from service.decisions import RescoredLines, Under, is_under, source_of
from service.rescorings import RescoringTally
from service.rules import Decision
from service.storage import Ids, leases

__all__ = ["Pace", "Rescoring", "TakenAway", "Tell", "preview", "work_on"]

_raw: Final = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class _Judged:
    """A piece: what is to be done with each account, and the line to write where there is one."""

    ids: Ids
    compared: Sequence[Compared]
    lines: Sequence[str]

    def slices(self, *, length: int, done: int) -> Iterator[Slice]:
        """Give the piece in slices; *done* accounts were looked at before it."""
        for start in range(0, len(self.compared), length):
            part = slice(start, start + length)
            compared = self.compared[part]
            done += len(compared)
            yield Slice(self.ids[part][-1], compared, self.lines[part], done)


async def work_on(
    row: Row[Any],
    rescoring: Rescoring,
    *,
    engine: AsyncEngine,
    reader: psycopg.AsyncConnection[Any],
    randomness: Callable[[int], bytes],
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
    keeper = Keeper(row, engine, pace, RescoringTally.from_json(row.tally))
    total = row.total
    if total is None:
        total = await count_accounts(reader, at=rescoring.at)
        await keeper.put(total=total)
    form = RescoredLines.of(
        at=rescoring.at,
        rule_set=rescoring.rule_set,
        version=rescoring.version,
        digest=rescoring.rules.digest,
        source=source_of(row.cause),
    )
    lines = None if row.dry_run else ChangedLines(rescoring, form, randomness)
    judged = _judged(
        reader,
        rescoring,
        engine=engine,
        after=row.position,
        done=row.done,
        pace=pace,
        lines=lines,
    )
    async with leases.renewing(keeper.renew, lease=pace.lease):
        try:
            done: int = row.done
            async with aclosing(one_ahead(judged)) as pieces:
                async for piece in pieces:
                    for part in piece.slices(length=pace.slice, done=done):
                        await keeper.keep(part)
                        done = part.done
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
    judged = _judged(reader, rescoring, engine=engine, after=None, done=0, pace=pace, lines=None)
    async with aclosing(judged) as pieces:
        async for piece in pieces:
            for one in piece.compared:
                count_one(tally, one, was_kept=one.fate == "changed")
            done += len(piece.compared)
            tell(done, total)
    return tally


async def _judged(
    reader: psycopg.AsyncConnection[Any],
    rescoring: Rescoring,
    *,
    engine: AsyncEngine,
    after: UUID | None,
    done: int,
    pace: Pace,
    lines: ChangedLines | None,
) -> AsyncGenerator[_Judged, None]:
    """Give decided pieces with what is to be done with each account, in order.

    Without *lines* none are made: nothing will be written.
    """
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

    def compare(decided: DecidedPiece, first: int) -> _Judged:
        piece = decided.piece
        with collector_at_rest():
            suspended = _suspended(rescoring, piece.facts)
            found = compare_piece(
                decided,
                piece.standings,
                rules=rules,
                version=rescoring.version,
                suspended=suspended,
            )
            compared = list(found)
            if lines is None:
                return _Judged(piece.ids, compared, [""] * len(compared))
            made = lines.of_piece(decided, compared, suspended=suspended, first=first)
            return _Judged(piece.ids, compared, made)

    try:
        async with aclosing(decide_pieces(read, judge, after=after)) as pieces:
            async for decided in pieces:
                yield await anyio.to_thread.run_sync(compare, decided, done)
                done += len(decided.piece.ids)
    finally:
        judge.close()


def _suspended(rescoring: Rescoring, facts: bytes) -> dict[int, tuple[Decision, Under]]:
    """Return the decisions of the accounts that stand under suspensions, by place.

    They are few, so the evaluator makes them; the columns decide all as if there were none.
    """
    if not rescoring.suspensions:
        return {}
    rules, found = rescoring.rules, {}
    for place, text in enumerate(_raw.decode(facts)):
        stored: Mapping[str, object] = json.loads(bytes(text))
        if is_under(rescoring.suspensions, facts=stored, rules=rules):
            found[place] = rescoring.decide(stored)
    return found
