"""What a release is held to, in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from service.storage.tables import FlipEvidence, RuleSetRelease, RuleSetRow

__all__ = [
    "add_evidence",
    "change_rule_set",
    "find_evidence",
    "has_been_live",
    "list_evidence",
    "list_planned",
]


async def change_rule_set(connection: AsyncConnection, slug: str, **values: object) -> Row[Any]:
    """Set columns of a rule set that the transaction has locked, and return it."""
    statement = update(RuleSetRow).where(RuleSetRow.slug == slug).values(**values)
    row: Row[Any] = (await connection.execute(statement.returning(RuleSetRow.__table__))).one()
    return row


async def has_been_live(
    connection: AsyncConnection, slug: str, number: int, *, at: datetime
) -> bool:
    """Return whether version *number* was in force at some instant up to *at*."""
    later = aliased(RuleSetRelease)
    is_replaced = exists().where(
        later.rule_set == slug,
        later.mode == "live",
        later.effective_at == RuleSetRelease.effective_at,
        later.sequence > RuleSetRelease.sequence,
    )
    statement = (
        select(RuleSetRelease.id)
        .where(
            RuleSetRelease.rule_set == slug,
            RuleSetRelease.version == number,
            RuleSetRelease.mode == "live",
            RuleSetRelease.effective_at <= at,
            ~is_replaced,
        )
        .limit(1)
    )
    return (await connection.execute(statement)).first() is not None


async def list_planned(
    connection: AsyncConnection, slug: str, *, after: datetime
) -> Sequence[Row[Any]]:
    """Return the live releases that take effect later than *after*, the next first."""
    statement = select(RuleSetRelease.__table__).where(
        RuleSetRelease.rule_set == slug,
        RuleSetRelease.mode == "live",
        RuleSetRelease.effective_at > after,
    )
    order = (RuleSetRelease.effective_at, RuleSetRelease.sequence)
    return (await connection.execute(statement.order_by(*order))).all()


async def add_evidence(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert what a backtest found."""
    await connection.execute(insert(FlipEvidence).values(**values))


async def find_evidence(connection: AsyncConnection, evidence_id: UUID) -> Row[Any] | None:
    """Return one piece of evidence."""
    statement = select(FlipEvidence.__table__).where(FlipEvidence.id == evidence_id)
    return (await connection.execute(statement)).first()


async def list_evidence(
    connection: AsyncConnection,
    slug: str,
    digest: str,
    *,
    base_digest: str | None = None,
    until: datetime | None = None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* pieces of evidence on *digest*, the newest first.

    With *base_digest* and *until*, only from decisions, held against that version, and with
    a window that ends at *until* or later.
    """
    statement = select(FlipEvidence.__table__).where(
        FlipEvidence.rule_set == slug, FlipEvidence.digest == digest
    )
    if base_digest is not None:
        statement = statement.where(
            FlipEvidence.base_digest == base_digest, FlipEvidence.against == "decisions"
        )
    if until is not None:
        statement = statement.where(FlipEvidence.until >= until)
    order = (FlipEvidence.created_at.desc(), FlipEvidence.id.desc())
    return (await connection.execute(statement.order_by(*order).limit(limit))).all()
