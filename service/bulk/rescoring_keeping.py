"""Write what becomes of a claimed rescoring: a slice at a time, each whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.comparing import Compared
from service.bulk.rescoring_terms import Pace, TakenAway
from service.decisions import keep_rescored
from service.rescorings import RescoringTally
from service.rescorings import store as rescoring_store
from service.storage import leases, transaction

__all__ = ["Keeper", "Slice", "count_one"]

_LONG: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some accounts up to *position*, and with them *done* that were looked at.

    There is a line for each account, an empty one where nothing is to be written.
    """

    position: UUID
    compared: Sequence[Compared]
    lines: Sequence[str]
    done: int


@dataclass(slots=True)
class Keeper:
    """Writes what becomes of the rescoring in *row*."""

    row: Row[Any]
    engine: AsyncEngine
    pace: Pace
    tally: RescoringTally

    async def keep(self, part: Slice) -> None:
        """Keep one slice: its decisions, its assessments, and how far the rescoring is.

        Raises:
            TakenAway: If the claim was lost; nothing of the slice is kept then.
        """
        is_dry = self.row.dry_run
        async with transaction(self.engine, within=_LONG) as connection:
            await rescoring_store.allow_long(connection)
            written = [] if is_dry else [line for line in part.lines if line]
            left_out = await keep_rescored(connection, written, with_past=True)
            for one, line in zip(part.compared, part.lines, strict=True):
                is_kept = is_dry or not left_out or _id_in(line) not in left_out
                count_one(self.tally, one, was_kept=one.fate == "changed" and is_kept)
            is_ours = await rescoring_store.keep_position(
                connection,
                self.row,
                position=part.position,
                done=part.done,
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


def count_one(tally: RescoringTally, one: Compared, *, was_kept: bool) -> None:
    """Count one account, whose new decision was kept or not."""
    if one.fate == "unchanged":
        tally.unchanged += 1
    elif was_kept:
        tally.move(one.before, one.after)
    else:
        tally.later += 1


def _id_in(line: str) -> UUID | None:
    return UUID(line.split("\t", 2)[1]) if line else None
