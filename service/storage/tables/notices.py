"""Notices: what Goodfit noticed by itself and somebody should look at."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["NoticeRow"]


class NoticeRow(Base):
    """One thing that was noticed. It is open until it is over or somebody closes it."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint(words("kind", "rule_set.drifted"), name="kind"),
        CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)"
            " AND (closed_at IS NULL) = (closed_reason IS NULL)",
            name="closed_whole",
        ),
        Index(
            "uq_notice_open",
            "kind",
            "rule_set",
            "topic",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[primary_uuid]
    kind: Mapped[str]
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    topic: Mapped[str]
    """What moved: `verdicts`, or `missing/` and an attribute."""
    payload: Mapped[JsonObject]
    """Counts and shares, never values."""
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    """When it was last seen so; of one that a person closed, too."""
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    """A person, or `goodfit` where it was over by itself."""
    closed_reason: Mapped[str | None]
