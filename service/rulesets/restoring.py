"""Bring an earlier state of a draft back; that is an edit like another."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import history_store, store
from service.rulesets.drafting import Editor, existing_draft
from service.rulesets.lapsing import lapse_reviews
from service.rulesets.missing import no_rule_set
from service.rulesets.remembering import remember
from service.storage import append_audit, to_text
from service.web import Refusal, check_match, etag_of

__all__ = ["EditNotFound", "existing_edit", "restore"]


class EditNotFound(Refusal):
    """The draft's history has no such edit."""

    code: ClassVar[str] = "edit_not_found"

    def __init__(self) -> None:
        super().__init__("the draft's history has no such edit; list the history for its ids")


async def existing_edit(
    connection: AsyncConnection, slug: str, *, draft: str, edit_id: UUID
) -> Row[Any]:
    """Return one edit of a draft, with its text; also of one that was dropped.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        EditNotFound: If the edit is not of this draft.
    """
    edit = await history_store.find_edit(connection, slug, draft=draft, edit_id=edit_id)
    if edit is None:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        raise EditNotFound
    return edit


async def restore(
    connection: AsyncConnection, edit: Row[Any], *, if_match: str | None, editor: Editor
) -> tuple[Row[Any], bool]:
    """Give a draft the text, note and base it had after *edit*; return it and whether it is new.

    The base comes with the text, so that a rebase still knows what the draft itself changed.
    A draft that was dropped is made again where *if_match* is None.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        DraftNotFound: If *if_match* names a state of a draft that was dropped.
        PreconditionRequired, Clash: As for every edit of a draft that is there.
    """
    if if_match is None and await _make_again(connection, edit, editor=editor):
        found = None
    else:
        found = await existing_draft(connection, edit.rule_set, edit.draft, for_update=True)
        check_match(if_match, etag_of(found.row_version))
        values = _state(edit) | {"row_version": found.row_version + 1} | _touched(editor)
        await store.change_draft(connection, edit.rule_set, edit.draft, values)
    draft = await existing_draft(connection, edit.rule_set, edit.draft)
    await remember(connection, draft, found=found, action="restore", editor=editor)
    if found is not None:
        await lapse_reviews(connection, found, left=draft, editor=editor)
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="rulesets.restore",
        subject=f"{edit.rule_set}/{edit.draft}",
        payload={"edit": to_text("edt", edit.id)},
    )
    return draft, found is None


async def _make_again(connection: AsyncConnection, edit: Row[Any], *, editor: Editor) -> bool:
    """Insert the draft of *edit* where none has its name; return whether that was so."""
    slug, name = edit.rule_set, edit.draft
    await store.lock_rule_set(connection, slug)
    last = await history_store.last_row_version(connection, slug, draft=name)
    values = {
        "id": editor.fresh_id(),
        "rule_set": slug,
        "name": name,
        "row_version": last + 1,
        "author": editor.person,
        "created_at": editor.at,
    }
    return await store.add_draft(connection, values | _state(edit) | _touched(editor))


def _state(edit: Row[Any]) -> dict[str, object]:
    return {"source": edit.source, "note": edit.note, "base_version": edit.base_version}


def _touched(editor: Editor) -> dict[str, object]:
    return {"updated_at": editor.at, "updated_by": editor.person}
