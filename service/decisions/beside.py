"""Decide one case and keep something of another room's beside it, in one transaction."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.desk import Desk
from service.decisions.qualifying import Case, Draft, Ending, count, keep, settle
from service.decisions.writing import Entry
from service.storage import transaction
from service.web import Answer

__all__ = ["Beside", "qualify_beside"]

Beside = Callable[[AsyncConnection, Entry], Awaitable[None]]
"""Keeps what belongs to a decision that is being written; what it raises keeps neither."""


async def qualify_beside(
    case: Case, desk: Desk, *, beside: Beside, is_kept: bool = True
) -> tuple[Entry, Answer]:
    """Decide *case* and return its entry and its answer, once both and *beside* are committed.

    A decision that is not to be kept is answered like any other, and only *beside* stays.
    Where the case's key was used before, that answer is returned and *beside* is not called.

    Raises:
        Refusal: If the question cannot be answered; nothing is kept then.
        DatabaseUnavailable: If the database is.
    """

    async def commit(drafts: Sequence[Draft]) -> tuple[Entry, Answer]:
        entry = drafts[0]
        if isinstance(entry, Answer):
            raise TypeError("a dry run is kept nowhere; nothing can stand beside it")
        if not isinstance(entry, Entry):
            raise entry
        async with transaction(desk.house.engine) as connection:
            ending: Ending = Answer(body=entry.answer)
            if is_kept:
                ending = (await keep(connection, [entry]))[0]
            if not isinstance(ending, Answer):
                raise ending
            if not ending.is_replayed:
                await beside(connection, entry)
        if is_kept:
            count(drafts, [ending], desk)
        return entry, ending

    return await settle([case], desk, commit=commit)
