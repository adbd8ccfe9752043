"""Which job does what: a room's function for each name, on the floors of this process."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from service.decisions import Desk
from service.intake import notices_in, resync, translate, write_back
from service.storage import Job, forget_finished, transaction
from service.storage.erasures import Named, ask_to_erase

__all__ = ["Work", "works_of"]

Work = Callable[..., Awaitable[None]]
"""Called with a job's args, by name. It may be called again for a job that it has done."""

_AT_ONCE: Final = 1_000


def works_of(desk: Desk) -> Mapping[Job, Work]:
    """Return what each job does; a room that has jobs adds its own here.

    Whoever carries jobs out has *desk* look after its shadows: they judge what is decided here.
    """
    house = desk.house

    async def forget_finished_jobs() -> None:
        older = timedelta(days=house.settings.failed_jobs_kept_days)
        are_more = True
        while are_more:
            async with transaction(house.engine) as connection:
                forgotten = await forget_finished(connection, older=older, most=_AT_ONCE)
            are_more = forgotten == _AT_ONCE

    async def translate_intake(delivery: str) -> None:
        await translate(desk, UUID(delivery))

    async def resync_connection(
        connection: str, objects: str, since: int, after: str | None
    ) -> None:
        await resync(house, UUID(connection), objects=objects, since=since, after=after)

    async def erase_subjects(delivery: str) -> None:
        for emails, external_ids, identities in await notices_in(house, UUID(delivery)):
            named = Named(emails=emails, external_ids=external_ids, identities=identities)
            at = house.clock()
            async with transaction(house.engine) as connection:
                await ask_to_erase(
                    connection,
                    named,
                    erasure_id=house.new_uuid(at),
                    person="vendor's notice",
                    at=at,
                    cause="notice",
                )

    async def write_back_decisions(connection: str) -> None:
        await write_back(house, UUID(connection))

    return {
        Job.FORGET_FINISHED: forget_finished_jobs,
        Job.TRANSLATE_INTAKE: translate_intake,
        Job.RESYNC_CONNECTION: resync_connection,
        Job.WRITE_BACK: write_back_decisions,
        Job.ERASE_SUBJECT: erase_subjects,
    }
