"""Keep every state of a draft: what each edit left, and whose it was."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import history_store
from service.rulesets.editor import Editor

__all__ = ["remember"]

Action = Literal["create", "edit", "rebase", "restore", "commit", "drop"]


async def remember(
    connection: AsyncConnection,
    draft: Row[Any],
    *,
    found: Row[Any] | None,
    action: Action,
    editor: Editor,
) -> None:
    """Append the state that *action* left a draft in to its history.

    *found* is the draft as the action found it, None where there was none. A draft older
    than the history has that state appended first, so that the text is not lost.
    """
    if found is not None and not await history_store.has_state(connection, found):
        is_first = found.row_version == 1
        await _append(
            connection,
            found,
            action="create" if is_first else "edit",
            editor=editor,
            left_by=(found.updated_by, found.updated_at),
        )
    await _append(
        connection, draft, action=action, editor=editor, left_by=(editor.person, editor.at)
    )


async def _append(
    connection: AsyncConnection,
    draft: Row[Any],
    *,
    action: Action,
    editor: Editor,
    left_by: tuple[str, datetime],
) -> None:
    person, at = left_by
    await history_store.add_edit(
        connection,
        {
            "id": editor.fresh_id(),
            "draft_id": draft.id,
            "rule_set": draft.rule_set,
            "draft": draft.name,
            "row_version": draft.row_version,
            "action": action,
            "source": draft.source,
            "note": draft.note,
            "base_version": draft.base_version,
            "person": person,
            "at": at,
        },
    )
