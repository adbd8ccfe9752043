"""Overrides: a person decided otherwise; what the rules decided stays as it was."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, Json, primary_uuid, words

__all__ = ["OverrideRow"]


class OverrideRow(Base):
    """What one person decided about one decision, or about one account under one rule set."""

    __tablename__ = "verdict_override"
    __table_args__ = (
        CheckConstraint(words("verdict", "qualify", "review", "disqualify"), name="verdict"),
        CheckConstraint("(decision_id IS NULL) <> (account_id IS NULL)", name="one_subject"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn_whole"),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
        Index(None, "rule_set", "id"),
        Index(None, "rule_set", "overruled"),
        Index(
            "uq_verdict_override_decision_in_force",
            "decision_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL AND decision_id IS NOT NULL"),
        ),
        Index(
            "uq_verdict_override_account_in_force",
            "account_id",
            "rule_set",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL AND account_id IS NOT NULL"),
        ),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    version: Mapped[int]
    """The version whose decision was overruled."""
    overruled: Mapped[UUID]
    """The decision that was overruled; of an account, the one it stood by then."""
    decision_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    verdict: Mapped[str]
    outcome: Mapped[str | None]
    action: Mapped[str | None]
    url: Mapped[str | None]
    message: Mapped[str | None]
    assign: Mapped[str | None]
    rules_verdict: Mapped[str]
    rules_outcome: Mapped[str]
    rules: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=False)
    """`[{"kind": ..., "id": ...}]`: who spoke in what was overruled, the deciding one first."""
    reason: Mapped[str]
    person: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_reason: Mapped[str | None]
    """NULL where another override replaced it."""
