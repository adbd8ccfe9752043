"""Which old statements are superfluous, and their end: a statement of 100,000 accounts has 50 MB.

Young ones are all kept, then the last of each week and of each month, then the last of each
month. Never removed are the last one of a rule set, and one that somebody asked for. A view of an
instant whose statement is gone shows the one before, and says of which instant it is.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.portfolio import store
from service.rescorings import BY_ITSELF
from service.settings import Settings
from service.storage import append_audit, to_text, transaction
from service.web import Chore, House, looked_after, rfc3339

__all__ = ["Keeping", "keeping_of", "superfluous", "thin", "thinning"]

_EVERY_S: Final = 6 * 3600.0
_LONG: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long every statement is kept, and then one a week; after that it is one a month."""

    every_one: timedelta
    weekly: timedelta


def keeping_of(settings: Settings) -> Keeping | None:
    """Return what the settings ask for; None where all statements are kept for ever."""
    if not settings.statements_kept_d:
        return None
    return Keeping(
        timedelta(days=settings.statements_kept_d),
        timedelta(days=max(settings.statements_kept_d, settings.statements_weekly_d)),
    )


def superfluous(instants: Sequence[datetime], *, now: datetime, keeping: Keeping) -> set[datetime]:
    """Return of which of the *instants*, those of one rule set, no statement need be kept."""
    kept = {max(instants, default=now)}
    kept |= {instant for instant in instants if now - instant <= keeping.every_one}
    last: dict[tuple[int, ...], datetime] = {}
    for instant in sorted(instants):
        at = instant.astimezone(UTC)
        last[at.year, at.month] = instant
        if now - instant <= keeping.weekly:
            year, week, _ = at.isocalendar()
            last[year, week, 0] = instant
    return set(instants) - kept - {*last.values()}


async def thin(
    engine: AsyncEngine, keeping: Keeping, *, now: datetime, by: str, dry_run: bool = False
) -> list[Row[Any]]:
    """Remove the statements that are superfluous, each by itself; return them, the oldest first.

    One of which a scenario is being worked out stays until that has ended.
    """
    async with transaction(engine) as connection:
        rows = await store.list_done(connection)
    gone = []
    for slug in sorted({row.rule_set for row in rows}):
        own = [row for row in rows if row.rule_set == slug]
        instants = superfluous([row.at for row in own], now=now, keeping=keeping)
        gone += [row for row in own if row.at in instants and row.taken_by == BY_ITSELF]
    if dry_run:
        return gone
    removed = []
    for row in gone:
        async with transaction(engine, within=_LONG) as connection:
            await store.allow_long(connection)
            if not await store.remove(connection, row.id):
                continue
            await append_audit(
                connection,
                at=now,
                actor=by,
                action="portfolio.thin",
                subject=to_text("st", row.id),
                payload={"at": rfc3339(row.at)},
            )
        removed.append(row)
    return removed


def thinning(house: House) -> AbstractAsyncContextManager[None]:
    """Remove what is superfluous again and again until the block ends."""

    async def look() -> None:
        keeping = keeping_of(house.settings)
        if keeping is not None:
            await thin(house.engine, keeping, now=house.clock(), by=BY_ITSELF)

    return looked_after(Chore("thinning", _EVERY_S, look))
