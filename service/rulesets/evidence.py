"""What a finished backtest says of a digest: how many decisions it turns, and their revenue."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import gate_store, review_store

__all__ = ["Evidence", "attach_evidence", "reviews_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The numbers that a flip budget is held to, and where they come from.

    Attributes:
        since, until: Which decisions were looked at: from *since* on, None where nothing
            earlier is stored, and before *until*.
        unseen: Decisions that turn on an attribute never stored; they may flip too.
        revenue: Of the subjects that flip, None where no attribute holds it;
            *revenue_unknown* of these subjects have no value there.
    """

    rule_set: str
    digest: str
    base_digest: str
    base_version: int
    backtest_id: UUID
    against: Literal["decisions", "accounts"]
    since: datetime | None
    until: datetime
    total: int
    replayed: int
    flips: int
    unseen: int
    revenue: float | None
    revenue_unknown: int | None
    revenue_attribute: str | None
    revenue_unit: str | None


async def attach_evidence(
    connection: AsyncConnection,
    evidence: Evidence,
    *,
    at: datetime,
    new_uuid: Callable[[datetime], UUID],
) -> None:
    """Keep *evidence* for whoever reviews or releases its digest; it never changes."""
    values = asdict(evidence) | {"id": new_uuid(at), "created_at": at}
    await gate_store.add_evidence(connection, values)


async def reviews_of(connection: AsyncConnection, slug: str, digest: str) -> Sequence[Row[Any]]:
    """Return the reviews of *digest*, the newest first, each with its `backtest_id`.

    That is the backtest whose evidence its approval rests on; None where there is none.
    """
    return await review_store.list_reviews_of(connection, slug, digest)
