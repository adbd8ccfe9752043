"""What the doors keep: keys that open them, and answers that may be asked for twice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["ApiKey", "IdempotencyRow", "RequestCount"]


class IdempotencyRow(Base):
    """A 2xx answer kept under the caller's Idempotency-Key.

    Written by `INSERT ... ON CONFLICT DO NOTHING` in the transaction of what it answers.
    """

    __tablename__ = "idempotency"
    __table_args__ = (
        CheckConstraint("octet_length(key_hash) = 32", name="key_hash"),
        CheckConstraint("octet_length(body_hash) = 32", name="body_hash"),
        CheckConstraint("status BETWEEN 200 AND 299", name="status"),
        Index(None, "expires_at"),
    )

    scope: Mapped[str] = mapped_column(primary_key=True)
    """The API key's id and the route, so that two callers' keys never meet."""
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    decision_id: Mapped[UUID | None]
    status: Mapped[int] = mapped_column(SmallInteger)
    answer: Mapped[bytes | None]
    """The body byte for byte; NULL once the facts in it were erased."""
    headers: Mapped[JsonObject | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ApiKey(Base):
    """A key that was shown once; only its SHA-256 is here."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint(words("kind", "secret", "publishable"), name="kind"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("kind = 'secret' OR rule_set IS NOT NULL", name="publishable_is_bound"),
    )

    id: Mapped[primary_uuid]
    prefix: Mapped[str]
    """The first letters of the key, safe to show: `gf_sk_3kq9`."""
    sha256: Mapped[bytes] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    person: Mapped[str]
    """The person or system that answers for what is done with it."""
    scopes: Mapped[list[str]]
    rule_set: Mapped[str | None] = mapped_column(ForeignKey("rule_set.slug"))
    origins: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class RequestCount(Base):
    """How many requests strangers made in one window, over all workers.

    A name is a publishable key's id, or that and the network of a /24 or /48: never a whole
    address. A row is removed two windows after its own.
    """

    __tablename__ = "request_count"
    __table_args__ = (Index(None, "expires_at"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]
