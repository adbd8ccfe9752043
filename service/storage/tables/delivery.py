"""What others are told: endpoints, events with the bytes that are signed, deliveries."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, primary_uuid, words

__all__ = ["AttemptRow", "DeliveryRow", "EndpointRow", "EventRow"]

_of_endpoint = Annotated[UUID, mapped_column(ForeignKey("endpoint.id", ondelete="CASCADE"))]


class EndpointRow(Base):
    """An address that receives our events. No list of events stands for all of them."""

    __tablename__ = "endpoint"
    __table_args__ = (
        CheckConstraint(words("state", "enabled", "disabled"), name="state"),
        CheckConstraint("(state = 'disabled') = (disabled_at IS NOT NULL)", name="disabled_whole"),
    )

    id: Mapped[primary_uuid]
    url: Mapped[str]
    description: Mapped[str]
    events: Mapped[list[str]]
    outcomes: Mapped[list[str]] = mapped_column(server_default="{}")
    """Of which outcomes it hears where an event has one; none named is any."""
    state: Mapped[str]
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None]
    """`asked`, `gone` or `failing`."""
    failing_since: Mapped[datetime | None]
    """Since when not one attempt succeeded."""
    recovered_at: Mapped[datetime | None]
    """When one last succeeded after others had not."""
    secret: Mapped[bytes]
    """Sealed, as is the one before it, which signs too until its time is over."""
    old_secret: Mapped[bytes | None]
    old_secret_until: Mapped[datetime | None]
    row_version: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class EventRow(Base):
    """Something that happened, in the bytes that are signed.

    personal: body, about. Erased bytes are null, and are sent to nobody any more.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_about", "about", postgresql_where=text("about IS NOT NULL")),)

    id: Mapped[primary_uuid]
    type: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[bytes | None]
    about: Mapped[str | None]
    """The external id or account key that *body* names."""


class DeliveryRow(Base):
    """One event on its way to one endpoint.

    It is due at `next_at`, by the database's clock; of one that is being sent, that is when its
    lease runs out. The generation grows with every claim.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(
            words("state", "waiting", "sending", "delivered", "failed", "cancelled"), name="state"
        ),
        CheckConstraint("base <= attempts", name="base"),
        Index(
            "ix_delivery_due",
            "endpoint_id",
            "next_at",
            postgresql_where=text("state IN ('waiting', 'sending')"),
        ),
        Index("ix_delivery_failed", "endpoint_id", postgresql_where=text("state = 'failed'")),
        Index(None, "endpoint_id", "id"),
        Index(None, "event_id"),
    )

    id: Mapped[primary_uuid]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    endpoint_id: Mapped[_of_endpoint]
    state: Mapped[str]
    next_at: Mapped[datetime]
    generation: Mapped[int]
    attempts: Mapped[int]
    base: Mapped[int]
    """How many attempts are not counted: made before it was last asked for anew, or cut off."""
    first_attempt_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class AttemptRow(Base):
    """One attempt, from its claim on: one that says no more was cut off with its worker.

    personal: excerpt, in which the receiver may say anything.
    """

    __tablename__ = "delivery_attempt"
    # Written in the order of time, so that a few bytes for every megabyte find the last minutes.
    __table_args__ = (Index(None, "began_at", postgresql_using="brin"),)

    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    began_at: Mapped[datetime]
    took_ms: Mapped[int | None]
    status: Mapped[int | None]
    problem: Mapped[str | None]
    """Why there is no status: `timeout`, `connection`, `address`, `secret`."""
    excerpt: Mapped[str | None]
