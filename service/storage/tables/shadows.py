"""Shadows: how a version that is not live would have decided real traffic.

Nothing here is ever part of an answer. A comparison that was lost with its process is lost;
the counts say what was compared.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, Json, JsonObject, primary_uuid, words

__all__ = ["ShadowDisagreement", "ShadowMovement", "ShadowTally"]


class ShadowTally(Base):
    """How often one shadow release was held beside the live version."""

    __tablename__ = "shadow_tally"
    __table_args__ = (
        CheckConstraint(
            "compared >= 0 AND failed >= 0 AND dropped >= 0 AND disagreed >= 0", name="counts"
        ),
    )

    release_id: Mapped[primary_uuid]
    rule_set: Mapped[str]
    version: Mapped[int]
    compared: Mapped[int] = mapped_column(BigInteger)
    disagreed: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    dropped: Mapped[int] = mapped_column(BigInteger)
    """Chosen by the share and not judged, because too many waited."""
    shadow_us: Mapped[int] = mapped_column(BigInteger)
    """Microseconds that the shadow's evaluations took, in all."""
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class ShadowMovement(Base):
    """How many decisions went from one verdict and outcome to another, or stayed.

    Those on which the shadow failed are in none of them.
    """

    __tablename__ = "shadow_movement"

    release_id: Mapped[UUID] = mapped_column(primary_key=True)
    live_version: Mapped[int] = mapped_column(primary_key=True)
    verdict_before: Mapped[str] = mapped_column(primary_key=True)
    outcome_before: Mapped[str] = mapped_column(primary_key=True)
    verdict_after: Mapped[str] = mapped_column(primary_key=True)
    outcome_after: Mapped[str] = mapped_column(primary_key=True)
    decisions: Mapped[int] = mapped_column(BigInteger)
    disagreed: Mapped[int] = mapped_column(BigInteger)
    """Of those, how many are disagreements: where both stayed, a score did not."""


class ShadowDisagreement(Base):
    """One decision on which the shadow came out otherwise, or failed.

    Only so many of a kind are kept; the counts know of all. `facts` and `tabled` may hold
    personal data; erasure sets them to NULL.
    """

    __tablename__ = "shadow_disagreement"
    __table_args__ = (
        CheckConstraint(
            words("verdict", "qualify", "review", "disqualify", "undecided"), name="verdict"
        ),
        CheckConstraint("(failure IS NULL) = (verdict IS NOT NULL)", name="decided_or_failed"),
        Index(None, "decision_id"),
    )

    rule_set: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    decided_at: Mapped[datetime] = mapped_column(primary_key=True)
    decision_id: Mapped[UUID] = mapped_column(primary_key=True)
    release_id: Mapped[UUID]
    live_version: Mapped[int]
    verdict_before: Mapped[str]
    outcome_before: Mapped[str]
    verdict: Mapped[str | None]
    outcome: Mapped[str | None]
    scores: Mapped[JsonObject | None]
    facts: Mapped[JsonObject | None]
    """As the shadow read them: it may ask for attributes that the live version does not. NULL
    where it failed."""
    tabled: Mapped[JsonObject | None]
    data_problems: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=True)
    failure: Mapped[str | None]
    """What kind of error it was; never its words, which may hold values."""
    facts_erased_at: Mapped[datetime | None]
