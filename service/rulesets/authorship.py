"""Who wrote what a review is about: none of them may approve it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import history_store, review_store

__all__ = ["authors_of_draft", "authors_of_version", "writers_of_draft"]


async def writers_of_draft(connection: AsyncConnection, draft: Row[Any]) -> list[str]:
    """Return everybody who wrote on *draft* since it was committed last.

    Whoever restored an older text did so for all who ever wrote on the draft.
    """
    is_restored = await review_store.was_restored(connection, draft)
    return await history_store.list_draft_persons(
        connection,
        draft.rule_set,
        draft=draft.name,
        after_version=None if is_restored else draft.base_version,
    )


async def authors_of_draft(
    connection: AsyncConnection, draft: Row[Any], *, at: datetime
) -> list[str]:
    """Return who wrote what of *draft* has never been live before *at*.

    Besides those who wrote on it, the authors of the versions it stands on, back to the
    newest that has been live: their part was never released either.
    """
    wrote = await writers_of_draft(connection, draft)
    below: list[str] = []
    if draft.base_version is not None:
        below = await review_store.list_authors(
            connection, draft.rule_set, draft.base_version, at=at
        )
    return sorted({*wrote, *below})


async def authors_of_version(
    connection: AsyncConnection, version: Row[Any], *, at: datetime
) -> list[str]:
    """Return who wrote what of *version* has never been live before *at*."""
    return await review_store.list_authors(connection, version.rule_set, version.number, at=at)
