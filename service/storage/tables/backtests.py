"""Backtests: what was asked for, how far it is, what was found, and every flip."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, Json, JsonObject, primary_uuid, words

__all__ = ["BacktestFlip", "BacktestRow"]


class BacktestRow(Base):
    """One backtest. It holds no facts, so nothing of it has to be erased.

    Whoever works on it holds the lease and has the newest generation; position, counts and
    flips of a chunk are written in one transaction under that generation, or not at all.
    """

    __tablename__ = "backtest"
    __table_args__ = (
        CheckConstraint(
            words("state", "queued", "running", "done", "cancelled", "failed"), name="state"
        ),
        CheckConstraint(words("against", "decisions", "accounts"), name="against"),
        CheckConstraint("(version IS NULL) <> (draft IS NULL)", name="one_subject"),
        CheckConstraint("(position_at IS NULL) = (position_id IS NULL)", name="position_whole"),
        CheckConstraint("generation >= 0 AND attempts >= 0", name="generation"),
        ForeignKeyConstraint(
            ["rule_set", "base_version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
        Index(None, "rule_set", "id"),
        Index(
            "ix_backtest_waiting",
            "id",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    version: Mapped[int | None]
    draft: Mapped[str | None]
    digest: Mapped[str]
    document: Mapped[bytes]
    """The canonical form of what is tried: a draft may be edited meanwhile."""
    base_version: Mapped[int]
    since: Mapped[datetime | None]
    until: Mapped[datetime]
    revenue: Mapped[str | None]
    """The attribute that holds a subject's revenue."""
    state: Mapped[str]
    generation: Mapped[int]
    attempts: Mapped[int]
    """How often the work was taken up since a chunk was last finished."""
    lease_until: Mapped[datetime | None]
    position_at: Mapped[datetime | None]
    position_id: Mapped[UUID | None]
    done: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int | None] = mapped_column(BigInteger)
    edits: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=True)
    tally: Mapped[JsonObject | None]
    revenue_touched: Mapped[JsonObject | None]
    failure: Mapped[str | None]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    against: Mapped[str] = mapped_column(server_default="decisions")
    """`accounts`: current facts of accounts that changed in the window, decided by the base."""


class BacktestFlip(Base):
    """One decision that comes out otherwise, or one account.

    `facts` holds the names of the attributes that matter and never a value: those are read
    from the decision, where erasure reaches them.
    """

    __tablename__ = "backtest_flip"
    __table_args__ = (
        CheckConstraint(words("cause", "alone", "together", "earlier", "too_many"), name="cause"),
    )

    backtest_id: Mapped[UUID] = mapped_column(
        ForeignKey("backtest.id", ondelete="CASCADE"), primary_key=True
    )
    decided_at: Mapped[datetime] = mapped_column(primary_key=True)
    decision_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Against accounts, the account's id; `decided_at` is then when the backtest was asked for."""
    account_id: Mapped[UUID | None]
    """Against accounts. No foreign key: what was found outlives the account."""
    verdict_before: Mapped[str]
    outcome_before: Mapped[str]
    verdict_after: Mapped[str]
    outcome_after: Mapped[str]
    scores_before: Mapped[JsonObject | None]
    """Against accounts; a decision keeps its own."""
    scores_after: Mapped[JsonObject]
    cause: Mapped[str]
    edits: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=False)
    """Places in the backtest's `edits`."""
    facts: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=False)
