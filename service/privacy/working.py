"""Have erasures worked off as they come, and a retention asked for each day."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.privacy.erasing import Eraser, erase_next
from service.privacy.marking import marking_key
from service.privacy.retaining import BY_ITSELF, ask_where_due
from service.rulesets import Editor
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, transaction
from service.storage.tables import ErasureRow
from service.web import Chore, House, journal, looked_after

__all__ = ["eraser_of", "look_once", "working"]

_RETAIN_AGAIN_S = 900.0
_log = journal("erasures")


def eraser_of(house: House) -> Eraser:
    """Return what erases in this process."""
    return Eraser(engine=house.engine, clock=house.clock, key=lambda: marking_key(house.settings))


@asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    """Work on whatever erasures wait until the block ends."""

    async def retain() -> None:
        await look_once(house)

    task = asyncio.create_task(_work_for_ever(house), name="erasures")
    async with looked_after(Chore("retention", _RETAIN_AGAIN_S, retain)):
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def look_once(house: House) -> bool:
    """Ask for a day's retention where none was yet; return whether it was."""
    editor = Editor(person=BY_ITSELF, at=house.clock(), new_uuid=house.new_uuid)
    async with transaction(house.engine) as connection:
        row = await ask_where_due(connection, house.settings, editor=editor)
    return row is not None


async def _work_for_ever(house: House) -> None:
    eraser = eraser_of(house)
    while True:
        was_one = False
        try:
            was_one = await erase_next(eraser)
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("erasures delayed", why=str(error))
        if not was_one:
            await house.pulse.until_open(ErasureRow)
