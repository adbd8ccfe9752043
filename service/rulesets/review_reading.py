"""What an approver reads: the review, who would flip, and what changes against live."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.rules import RuleSet
from service.rules.compare import compare
from service.rulesets import gate_store, store
from service.rulesets.checking import RuleSetInvalid, compile_source
from service.rulesets.editor import Editor
from service.rulesets.inquiring import Inquiry, TooManyInquiries, inquire, meaning_shown
from service.rulesets.review_showing import against_live, evidence_shown, review_shown
from service.rulesets.reviewing import existing_review
from service.storage import transaction

__all__ = ["ask_what_it_means", "read_review"]

_LIMIT_S: Final = 20.0


async def read_review(
    engine: AsyncEngine, slug: str, review_id: UUID, *, editor: Editor
) -> dict[str, Any]:
    """Return a review with evidence and comparison; compiling waits for no transaction.

    Raises:
        RuleSetNotFound, ReviewNotFound: If there is no such review.
    """
    async with transaction(engine) as connection:
        read = await _read(connection, slug, review_id, editor=editor)
        evidence = await _evidence(connection, read.review)
    shown = review_shown(read.review)
    shown["evidence"] = None if evidence is None else evidence_shown(evidence)
    shown |= {"comparison": None, "meaning": None}
    compiled = await _compiled(read)
    if compiled is not None and read.live is not None:
        before, rules = compiled
        comparison = await anyio.to_thread.run_sync(compare, before, rules)
        shown["comparison"] = against_live(read.live, comparison)
        shown["meaning"] = await _meaning(engine, slug, before, rules, editor=editor)
    return shown


async def ask_what_it_means(
    engine: AsyncEngine, slug: str, review_id: UUID, *, editor: Editor
) -> None:
    """Have the solver asked what a review's change means, so that its readers need not wait.

    Where too much is asked already, or this process ends first, its first reader asks.
    """
    async with transaction(engine) as connection:
        read = await _read(connection, slug, review_id, editor=editor)
    compiled = await _compiled(read)
    if compiled is not None:
        await _meaning(engine, slug, *compiled, editor=editor)


@dataclass(frozen=True, slots=True)
class _Read:
    """A review, the text that it is of, and what is live; None where there is no such thing."""

    review: Row[Any]
    text: str | bytes | None
    live: Row[Any] | None
    base: Row[Any] | None


async def _read(
    connection: AsyncConnection, slug: str, review_id: UUID, *, editor: Editor
) -> _Read:
    review = await existing_review(connection, slug, review_id)
    text = await _text(connection, review)
    live = await store.find_live(connection, slug, editor.at)
    base = None
    if live is not None:
        base = await store.find_version(connection, slug, number=live.version)
    return _Read(review, text, live, base)


async def _compiled(read: _Read) -> tuple[RuleSet, RuleSet] | None:
    """Return the live rules and those under review; None where either is not to be had."""
    rules = None if read.text is None else await _rules(read.review, read.text)
    if rules is None or read.base is None:
        return None
    return await compile_source(read.base.canonical), rules


async def _evidence(connection: AsyncConnection, review: Row[Any]) -> Row[Any] | None:
    """Return what the approver was shown, or else the newest there is."""
    if review.evidence_id is not None:
        return await gate_store.find_evidence(connection, review.evidence_id)
    if review.state == "approved":
        return None
    newest = await gate_store.list_evidence(connection, review.rule_set, review.digest, limit=1)
    return newest[0] if newest else None


async def _text(connection: AsyncConnection, review: Row[Any]) -> str | bytes | None:
    """Return a text that may have the digest under review; None where it is gone."""
    if review.version is not None:
        version = await store.find_version(connection, review.rule_set, number=review.version)
        return None if version is None else bytes(version.canonical)
    draft = await store.find_draft(connection, review.rule_set, review.draft)
    return None if draft is None else str(draft.source)


async def _rules(review: Row[Any], text: str | bytes) -> RuleSet | None:
    """Return the rules under review; None where the text is not theirs any more."""
    try:
        rules = await compile_source(text)
    except RuleSetInvalid:
        return None
    return rules if rules.digest == review.digest else None


async def _meaning(
    engine: AsyncEngine, slug: str, before: RuleSet, rules: RuleSet, *, editor: Editor
) -> dict[str, Any] | None:
    """Return what the solver says of the change, which is asked unless it was."""
    inquiry = Inquiry(rules=rules, base=before, questions=(), limit_s=_LIMIT_S)
    try:
        async with transaction(engine) as connection:
            return meaning_shown(await inquire(connection, slug, inquiry, editor=editor))
    except TooManyInquiries:
        return None
