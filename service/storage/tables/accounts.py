"""Accounts: what is known about each, under which names, and how it is judged now."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["SEARCHED", "AccountIdentity", "AccountMerge", "AccountRow", "AssessmentDue"]
__all__ += ["AssessmentRow"]

SEARCHED: Final[ColumnElement[Any]] = literal_column("goodfit_searched(key, facts)")
"""What an account is searched by: its key, its names, its domain. Indexed as it stands."""


class AccountRow(Base):
    """A company we serve, or did."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("row_version > 0", name="row_version"),
        CheckConstraint("(own_facts IS NULL) = (own_provenance IS NULL)", name="own_whole"),
        CheckConstraint("merged_into <> id", name="merged_into"),
        Index("ix_account_searched", SEARCHED, postgresql_using="gin"),
        Index(None, "updated_at", "id"),
        Index(
            None,
            "merged_into",
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
    )

    id: Mapped[primary_uuid]
    key: Mapped[str] = mapped_column(unique=True)
    """The name under which the outside world addresses it."""
    facts: Mapped[JsonObject]
    """Attribute name to value as it was sent; each rule set reads its own at its door."""
    provenance: Mapped[JsonObject]
    """Attribute name to `{"source": ..., "at": ...}`: who said so, and when it was true."""
    row_version: Mapped[int]
    """Starts at 1 and grows with every change; the strong ETag is made from it."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    facts_erased_at: Mapped[datetime | None]
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    """The account that now stands for this one; it is merged into none itself."""
    own_facts: Mapped[JsonObject | None]
    """What was said of this very account, where `facts` hold what is known of a merged group."""
    own_provenance: Mapped[JsonObject | None]


class AccountMerge(Base):
    """Two accounts that are one company: said by whom, why, and whether it was taken back."""

    __tablename__ = "account_merge"
    __table_args__ = (
        CheckConstraint("account_id <> into_id", name="two"),
        CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL)"
            " AND (undone_at IS NULL) = (undone_reason IS NULL)",
            name="undone_whole",
        ),
        Index(
            "uq_account_merge_in_force",
            "account_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
        Index(None, "into_id"),
    )

    id: Mapped[primary_uuid]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    into_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    """As it was said; that account may have been merged on since."""
    reason: Mapped[str]
    merged_at: Mapped[datetime]
    merged_by: Mapped[str]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]
    undone_reason: Mapped[str | None]


class AccountIdentity(Base):
    """The account's id in another system: HubSpot's number, Salesforce's 18 letters."""

    __tablename__ = "account_identity"
    __table_args__ = (Index(None, "account_id"),)

    system: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]


class AssessmentRow(Base):
    """The current decision of one account under one rule set, and the one before."""

    __tablename__ = "assessment"
    __table_args__ = (
        CheckConstraint(
            "(previous_decision_id IS NULL) = (previous_at IS NULL)", name="previous_whole"
        ),
        Index(None, "rule_set", "verdict", "outcome"),
    )

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"), primary_key=True)
    decision_id: Mapped[UUID]
    version: Mapped[int]
    verdict: Mapped[str]
    outcome: Mapped[str]
    at: Mapped[datetime]
    previous_decision_id: Mapped[UUID | None]
    previous_version: Mapped[int | None]
    previous_verdict: Mapped[str | None]
    previous_outcome: Mapped[str | None]
    previous_at: Mapped[datetime | None]


class AssessmentDue(Base):
    """An account of which something else is known than it was last assessed by.

    Whatever changes it writes or touches this row in its own transaction; whoever has assessed
    it removes the row, unless `changes` has grown since. Times are the database's.
    """

    __tablename__ = "assessment_due"
    __table_args__ = (
        CheckConstraint(words("cause", "change", "import"), name="cause"),
        Index(None, "due_at"),
    )

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    cause: Mapped[str]
    """Of the last change."""
    since: Mapped[datetime]
    """When it became due."""
    changed_at: Mapped[datetime]
    changes: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime]
    """Nobody takes it up before."""
    attempts: Mapped[int]
    """How often assessing it has failed since."""
    generation: Mapped[int] = mapped_column(BigInteger)
    """Grows with every claim, so that who comes back late writes nothing."""
    lease_until: Mapped[datetime | None]
