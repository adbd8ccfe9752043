"""The ledger: what happened with each account, and what could not be entered yet."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, Json, JsonObject, primary_uuid, words

__all__ = ["AccountEvent", "AccountSource", "EventKindRow", "ParkedEvent"]


class AccountEvent(Base):
    """One entry. Nobody changes or removes it: what was wrong is reversed by another entry.

    A reversing entry has the kind, the instant, the source and the account of the one it
    reverses, and its numbers negated, so that every sum over any slice is what it would be
    without the two.
    """

    __tablename__ = "account_event"
    __table_args__ = (
        CheckConstraint("(reverses IS NULL) = (reason IS NULL)", name="reversal_whole"),
        CheckConstraint("octet_length(digest) = 16", name="digest"),
        CheckConstraint("amount <> 'NaN'", name="amount"),
        Index(None, "account_id", "at", "id"),
        Index("uq_account_event_source_event", "source", "source_event_id", unique=True),
        Index(
            "uq_account_event_reverses",
            "reverses",
            unique=True,
            postgresql_where=text("reverses IS NOT NULL"),
        ),
    )

    id: Mapped[primary_uuid]
    """A UUIDv7 of `recorded_at`: ids sort as entries were made."""
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    """The account that the source named, also after it was merged into another one:
    `account.merged_into` leads on."""
    kind: Mapped[str]
    at: Mapped[datetime]
    """When it happened, by its source."""
    amount: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    """In the deployment's one currency."""
    quantities: Mapped[JsonObject]
    """Everything else that was told, and the kind's defaults for what was not."""
    source: Mapped[str]
    source_event_id: Mapped[str]
    digest: Mapped[bytes]
    """Of what was told, so that a repeat is known from a contradiction."""
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    reverses: Mapped[UUID | None] = mapped_column(ForeignKey("account_event.id"))
    reason: Mapped[str | None]
    """Why it was reversed."""


class ParkedEvent(Base):
    """An event that cannot be entered as it is: the account is not known, or the kind is not.

    One for each of a source's events at most. `content` is the JSON text as it came, or as
    somebody mended it.
    """

    __tablename__ = "parked_event"
    __table_args__ = (
        CheckConstraint(words("state", "parked", "entered", "dropped"), name="state"),
        CheckConstraint("(state = 'parked') = (closed_at IS NULL)", name="closed_whole"),
        Index("uq_parked_event_source_event", "source", "source_event_id", unique=True),
        Index("ix_parked_event_open", "id", postgresql_where=text("state = 'parked'")),
    )

    id: Mapped[primary_uuid]
    source: Mapped[str]
    source_event_id: Mapped[str]
    content: Mapped[str]
    reasons: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=False)
    """A list of `{"code", "message", "pointer"}`; never a value."""
    state: Mapped[str]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    parked_by: Mapped[str]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closed_reason: Mapped[str | None]
    event_id: Mapped[UUID | None]
    """The entry it became."""


class EventKindRow(Base):
    """A kind of event that the organisation declared, or one of ours that it widened."""

    __tablename__ = "event_kind"
    __table_args__ = (CheckConstraint("row_version > 0", name="row_version"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[JsonObject]
    row_version: Mapped[int]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class AccountSource(Base):
    """What is known of one source: how much its word weighs, and which kinds it reports."""

    __tablename__ = "account_source"
    __table_args__ = (CheckConstraint("row_version > 0", name="row_version"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(Integer)
    """The word of a higher rank stands against a newer one of a lower; 0 where nobody said."""
    reports: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    """Kinds of which it tells every event, so that none means none; null where nobody said."""
    row_version: Mapped[int]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]
