"""Turn a draft that checks out into an immutable version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import MEANING, RuleSet
from service.rulesets import store
from service.rulesets.authorship import writers_of_draft
from service.rulesets.drafting import Editor, existing_draft
from service.rulesets.missing import no_rule_set
from service.rulesets.remembering import remember
from service.rulesets.review_store import adopt_reviews
from service.storage import append_audit
from service.web import check_match, etag_of

__all__ = ["Committed", "commit_draft", "keep_version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A version and whether it was made just now: the same content is the same version."""

    row: Row[Any]
    is_new: bool


async def commit_draft(
    connection: AsyncConnection,
    slug: str,
    name: str,
    *,
    examined_etag: str,
    rules: RuleSet,
    note: str | None,
    editor: Editor,
) -> Committed:
    """Keep the draft *name*, whose text was examined and gave *rules*, as a version.

    Raises:
        Clash: If the draft was edited since it was examined.
    """
    await _lock(connection, slug)
    draft = await existing_draft(connection, slug, name, for_update=True)
    check_match(examined_etag, etag_of(draft.row_version))
    committed = await keep_version(
        connection,
        rules,
        source=draft.source,
        base_version=draft.base_version,
        note=draft.note if note is None else note,
        editor=editor,
        authors=await writers_of_draft(connection, draft),
    )
    number = committed.row.number
    if draft.base_version != number:
        await store.change_draft(connection, slug, name, {"base_version": number})
        based = await existing_draft(connection, slug, name)
        await remember(connection, based, found=draft, action="commit", editor=editor)
    return committed


async def keep_version(
    connection: AsyncConnection,
    rules: RuleSet,
    *,
    source: str,
    base_version: int | None,
    note: str | None,
    editor: Editor,
    authors: Sequence[str] = (),
) -> Committed:
    """Keep *rules* as the next version of their rule set, or return the one that equals them.

    *authors* wrote them, by default the editor did. Reviews of this text become the
    version's. The caller has locked the rule set: numbers are given out without a hole.
    """
    slug = rules.id
    same = await store.find_version(connection, slug, digest=rules.digest)
    if same is not None:
        await adopt_reviews(connection, slug, digest=rules.digest, number=same.number)
        return Committed(row=same, is_new=False)
    number = (await store.latest_number(connection, slug) or 0) + 1
    await store.add_version(
        connection,
        {
            "rule_set": slug,
            "number": number,
            "id": editor.fresh_id(),
            "digest": rules.digest,
            "logic_digest": rules.logic_digest,
            "canonical": rules.canonical,
            "source": source,
            "author": editor.person,
            "authors": list(authors) or [editor.person],
            "note": note,
            "base_version": base_version,
            "meaning": MEANING,
            "created_at": editor.at,
        },
    )
    await adopt_reviews(connection, slug, digest=rules.digest, number=number)
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="rulesets.commit",
        subject=f"{slug}/{number}",
        digest=rules.digest,
        payload={"version": number, "note": note},
    )
    row = await store.find_version(connection, slug, number=number)
    if row is None:
        raise AssertionError("a version that was just inserted is not there")
    return Committed(row=row, is_new=True)


async def _lock(connection: AsyncConnection, slug: str) -> None:
    if await store.lock_rule_set(connection, slug) is None:
        raise await no_rule_set(connection, slug)
