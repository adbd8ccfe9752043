"""Reviews in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import DraftEdit, FlipEvidence, RuleSetRelease, RuleSetReview

__all__ = [
    "add_review",
    "adopt_reviews",
    "change_review",
    "find_open_review",
    "find_review",
    "is_cited",
    "lapse_reviews",
    "list_authors",
    "list_reviews",
    "list_reviews_of",
    "was_restored",
]

_PENDING: Final = ("open", "approved")
# Whoever wrote on a version or on one it stands on, back to the newest that has been live.
_AUTHORS: Final = text("""
    WITH RECURSIVE been_live AS (
        SELECT DISTINCT version FROM rule_set_release
        WHERE rule_set = :slug AND mode = 'live' AND effective_at <= :at
    ), line AS (
        SELECT number, base_version, author, authors FROM rule_set_version
        WHERE rule_set = :slug AND number = :number
            AND number NOT IN (SELECT version FROM been_live)
        UNION
        SELECT v.number, v.base_version, v.author, v.authors FROM rule_set_version v
        JOIN line ON v.number = line.base_version
        WHERE v.rule_set = :slug AND v.number NOT IN (SELECT version FROM been_live)
    )
    SELECT DISTINCT person FROM line,
        unnest(CASE WHEN authors = '{}' THEN ARRAY[author] ELSE authors END) AS person
    ORDER BY person
""")


async def add_review(connection: AsyncConnection, values: Mapping[str, object]) -> Row[Any]:
    """Insert a review and return it."""
    statement = insert(RuleSetReview).values(**values).returning(RuleSetReview.__table__)
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def find_review(
    connection: AsyncConnection, slug: str, review_id: UUID, *, for_update: bool = False
) -> Row[Any] | None:
    """Return a review of *slug*, locked until the transaction ends if asked."""
    statement = select(RuleSetReview.__table__).where(
        RuleSetReview.rule_set == slug, RuleSetReview.id == review_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await connection.execute(statement)).first()


async def find_open_review(
    connection: AsyncConnection, slug: str, *, digest: str, draft: str | None
) -> Row[Any] | None:
    """Return the review of *digest*, asked for by the same draft or by number, that is open."""
    statement = select(RuleSetReview.__table__).where(
        RuleSetReview.rule_set == slug,
        RuleSetReview.digest == digest,
        RuleSetReview.draft.is_not_distinct_from(draft),
        RuleSetReview.state == "open",
    )
    return (await connection.execute(statement)).first()


async def list_reviews(
    connection: AsyncConnection, slug: str, *, state: str | None, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* reviews, the newest first."""
    statement = select(RuleSetReview.__table__).where(RuleSetReview.rule_set == slug)
    if state is not None:
        statement = statement.where(RuleSetReview.state == state)
    if before is not None:
        statement = statement.where(RuleSetReview.id < before)
    return (
        await connection.execute(statement.order_by(RuleSetReview.id.desc()).limit(limit))
    ).all()


async def list_reviews_of(
    connection: AsyncConnection, slug: str, digest: str
) -> Sequence[Row[Any]]:
    """Return every review of *digest*, the newest first, with the backtest it ended on."""
    statement = (
        select(RuleSetReview.__table__, FlipEvidence.backtest_id)
        .outerjoin(FlipEvidence, FlipEvidence.id == RuleSetReview.evidence_id)
        .where(RuleSetReview.rule_set == slug, RuleSetReview.digest == digest)
        .order_by(RuleSetReview.id.desc())
    )
    return (await connection.execute(statement)).all()


async def change_review(connection: AsyncConnection, review_id: UUID, **values: object) -> Row[Any]:
    """Set columns of a review that the transaction has locked, and return it."""
    statement = update(RuleSetReview).where(RuleSetReview.id == review_id).values(**values)
    row: Row[Any] = (await connection.execute(statement.returning(RuleSetReview.__table__))).one()
    return row


async def lapse_reviews(
    connection: AsyncConnection, slug: str, draft: str, *, person: str, at: datetime
) -> Sequence[Row[Any]]:
    """End every pending review of the draft that is of no version yet; return them."""
    statement = (
        update(RuleSetReview)
        .where(
            RuleSetReview.rule_set == slug,
            RuleSetReview.draft == draft,
            RuleSetReview.version.is_(None),
            RuleSetReview.state.in_(_PENDING),
        )
        .values(state="lapsed", ended_by=person, ended_at=at)
        .returning(RuleSetReview.__table__)
    )
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def adopt_reviews(
    connection: AsyncConnection, slug: str, *, digest: str, number: int
) -> None:
    """Make every pending review of *digest* one of the version *number*."""
    statement = (
        update(RuleSetReview)
        .where(
            RuleSetReview.rule_set == slug,
            RuleSetReview.digest == digest,
            RuleSetReview.version.is_(None),
            RuleSetReview.state.in_(_PENDING),
        )
        .values(version=number)
    )
    await connection.execute(statement)


async def is_cited(connection: AsyncConnection, review_id: UUID) -> bool:
    """Return whether a release rests on a review."""
    statement = select(RuleSetRelease.id).where(RuleSetRelease.review_id == review_id).limit(1)
    return (await connection.execute(statement)).first() is not None


async def list_authors(
    connection: AsyncConnection, slug: str, number: int, *, at: datetime
) -> list[str]:
    """Return who wrote what of version *number* has never been live before *at*."""
    found = await connection.execute(_AUTHORS, {"slug": slug, "number": number, "at": at})
    return [row.person for row in found]


async def was_restored(connection: AsyncConnection, draft: Row[Any]) -> bool:
    """Return whether an older text came back into *draft* since it was committed last."""
    of_draft = (DraftEdit.rule_set == draft.rule_set) & (DraftEdit.draft == draft.name)
    committed = (
        select(func.coalesce(func.max(DraftEdit.sequence), 0))
        .where(of_draft, DraftEdit.action == "commit")
        .scalar_subquery()
    )
    statement = select(DraftEdit.sequence).where(
        of_draft, DraftEdit.action == "restore", DraftEdit.sequence > committed
    )
    return (await connection.execute(statement.limit(1))).first() is not None
