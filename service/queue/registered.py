"""Which job does what: a room's function for each name, on the floors of this process."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from service.storage import Job, forget_finished, transaction
from service.web import House

__all__ = ["Work", "works_of"]

Work = Callable[..., Awaitable[None]]
"""Called with a job's args, by name. It may be called again for a job that it has done."""

_AT_ONCE: Final = 1_000


def works_of(house: House) -> Mapping[Job, Work]:
    """Return what each job does; a room that has jobs adds its own here."""

    async def forget_finished_jobs() -> None:
        older = timedelta(days=house.settings.failed_jobs_kept_days)
        are_more = True
        while are_more:
            async with transaction(house.engine) as connection:
                forgotten = await forget_finished(connection, older=older, most=_AT_ONCE)
            are_more = forgotten == _AT_ONCE

    return {Job.FORGET_FINISHED: forget_finished_jobs}
