"""Bring a draft onto a newer version: both edits in one, or what they disagree about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.rules import InvalidRuleSet, read_source
from service.rules.merge import Conflict, Merged, is_same, merge
from service.rulesets import store
from service.rulesets.checking import RuleSetInvalid
from service.rulesets.drafting import Editor, existing_draft
from service.rulesets.lapsing import lapse_reviews
from service.rulesets.live import VersionNotFound
from service.rulesets.remembering import remember
from service.rulesets.rewriting import rewritten
from service.storage import append_audit, transaction
from service.web import Fault, Refusal, check_match, etag_of

__all__ = ["Prepared", "RebaseConflict", "keep_rebase", "prepare_rebase"]

Choices = Mapping[str, Literal["mine", "theirs"]]


class RebaseConflict(Refusal):
    """A draft and a newer version changed the same things, and not alike."""

    code: ClassVar[str] = "rebase_conflict"

    def __init__(self, conflicts: tuple[Conflict, ...], *, version: int) -> None:
        words = (
            f"the draft and version {version} changed the same things; choose `mine` or "
            "`theirs` for each name under `conflicts` and send them as `choose`"
        )
        faults = [
            Fault(code="conflict", message=f"{one.name} was changed on both sides",
                  pointer=one.pointer)
            for one in conflicts
        ]  # fmt: skip
        members = {"version": version, "conflicts": [one.to_json() for one in conflicts]}
        super().__init__(words, faults=faults, members=members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A draft as it was read, the version to bring it onto, and what came of merging them.

    *text* is the draft's text on that version; *refusal* says why there is none.
    """

    draft: Row[Any]
    target: Row[Any]
    text: str | None = None
    refusal: Refusal | None = None


async def prepare_rebase(
    engine: AsyncEngine, slug: str, name: str, *, onto: int | None, choose: Choices
) -> Prepared:
    """Merge the draft *name* with version *onto*, the newest by default; keep nothing.

    The merge is by the text of the version that the draft is based on (nothing, where there
    was none). It takes seconds for the largest texts, so no transaction is open meanwhile.

    Raises:
        RuleSetNotFound, DraftNotFound, VersionNotFound: If one of them is not there.
    """
    async with transaction(engine) as connection:
        draft = await existing_draft(connection, slug, name)
        number = onto or await store.latest_number(connection, slug)
        target = await _version(connection, slug, number)
        if draft.base_version == target.number:
            return Prepared(draft=draft, target=target, text=draft.source)
        base = ""
        if draft.base_version is not None:
            base = (await _version(connection, slug, draft.base_version)).source
    texts = base, draft.source, target.source
    try:
        merged, text = await anyio.to_thread.run_sync(_merged, texts, choose)
    except RuleSetInvalid as invalid:
        return Prepared(draft=draft, target=target, refusal=invalid)
    if merged.conflicts:
        refusal = RebaseConflict(merged.conflicts, version=target.number)
        return Prepared(draft=draft, target=target, refusal=refusal)
    return Prepared(draft=draft, target=target, text=text)


async def keep_rebase(
    connection: AsyncConnection,
    prepared: Prepared,
    *,
    choose: Choices,
    if_match: str | None,
    editor: Editor,
) -> Row[Any]:
    """Write what was *prepared* into its draft and return it.

    Raises:
        DraftNotFound: If it was dropped meanwhile.
        PreconditionRequired, Clash: As for every edit of a draft; also if it was edited
            since it was read.
        RuleSetInvalid: If the parts of a text cannot be told apart by their ids.
        RebaseConflict: If both changed the same and *choose* does not settle it.
    """
    slug, name = prepared.draft.rule_set, prepared.draft.name
    draft = await existing_draft(connection, slug, name, for_update=True)
    check_match(if_match, etag_of(draft.row_version))
    check_match(etag_of(prepared.draft.row_version), etag_of(draft.row_version))
    if prepared.refusal is not None:
        raise prepared.refusal
    number = prepared.target.number
    if draft.base_version == number:
        return draft
    values = {
        "source": prepared.text,
        "base_version": number,
        "row_version": draft.row_version + 1,
        "updated_at": editor.at,
        "updated_by": editor.person,
    }
    await store.change_draft(connection, slug, name, values)
    rebased = await existing_draft(connection, slug, name)
    await remember(connection, rebased, found=draft, action="rebase", editor=editor)
    await lapse_reviews(connection, draft, left=rebased, editor=editor)
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="rulesets.rebase",
        subject=f"{slug}/{name}",
        payload={"from": draft.base_version, "onto": number, "chosen": dict(choose)},
    )
    return rebased


async def _version(connection: AsyncConnection, slug: str, number: int | None) -> Row[Any]:
    row = None if number is None else await store.find_version(connection, slug, number=number)
    if row is None:
        raise VersionNotFound
    return row


def _merged(texts: tuple[str, str, str], choose: Choices) -> tuple[Merged, str]:
    """Return the merge of base, draft and version, and the draft's text that says it."""
    base, mine, theirs = (_data(text) for text in texts)
    try:
        merged = merge(base, mine, theirs, choose=choose)
    except InvalidRuleSet as invalid:
        raise RuleSetInvalid(invalid.problems) from None
    if merged.conflicts or is_same(merged.document, mine):
        return merged, texts[1]
    # Where the draft said nothing of its own, the version's text comes with its comments.
    is_theirs = is_same(merged.document, theirs)
    return merged, texts[2] if is_theirs else rewritten(texts[1], merged.document)


def _data(text: str) -> Mapping[str, object]:
    """Return what a text says; of a text with problems, only that it has them."""
    if not text:
        return {}
    read = read_source(text)
    if read.problems or not isinstance(read.data, Mapping):
        problems = read.problems or (read.problem("syntax", "the rule set is empty", ""),)
        raise RuleSetInvalid(problems)
    return read.data
