"""Connections to other systems: what they sent us, and what we wrote back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, Json, JsonObject, primary_uuid, words

__all__ = ["ConnectionRow", "IntakeDelivery", "IntakeLead", "IntakeSeen", "VendorPause"]
__all__ += ["WriteBackRow"]


class ConnectionRow(Base):
    """One configured source of webhooks, and maybe a target of write-back."""

    __tablename__ = "connection"
    __table_args__ = (CheckConstraint("row_version > 0", name="row_version"),)

    id: Mapped[primary_uuid]
    name: Mapped[str] = mapped_column(unique=True)
    """Also the source of what is known through it: its rank is declared with the sources."""
    preset: Mapped[str]
    document: Mapped[JsonObject]
    """What differs from the preset, as it was sent, without secrets."""
    secrets: Mapped[bytes | None]
    """Sealed: a JSON object of lists of texts."""
    path_token_hash: Mapped[bytes | None]
    row_version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    updated_at: Mapped[datetime]
    last_received_at: Mapped[datetime | None]
    last_refused_at: Mapped[datetime | None]
    last_refused_why: Mapped[str | None]
    """Words of ours about a delivery that proved nothing, never anything that was sent."""
    degraded_at: Mapped[datetime | None]
    degraded_why: Mapped[str | None]


class IntakeDelivery(Base):
    """One request of a connection, kept as it came before anything reads it.

    personal: `body` holds whatever the vendor sent of people; it is cleared after the retention
    of raw deliveries, and by an erasure that its items name.
    """

    __tablename__ = "intake_delivery"
    __table_args__ = (
        CheckConstraint(
            words("state", "waiting", "done", "parked", "discarded", "erased"), name="state"
        ),
        CheckConstraint("(body IS NULL) = (state = 'erased')", name="body"),
        CheckConstraint("octet_length(digest) = 32", name="digest"),
        Index(
            "uq_intake_delivery_connection_id_digest",
            "connection_id",
            "digest",
            unique=True,
            postgresql_where=text("is_told_apart"),
        ),
        Index(None, "connection_id", "state", "id"),
        Index(None, "received_at"),
    )

    id: Mapped[primary_uuid]
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"))
    received_at: Mapped[datetime]
    media_type: Mapped[str]
    body: Mapped[bytes | None]  # personal
    digest: Mapped[bytes]
    """SHA-256 of the body."""
    is_told_apart: Mapped[bool]
    """Whether the map says what tells two deliveries apart: then equal bytes are a repeat."""
    repeats: Mapped[int] = mapped_column(Integer, server_default="0")
    state: Mapped[str]
    tally: Mapped[JsonObject | None]
    """How many items came to what, by word."""
    problems: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    """A list of what could not be read, with places in the map and never a value."""
    translated_at: Mapped[datetime | None]


class IntakeSeen(Base):
    """An event that had its effect, by the digest of what tells it apart: it has no second one."""

    __tablename__ = "intake_seen"
    __table_args__ = (
        CheckConstraint("octet_length(event) = 32", name="event"),
        Index(None, "seen_at"),
    )

    connection_id: Mapped[UUID] = mapped_column(
        ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True
    )
    event: Mapped[bytes] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class IntakeLead(Base):
    """Of when the newest word on a lead was: an older one that comes late decides nothing.

    personal: `key` is the lead's external id.
    """

    __tablename__ = "intake_lead"
    __table_args__ = (Index(None, "noted_at"),)

    connection_id: Mapped[UUID] = mapped_column(
        ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)  # personal
    said_at: Mapped[datetime]
    decision_id: Mapped[UUID]
    """What was decided on that word, by which an erasure finds the row."""
    noted_at: Mapped[datetime]
    """When a word on it was last heard, however old that was."""


class VendorPause(Base):
    """Until when a connection's vendor is not asked, for every worker."""

    __tablename__ = "vendor_pause"

    connection_id: Mapped[UUID] = mapped_column(
        ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True
    )
    resumes_at: Mapped[datetime]
    why: Mapped[str]
    is_usual: Mapped[bool]
    """Whether it is a part of normal work, and nobody has to be told."""


class WriteBackRow(Base):
    """What a record in the vendor's system should say of our decision, and what it says.

    personal: `external_id` names the record of a person where it is a contact or a lead.
    """

    __tablename__ = "write_back"
    __table_args__ = (
        CheckConstraint(words("state", "waiting", "written", "parked"), name="state"),
        Index(
            None,
            "connection_id",
            "due_at",
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    connection_id: Mapped[UUID] = mapped_column(
        ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True
    )
    object: Mapped[str] = mapped_column(primary_key=True)
    """The vendor's kind of object, as in `companies`."""
    external_id: Mapped[str] = mapped_column(primary_key=True)  # personal
    decision_id: Mapped[UUID]
    """The decision that *wanted* tells of."""
    wanted: Mapped[JsonObject]
    """Our properties and their values, by the names of the write-back's `properties`."""
    written: Mapped[JsonObject | None]
    """What the vendor took last; nothing is sent where it is the same."""
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[datetime]
    problem: Mapped[str | None]
    """Why it is not written yet, in words for an administrator."""
    written_at: Mapped[datetime | None]
