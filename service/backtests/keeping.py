"""Write what becomes of a claimed backtest: a chunk at a time, each whole or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.backtests import store
from service.backtests.chunking import Bench, Chunk, revenue_of
from service.backtests.proving import evidence_of
from service.backtests.reading import count_cases
from service.backtests.tallying import Tally
from service.delivery import Announcement, EventType, announce
from service.rulesets import attach_evidence
from service.storage import leases, to_text, transaction

__all__ = ["Keeper", "TakenAway"]

_LONG: Final = timedelta(seconds=60)


class TakenAway(Exception):
    """The backtest was cancelled, or another process has it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Writes what becomes of the backtest in *row*, for as long as the claim holds."""

    row: Row[Any]
    engine: AsyncEngine
    clock: Callable[[], datetime]
    new_uuid: Callable[[datetime], UUID]
    lease: timedelta

    async def count(self) -> int | None:
        """Return how many cases the backtest has, kept since it was first taken up.

        None from a million on. Raises TakenAway if the claim was lost.
        """
        if self.row.total is not None or self.row.tally is not None:
            total: int | None = self.row.total
            return total
        async with transaction(self.engine, within=_LONG) as connection:
            total = await count_cases(connection, self.row)
            is_ours = await store.set_columns(connection, self.row, total=total)
        if not is_ours:
            raise TakenAway
        return total

    async def begin(self, bench: Bench) -> Tally:
        """Return what was counted so far; at the very beginning, keep what there is to do.

        Raises:
            TakenAway: If the claim was lost.
        """
        if self.row.tally is not None:
            return Tally.from_json(self.row.tally)
        tally = Tally.begin(bench.widths)
        await self._put(edits=bench.edits_shown, tally=tally.to_json())
        return tally

    async def keep(self, chunk: Chunk, *, tally: Tally, done: int) -> None:
        """Keep one chunk: its flips, the counts, and how far the backtest is.

        Raises:
            TakenAway: If the claim was lost; nothing of the chunk is kept then.
        """
        async with transaction(self.engine, within=_LONG) as connection:
            is_ours = await store.keep_chunk(
                connection,
                self.row,
                position=chunk.position,
                done=done,
                tally=tally.to_json(),
                lease=self.lease,
            )
            if not is_ours:
                raise TakenAway
            await store.add_flips(connection, self.row.id, chunk.flips)

    async def finish(self, bench: Bench, *, tally: Tally) -> None:
        """Say that the backtest is done, and in the same transaction what it found of its digest.

        Raises:
            TakenAway: If the claim was lost.
        """
        row, at = self.row, self.clock()
        async with transaction(self.engine, within=_LONG) as connection:
            touched = None
            if row.revenue is not None:
                movements = await store.read_revenue(connection, row.id, revenue=row.revenue)
                touched = revenue_of(movements, row.revenue, bench)
            is_ours = await store.set_columns(
                connection,
                row,
                state="done",
                lease_until=None,
                finished_at=at,
                revenue_touched=touched,
            )
            if not is_ours:
                raise TakenAway
            reaches_back = await store.reaches_back(connection, row)
            evidence = evidence_of(
                row, bench, tally=tally, touched=touched, reaches_back=reaches_back
            )
            await attach_evidence(connection, evidence, at=at, new_uuid=self.new_uuid)
            await announce(connection, self._announced("done", at=at))

    async def fail(self, words: str) -> None:
        """Say why the backtest failed, if the claim still holds."""
        at = self.clock()
        async with transaction(self.engine) as connection:
            is_ours = await store.set_columns(
                connection,
                self.row,
                state="failed",
                failure=words,
                lease_until=None,
                finished_at=at,
            )
            if is_ours:
                await announce(connection, self._announced("failed", at=at))

    async def renew(self) -> None:
        """Take the lease anew. Raises TakenAway if the claim was lost."""
        await self._put(lease_until=leases.longer(self.lease))

    async def give_back(self) -> None:
        """Let go of the backtest, so that another may go on with it at once."""
        async with transaction(self.engine) as connection:
            await store.give_back(connection, self.row)

    async def _put(self, **values: object) -> None:
        async with transaction(self.engine) as connection:
            if not await store.set_columns(connection, self.row, **values):
                raise TakenAway

    def _announced(self, state: str, *, at: datetime) -> Announcement:
        row = self.row
        told = {"backtest": to_text("bt", row.id), "rule_set": row.rule_set, "state": state}
        # With the attempt: one that was resumed ends once more.
        cause = UUID(int=row.id.int ^ row.generation)
        return Announcement.caused_by(cause, EventType.BACKTEST_FINISHED, at=at, data=told)
