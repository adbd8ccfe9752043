"""Ask for an import, and cancel one."""

from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.imports import store
from service.imports.schemas import ImportSent
from service.rulesets import Editor
from service.storage import append_audit, to_text
from service.web import Refusal

__all__ = [
    "ImportNotFound",
    "ImportOver",
    "TooManyImports",
    "ask_for",
    "cancel",
    "existing",
]

_MOST_OPEN: Final = 20


class ImportNotFound(Refusal):
    """No import has this id."""

    code: ClassVar[str] = "import_not_found"

    def __init__(self) -> None:
        super().__init__("there is no import with this id; GET /v1/accounts/imports lists them")


class ImportOver(Refusal):
    """An import has ended, so that this cannot be done any more."""

    code: ClassVar[str] = "import_over"


class TooManyImports(Refusal):
    """Too many imports have not ended."""

    code: ClassVar[str] = "too_many_imports"


async def ask_for(
    connection: AsyncConnection, sent: ImportSent, *, editor: Editor, currency: str
) -> Row[Any]:
    """Keep an import, which then waits for its file.

    Raises:
        TooManyImports: If many have not ended.
    """
    if await store.count_open(connection) >= _MOST_OPEN:
        words = f"{_MOST_OPEN} imports have not ended; wait for one, or cancel one"
        raise TooManyImports(words, headers={"Retry-After": "60"})
    import_id = editor.fresh_id()
    values = {
        "id": import_id,
        "what": sent.what,
        "format": sent.format,
        "source": sent.source,
        "at": sent.at or editor.at,
        "dry_run": sent.dry_run,
        "map": sent.map,
        "currency": currency,
        "state": "waiting",
        "generation": 0,
        "attempts": 0,
        "arrived": 0,
        "rows": 0,
        "asked_by": editor.person,
        "created_at": editor.at,
    }
    await store.add(connection, values)
    await _note(connection, "imports.ask", import_id, editor, what=sent.what, dry_run=sent.dry_run)
    return await existing(connection, import_id)


async def cancel(connection: AsyncConnection, import_id: UUID, *, editor: Editor) -> Row[Any]:
    """Stop an import behind the portion of rows it is at; what was kept stays.

    Raises:
        ImportNotFound: If there is none.
        ImportOver: If it has ended already.
    """
    if not await store.stop(connection, import_id, at=editor.at):
        row = await existing(connection, import_id)
        raise ImportOver(f"the import is {row.state} and cannot be cancelled")
    await _note(connection, "imports.cancel", import_id, editor)
    return await existing(connection, import_id)


async def existing(connection: AsyncConnection, import_id: UUID) -> Row[Any]:
    """Return an import.

    Raises:
        ImportNotFound: If there is none.
    """
    row = await store.find(connection, import_id)
    if row is None:
        raise ImportNotFound
    return row


async def _note(
    connection: AsyncConnection, action: str, import_id: UUID, editor: Editor, **payload: object
) -> None:
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action=action,
        subject=to_text("imp", import_id),
        payload=payload,
    )
