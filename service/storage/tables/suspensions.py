"""Suspensions: a rule that may not blame the accounts of a group for a while."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid

__all__ = ["SuspensionRow"]


class SuspensionRow(Base):
    """One rule, gate or outcome that counts as no for the accounts of one group.

    Nothing of it ever changes but how it ended. An empty `slice` stands for all accounts.
    """

    __tablename__ = "suspension"
    __table_args__ = (
        CheckConstraint("(slice = '') = (value = '')", name="group_whole"),
        CheckConstraint("until > since", name="until_later"),
        CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)"
            " AND (ended_at IS NULL) = (ended_reason IS NULL)",
            name="ended_whole",
        ),
        Index(None, "rule_set", "id"),
        Index(
            "uq_suspension_in_force",
            "rule_set",
            "part",
            "slice",
            "value",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    part: Mapped[str]
    """A rule's or gate's id, or `outcome:` and an outcome's."""
    slice: Mapped[str]
    value: Mapped[str]
    cause: Mapped[str]
    """In words, for whoever reads a decision that was made under it."""
    evidence: Mapped[JsonObject | None]
    """What showed it, in numbers."""
    made_by: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    ended_reason: Mapped[str | None]
