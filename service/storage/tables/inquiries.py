"""Inquiries: what was asked about the meaning of rules, and what came out."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy import Double as DoubleType
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["InquiryRow"]


class InquiryRow(Base):
    """One inquiry: texts of rules, what is asked of them, and the answer once there is one.

    It is a function of what it holds, so the same is asked once. It holds no facts of anybody:
    those in an answer are made up by the solver.
    """

    __tablename__ = "inquiry"
    __table_args__ = (
        CheckConstraint(
            words("state", "queued", "running", "done", "cancelled", "failed"), name="state"
        ),
        CheckConstraint(words("kind", "compare", "ask"), name="kind"),
        CheckConstraint("generation >= 0 AND attempts >= 0", name="generation"),
        CheckConstraint("(kind = 'compare') = (base_source IS NOT NULL)", name="base"),
        CheckConstraint("(state = 'done') = (answer IS NOT NULL)", name="done_whole"),
        UniqueConstraint("rule_set", "asked"),
        Index(None, "rule_set", "id"),
        Index(
            "ix_inquiry_waiting",
            "id",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    kind: Mapped[str]
    asked: Mapped[bytes]
    """The SHA-256 of everything that decides the answer."""
    digest: Mapped[str]
    source: Mapped[bytes]
    """The canonical text of what is asked about."""
    base_digest: Mapped[str | None]
    base_source: Mapped[bytes | None]
    """The same of what it is compared with."""
    questions: Mapped[JsonObject]
    """`{"questions": [...]}`, of which a comparison has none."""
    day: Mapped[date]
    """The clock's day, for rules that ask for ages."""
    limit_s: Mapped[float] = mapped_column(DoubleType)
    state: Mapped[str]
    generation: Mapped[int]
    attempts: Mapped[int]
    lease_until: Mapped[datetime | None]
    answer: Mapped[JsonObject | None]
    failure: Mapped[str | None]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
