"""Take a statement of every rule set for accounts once a day, without anybody asking.

Every serving process looks once a minute; a statement is added under the lock of whoever asks
for rescorings, so exactly one is. It joins the rescoring that is under way or was just done by
itself, and else asks for one.
"""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final

from service import rescorings
from service.portfolio import store
from service.portfolio.agreeing import Asked, CannotState
from service.portfolio.asking import ask_for, ask_of, running_of
from service.rescorings import BY_ITSELF, RescoringRunning
from service.rulesets import Editor, LiveRules, NotLive, live_for_accounts
from service.storage import to_text, transaction
from service.web import Chore, House, journal, looked_after

__all__ = ["state_where_due", "stating_by_itself"]

_EVERY_S: Final = 60.0
_JUST: Final = timedelta(hours=1)
_log = journal("portfolio")


def stating_by_itself(house: House, live: LiveRules) -> AbstractAsyncContextManager[None]:
    """Look again and again until the block ends."""

    async def look() -> None:
        await state_where_due(house, live)

    return looked_after(Chore("statements", _EVERY_S, look))


async def state_where_due(house: House, live: LiveRules) -> list[str]:
    """Ask for the statements that are due now; return of which rule sets."""
    every, at = timedelta(hours=house.settings.rescore_every_h), house.clock()
    if not every:
        return []
    async with transaction(house.engine) as connection:
        if not await rescorings.has_accounts(connection):
            return []
        slugs = [one.slug for one in await live_for_accounts(connection, at)]
    return [slug for slug in slugs if await _state(slug, at, every, house=house, live=live)]


async def _state(
    slug: str, at: datetime, every: timedelta, *, house: House, live: LiveRules
) -> bool:
    editor = Editor(person=BY_ITSELF, at=at, new_uuid=house.new_uuid)
    try:
        running = await running_of(house.engine, slug, live=live, editor=editor)
    except NotLive:  # its first release is a moment away
        return False
    async with transaction(house.engine) as connection:
        under_way = await rescorings.find_open(connection, slug)
        last = await store.find_last_asked(connection, slug)
        if last is not None and at - last.created_at < every:
            return False
        newest = await rescorings.find_newest(connection, slug)
        try:
            if (
                under_way is None
                and newest is not None
                and (newest.state, newest.version) == ("done", running.version)
                and at - newest.at < _JUST
            ):
                row = await ask_of(connection, newest, running, editor=editor, asked=Asked())
            else:
                row = await ask_for(
                    connection, running, editor=editor, asked=Asked(), cause="daily"
                )
        except (CannotState, RescoringRunning):
            return False
    _log.info("statement asked for", statement=to_text("st", row.id))
    return True
