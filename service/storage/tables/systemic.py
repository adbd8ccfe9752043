"""Systemic problems: what a rule set is held to, and what was counted in each statement."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject

__all__ = ["ExaminationRow", "SystemicPolicyRow"]


class SystemicPolicyRow(Base):
    """What one rule set's accounts are held to; without a row, nothing is declared."""

    __tablename__ = "systemic_policy"

    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"), primary_key=True)
    policy: Mapped[JsonObject]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]


class ExaminationRow(Base):
    """What was counted in one statement, and by which policy it was judged. It never changes."""

    __tablename__ = "systemic_examination"
    __table_args__ = (Index(None, "rule_set", "at"),)

    statement_id: Mapped[UUID] = mapped_column(
        ForeignKey("statement.id", ondelete="CASCADE"), primary_key=True
    )
    rule_set: Mapped[str]
    at: Mapped[datetime]
    """Of the statement."""
    policy: Mapped[JsonObject]
    counts: Mapped[JsonObject]
    """Criterion to `[[slice, value, yes, known, accounts], ...]`."""
    examined_at: Mapped[datetime]
