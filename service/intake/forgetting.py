"""Forget by what repeats and late words are known, once nobody can send or read them again."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final

from service.intake import delivery_store, lead_store
from service.settings import Settings
from service.storage import transaction
from service.web import Chore, House, looked_after

__all__ = ["forget_past_events", "forgetting_events_seen", "known_since"]

_EVERY_S: Final = 3_600.0
_AT_ONCE: Final = 5_000
# No vendor repeats for longer than three days, and HubSpot's workflows do for as long.
_LONGEST_REPEAT: Final = timedelta(days=7)


def known_since(settings: Settings, now: datetime) -> datetime | None:
    """Return the instant before which events may be forgotten; None where none ever may.

    A delivery can be read again for as long as its body is kept; what was seen in it then has
    to be known, or it would take effect twice.
    """
    if settings.raw_kept_days == 0:
        return None
    return now - max(timedelta(days=settings.raw_kept_days + 1), _LONGEST_REPEAT)


def forgetting_events_seen(house: House) -> AbstractAsyncContextManager[None]:
    """Forget past events in the background until the block ends."""

    async def forget() -> None:
        await forget_past_events(house)

    return looked_after(Chore("intake events", _EVERY_S, forget))


async def forget_past_events(house: House) -> None:
    """Forget every event, and every lead, of which nothing can come any more."""
    before = known_since(house.settings, house.clock())
    if before is None:
        return
    for forget in (delivery_store.forget_seen, lead_store.forget):
        count = _AT_ONCE
        while count == _AT_ONCE:
            async with transaction(house.engine) as connection:
                count = await forget(connection, before=before, most=_AT_ONCE)
