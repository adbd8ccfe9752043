"""An account's ledger as it was known at an instant: entries only ever come, and are dated."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import ledger_store
from service.accounts.kinds import AMOUNT
from service.rules import Event

__all__ = ["Remembered", "remember"]

_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Entered:
    """An event, when it was entered, and when it was taken back."""

    event: Event
    recorded_at: datetime
    reversed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Remembered:
    """Entries of one account, and of those merged into it now."""

    entries: tuple[Entered, ...]

    def known_at(self, at: datetime) -> list[Event]:
        """Return the events that counted at *at*: entered by then, and not taken back."""
        return [
            one.event
            for one in self.entries
            if one.recorded_at <= at and (one.reversed_at is None or one.reversed_at > at)
        ]


async def remember(
    connection: AsyncConnection, account_id: UUID, *, kinds: Collection[str], until: datetime
) -> Remembered | None:
    """Return what the ledger has of *kinds*, that happened up to *until*.

    None where that is more than can be looked at for one answer.
    """
    rows = await ledger_store.list_entries(
        connection, account_id, kinds=kinds, until=until, limit=_MOST + 1
    )
    return None if len(rows) > _MOST else Remembered(tuple(_entered(row) for row in rows))


def _entered(row: Row[Any]) -> Entered:
    amount = {} if row.amount is None else {AMOUNT: row.amount}
    event = Event(
        kind=row.kind,
        at=row.at,
        quantities={**row.quantities, **amount},
        source=row.source,
        id=row.source_event_id,
    )
    return Entered(event, row.recorded_at, row.reversed_at)
