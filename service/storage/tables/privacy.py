"""Erasures: whose values are to go, how far that is, and by what they are known again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["ErasedSubject", "ErasureFind", "ErasureRow"]


class ErasureRow(Base):
    """One subject's erasure, or one day's clearing of what was kept long enough.

    `sought` names the subject and is there only while it is needed: it goes with the last of
    the subject's values. Whoever works on it holds the lease and has the newest generation.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint(
            words("state", "queued", "running", "done", "cancelled", "failed"), name="state"
        ),
        CheckConstraint(words("cause", "request", "notice", "retention"), name="cause"),
        CheckConstraint(words("step", "accounts", "decisions", "clearing"), name="step"),
        CheckConstraint("generation >= 0 AND attempts >= 0", name="generation"),
        CheckConstraint("sought IS NULL OR state IN ('queued', 'running')", name="sought"),
        CheckConstraint("(position_at IS NULL) = (position_id IS NULL)", name="position_whole"),
        CheckConstraint("(cause = 'retention') = (keeps IS NOT NULL)", name="keeps"),
        Index(
            "ix_erasure_waiting",
            "id",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[primary_uuid]
    cause: Mapped[str]
    """Who set it off: somebody, another system's notice, or the passing of time."""
    known_by: Mapped[list[str]]
    """What the subject was named by, never the name: `email`, `external_id`, ..."""
    sought: Mapped[JsonObject | None]
    keeps: Mapped[JsonObject | None]
    """Of retention: kind of data to the instant from which on it stays."""
    dry_run: Mapped[bool]
    state: Mapped[str]
    step: Mapped[str]
    generation: Mapped[int]
    attempts: Mapped[int]
    lease_until: Mapped[datetime | None]
    position_at: Mapped[datetime | None]
    position_id: Mapped[UUID | None]
    """The last decision that was looked at or cleared, in the order of their instants."""
    done: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int | None] = mapped_column(BigInteger)
    tally: Mapped[JsonObject]
    """Table to rows that were cleared, or would be."""
    failure: Mapped[str | None]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ErasureFind(Base):
    """What was found of a subject while its erasure runs; removed when that ends."""

    __tablename__ = "erasure_find"
    __table_args__ = (
        CheckConstraint(
            words(
                *("kind", "decision", "account", "key", "identity"),
                *("mentioning", "candidate", "external_id"),
            ),
            name="kind",
        ),
    )

    erasure_id: Mapped[UUID] = mapped_column(
        ForeignKey("erasure.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)


class ErasedSubject(Base):
    """A name whose bearer was erased, as an HMAC under the installation's own key."""

    __tablename__ = "erased_subject"
    __table_args__ = (
        CheckConstraint("octet_length(hmac) = 32", name="hmac"),
        CheckConstraint("(seen = 0) = (seen_at IS NULL)", name="seen_whole"),
        Index(None, "erasure_id"),
    )

    hmac: Mapped[bytes] = mapped_column(primary_key=True)
    erasure_id: Mapped[UUID] = mapped_column(ForeignKey("erasure.id"))
    erased_at: Mapped[datetime]
    seen: Mapped[int] = mapped_column(BigInteger)
    """How often it came again since."""
    seen_at: Mapped[datetime | None]
