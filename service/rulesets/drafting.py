"""Write rules: make a rule set, keep its drafts as their authors typed them."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import history_store, store
from service.rulesets.editor import Editor
from service.rulesets.lapsing import lapse_reviews
from service.rulesets.missing import no_rule_set
from service.rulesets.patching import clashes_between
from service.rulesets.remembering import remember
from service.storage import append_audit
from service.web import Clash, Refusal, check_match, etag_of

__all__ = [
    "DraftNotFound",
    "Edit",
    "Editor",
    "RuleSetExists",
    "create_rule_set",
    "drop_draft",
    "existing_draft",
    "put_draft",
    "refuse_stale",
]


class RuleSetExists(Refusal):
    """The id is taken."""

    code: ClassVar[str] = "rule_set_exists"


class DraftNotFound(Refusal):
    """The rule set has no draft of this name."""

    code: ClassVar[str] = "draft_not_found"

    def __init__(self) -> None:
        super().__init__("the rule set has no such draft; PUT makes one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A draft's new text and note; None leaves either as it is."""

    source: str | None
    note: str | None


async def create_rule_set(
    connection: AsyncConnection, slug: str, *, subject: str, title: str, editor: Editor
) -> UUID:
    """Make an empty rule set and return its id.

    Raises:
        RuleSetExists: If the slug is taken.
    """
    rule_set_id = editor.fresh_id()
    is_new = await store.add_rule_set(
        connection,
        {
            "slug": slug,
            "id": rule_set_id,
            "subject": subject,
            "title": title,
            "created_at": editor.at,
            "created_by": editor.person,
        },
    )
    if not is_new:
        words = "there is a rule set with this id; choose another, or edit its drafts"
        raise RuleSetExists(words)
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="rulesets.create",
        subject=slug,
        payload={"subject": subject, "title": title},
    )
    return rule_set_id


async def put_draft(
    connection: AsyncConnection,
    slug: str,
    name: str,
    *,
    edit: Edit,
    if_match: str | None,
    editor: Editor,
) -> tuple[Row[Any], bool]:
    """Make the draft *name* of *slug*, or change it; return it and whether it is new.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        DraftNotFound: If *if_match* names a state of a draft that is not there.
        PreconditionRequired: If the draft exists and *if_match* is None.
        Clash: If *if_match* names an older state; `refuse_stale` says it with the fields.
    """
    if if_match is None and await _add(connection, slug, name, edit=edit, editor=editor):
        made = await existing_draft(connection, slug, name)
        await remember(connection, made, found=None, action="create", editor=editor)
        await _note(connection, "rulesets.draft", slug, name, editor)
        return made, True
    draft = await existing_draft(connection, slug, name, for_update=True)
    check_match(if_match, etag_of(draft.row_version))
    values = {
        "source": draft.source if edit.source is None else edit.source,
        "note": draft.note if edit.note is None else edit.note,
        "row_version": draft.row_version + 1,
        "updated_at": editor.at,
        "updated_by": editor.person,
    }
    await store.change_draft(connection, slug, name, values)
    changed = await existing_draft(connection, slug, name)
    await remember(connection, changed, found=draft, action="edit", editor=editor)
    await lapse_reviews(connection, draft, left=changed, editor=editor)
    await _note(connection, "rulesets.edit", slug, name, editor)
    return changed, False


async def refuse_stale(draft: Row[Any], *, sent: str | None, if_match: str | None) -> None:
    """Let an edit of *draft* to the text *sent* pass if it is of the current state.

    Outside any transaction: telling where two large texts differ takes a second or two.

    Raises:
        PreconditionRequired: If *if_match* is None.
        Clash: If it names an older state; its faults are the fields that differ.
    """
    current = etag_of(draft.row_version)
    try:
        check_match(if_match, current)
    except Clash:
        source = draft.source if sent is None else sent
        clashes = await anyio.to_thread.run_sync(clashes_between, draft.source, source)
        check_match(if_match, current, clashes=clashes)


async def drop_draft(
    connection: AsyncConnection, slug: str, name: str, *, if_match: str | None, editor: Editor
) -> None:
    """Delete a draft; versions committed from it stay, and so does its history.

    Raises:
        DraftNotFound: If there is none.
        PreconditionRequired, Clash: As `put_draft`.
    """
    draft = await existing_draft(connection, slug, name, for_update=True)
    check_match(if_match, etag_of(draft.row_version))
    await store.remove_draft(connection, slug, name)
    await remember(connection, draft, found=draft, action="drop", editor=editor)
    await lapse_reviews(connection, draft, left=None, editor=editor)
    await _note(connection, "rulesets.drop", slug, name, editor)


async def existing_draft(
    connection: AsyncConnection, slug: str, name: str, *, for_update: bool = False
) -> Row[Any]:
    """Return a draft.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        DraftNotFound: If it has no such draft.
    """
    draft = await store.find_draft(connection, slug, name, for_update=for_update)
    if draft is None:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        raise DraftNotFound
    return draft


async def _add(
    connection: AsyncConnection, slug: str, name: str, *, edit: Edit, editor: Editor
) -> bool:
    """Insert a draft on top of the newest version; return whether the name was free.

    A name that is used again goes on counting: no tag ever stands for two states.
    """
    if await store.lock_rule_set(connection, slug) is None:
        raise await no_rule_set(connection, slug)
    values = {
        "id": editor.fresh_id(),
        "rule_set": slug,
        "name": name,
        "source": edit.source or "",
        "row_version": await history_store.last_row_version(connection, slug, draft=name) + 1,
        "base_version": await store.latest_number(connection, slug),
        "author": editor.person,
        "note": edit.note,
        "created_at": editor.at,
        "updated_at": editor.at,
        "updated_by": editor.person,
    }
    return await store.add_draft(connection, values)


async def _note(
    connection: AsyncConnection, action: str, slug: str, name: str, editor: Editor
) -> None:
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action=action,
        subject=f"{slug}/{name}",
        payload={},
    )
