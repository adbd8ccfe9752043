"""A second pair of eyes: somebody asks, somebody else approves exactly what they read."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import RuleSet
from service.rulesets import gate_store, review_store, store
from service.rulesets.authorship import authors_of_draft, authors_of_version
from service.rulesets.drafting import existing_draft
from service.rulesets.editor import Editor
from service.rulesets.live import VersionNotFound
from service.rulesets.missing import no_rule_set
from service.rulesets.persons import is_among, is_same_person
from service.storage import append_audit, to_text
from service.web import Fault, Refusal, check_match, etag_of, rfc3339

__all__ = [
    "AlreadyLive",
    "AskedReview",
    "OwnReview",
    "ReviewLapsed",
    "ReviewNotFound",
    "ReviewOver",
    "approve",
    "ask_review_of_draft",
    "ask_review_of_version",
    "existing_review",
    "reject",
    "withdraw",
]


class ReviewNotFound(Refusal):
    """The rule set has no review with this id."""

    code: ClassVar[str] = "review_not_found"

    def __init__(self) -> None:
        super().__init__("the rule set has no such review; GET its /reviews for a list")


class ReviewLapsed(Refusal):
    """What would be approved is not what was read."""

    code: ClassVar[str] = "review_lapsed"


class ReviewOver(Refusal):
    """The review has ended."""

    code: ClassVar[str] = "review_over"


class OwnReview(Refusal):
    """The approver wrote what is to be approved, or asked for it."""

    code: ClassVar[str] = "own_review"


class AlreadyLive(Refusal):
    """There is nothing to approve: this text is what decides."""

    code: ClassVar[str] = "already_live"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedReview:
    """A review, and whether it was made just now: the same text is under review once."""

    row: Row[Any]
    is_new: bool


async def ask_review_of_draft(
    connection: AsyncConnection,
    slug: str,
    name: str,
    *,
    examined_etag: str,
    rules: RuleSet,
    note: str | None,
    editor: Editor,
) -> AskedReview:
    """Ask for a review of the draft *name*, whose text was examined and gave *rules*.

    Raises:
        Clash: If the draft was edited since it was examined.
        AlreadyLive: If the live version says the same.
    """
    await _lock(connection, slug)
    draft = await existing_draft(connection, slug, name, for_update=True)
    check_match(examined_etag, etag_of(draft.row_version))
    authors = await authors_of_draft(connection, draft, at=editor.at)
    same = await store.find_version(connection, slug, digest=rules.digest)
    if same is not None:
        authors = sorted({*authors, *await authors_of_version(connection, same, at=editor.at)})
    values = {
        "draft": name,
        "version": None if same is None else same.number,
        "digest": rules.digest,
        "authors": authors,
        "note": note,
    }
    return await _ask(connection, slug, values, editor=editor)


async def ask_review_of_version(
    connection: AsyncConnection, slug: str, number: int, *, note: str | None, editor: Editor
) -> AskedReview:
    """Ask for a review of version *number*.

    Raises:
        RuleSetNotFound, VersionNotFound: If there is none.
        AlreadyLive: If it is live now.
    """
    await _lock(connection, slug)
    version = await store.find_version(connection, slug, number=number)
    if version is None:
        raise VersionNotFound
    values = {
        "draft": None,
        "version": number,
        "digest": version.digest,
        "authors": await authors_of_version(connection, version, at=editor.at),
        "note": note,
    }
    return await _ask(connection, slug, values, editor=editor)


async def approve(
    connection: AsyncConnection,
    slug: str,
    review_id: UUID,
    *,
    digest: str,
    comment: str | None,
    editor: Editor,
) -> Row[Any]:
    """Approve the text with *digest*, and nothing else; return the review.

    What is known by then of who would flip is kept with the approval. Approving once more
    what one has approved changes nothing.

    Raises:
        RuleSetNotFound, ReviewNotFound: If there is no such review.
        ReviewLapsed: If the review is of another text, or its draft was edited.
        ReviewOver: If it was rejected or withdrawn, or somebody else approved it.
        OwnReview: If the editor is an author, or asked for the review.
    """
    await _lock(connection, slug)
    review = await existing_review(connection, slug, review_id, for_update=True)
    _refuse_other(review, digest)
    if review.state == "approved" and is_same_person(review.ended_by, editor.person):
        return review
    _refuse_over(review, of=("open",))
    if is_among(editor.person, (*review.authors, review.asked_by)):
        words = (
            f"`{editor.person}` wrote a part of this or asked for the review; "
            "have somebody else approve it, with a key of their own"
        )
        raise OwnReview(words, members={"authors": review.authors, "asked_by": review.asked_by})
    newest = await gate_store.list_evidence(connection, slug, review.digest, limit=1)
    evidence_id = newest[0].id if newest else None
    return await _end(
        connection, review, state="approved", comment=comment, editor=editor, evidence=evidence_id
    )


async def reject(
    connection: AsyncConnection, slug: str, review_id: UUID, *, comment: str, editor: Editor
) -> Row[Any]:
    """Say no to a review, or take an approval back on which nothing was released yet.

    Raises:
        RuleSetNotFound, ReviewNotFound: If there is no such review.
        ReviewLapsed, ReviewOver: If it has ended otherwise, or a release rests on it.
    """
    await _lock(connection, slug)
    review = await existing_review(connection, slug, review_id, for_update=True)
    _refuse_over(review, of=("open", "approved"))
    if await review_store.is_cited(connection, review.id):
        words = "a release rests on this approval; release an older version to undo that"
        raise ReviewOver(words, members={"state": review.state})
    return await _end(connection, review, state="rejected", comment=comment, editor=editor)


async def withdraw(
    connection: AsyncConnection, slug: str, review_id: UUID, *, editor: Editor
) -> Row[Any]:
    """Ask no longer for a review that is open.

    Raises:
        RuleSetNotFound, ReviewNotFound: If there is no such review.
        ReviewLapsed, ReviewOver: If it has ended.
    """
    await _lock(connection, slug)
    review = await existing_review(connection, slug, review_id, for_update=True)
    _refuse_over(review, of=("open",))
    return await _end(connection, review, state="withdrawn", comment=None, editor=editor)


async def existing_review(
    connection: AsyncConnection, slug: str, review_id: UUID, *, for_update: bool = False
) -> Row[Any]:
    """Return a review of the rule set *slug*.

    Raises:
        RuleSetNotFound, ReviewNotFound: If there is none.
    """
    review = await review_store.find_review(connection, slug, review_id, for_update=for_update)
    if review is None:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        raise ReviewNotFound
    return review


async def _lock(connection: AsyncConnection, slug: str) -> None:
    if await store.lock_rule_set(connection, slug) is None:
        raise await no_rule_set(connection, slug)


async def _ask(
    connection: AsyncConnection, slug: str, values: dict[str, Any], *, editor: Editor
) -> AskedReview:
    """Keep a review under the rule set's lock, or return the open one of the same text."""
    live = await store.find_live(connection, slug, editor.at)
    if live is not None and live.digest == values["digest"]:
        words = f"version {live.version} is live and says exactly this; there is nothing to approve"
        raise AlreadyLive(words)
    digest, draft = values["digest"], values["draft"]
    same = await review_store.find_open_review(connection, slug, digest=digest, draft=draft)
    if same is not None:
        return AskedReview(row=same, is_new=False)
    row = await review_store.add_review(
        connection,
        values
        | {
            "id": editor.fresh_id(),
            "rule_set": slug,
            "asked_by": editor.person,
            "created_at": editor.at,
            "state": "open",
        },
    )
    await _note(connection, "reviews.ask", row, editor)
    return AskedReview(row=row, is_new=True)


def _refuse_other(review: Row[Any], digest: str) -> None:
    """Refuse to approve *digest* by a review of another text."""
    if digest == review.digest:
        return
    words = "the review is of another text than the one you name; read it, then name its digest"
    fault = Fault(code="other_digest", message=words, pointer="/digest")
    members = {"state": review.state, "digest": review.digest}
    raise ReviewLapsed(words, faults=[fault], members=members)


def _refuse_over(review: Row[Any], *, of: tuple[str, ...]) -> None:
    """Refuse what only a review in one of the states *of* takes."""
    if review.state in of:
        return
    at = rfc3339(review.ended_at)
    members = {"state": review.state, "ended_by": review.ended_by, "ended_at": at}
    if review.state == "lapsed":
        words = (
            f"`{review.ended_by}` changed the draft `{review.draft}` at {at}; "
            "ask for a review of what it says now"
        )
        raise ReviewLapsed(words, members=members | {"digest": review.digest})
    words = f"the review was {review.state} by `{review.ended_by}` at {at}; ask for another"
    raise ReviewOver(words, members=members)


async def _end(
    connection: AsyncConnection,
    review: Row[Any],
    *,
    state: str,
    comment: str | None,
    editor: Editor,
    evidence: UUID | None = None,
) -> Row[Any]:
    row = await review_store.change_review(
        connection,
        review.id,
        state=state,
        ended_by=editor.person,
        ended_at=editor.at,
        comment=comment,
        evidence_id=evidence or review.evidence_id,
    )
    await _note(connection, f"reviews.{_VERBS[state]}", row, editor)
    return row


_VERBS = {"approved": "approve", "rejected": "reject", "withdrawn": "withdraw"}


async def _note(connection: AsyncConnection, action: str, review: Row[Any], editor: Editor) -> None:
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action=action,
        subject=to_text("rev", review.id),
        digest=review.digest,
        payload={
            "rule_set": review.rule_set,
            "draft": review.draft,
            "version": review.version,
            "authors": review.authors,
            "comment": review.comment,
        },
    )
