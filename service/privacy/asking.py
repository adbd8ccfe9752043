"""Ask for an erasure."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.privacy import store
from service.rulesets import Editor
from service.storage.erasures import Named, ask_to_erase
from service.web import Refusal

__all__ = ["ErasureNotFound", "Named", "ask_for", "existing"]


class ErasureNotFound(Refusal):
    """No erasure has this id."""

    code: ClassVar[str] = "erasure_not_found"

    def __init__(self) -> None:
        super().__init__("there is no erasure with this id; GET /v1/erasures lists them")


async def ask_for(
    connection: AsyncConnection, named: Named, *, editor: Editor, dry_run: bool = False
) -> Row[Any]:
    """Keep an erasure of *named* for somebody to take up; a *dry_run* only counts."""
    erasure_id = editor.fresh_id()
    await ask_to_erase(
        connection,
        named,
        erasure_id=erasure_id,
        person=editor.person,
        at=editor.at,
        cause="request",
        dry_run=dry_run,
    )
    return await existing(connection, erasure_id)


async def existing(connection: AsyncConnection, erasure_id: UUID) -> Row[Any]:
    """Return an erasure.

    Raises:
        ErasureNotFound: If there is none.
    """
    row = await store.find(connection, erasure_id)
    if row is None:
        raise ErasureNotFound
    return row
