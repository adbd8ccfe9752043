"""Who changed what: a chain in which every entry holds the hash of the one before."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base

__all__ = ["AuditEntryRow", "AuditHead"]


class AuditEntryRow(Base):
    """One change. Triggers refuse to change or remove it."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        CheckConstraint("seq > 0", name="seq"),
        CheckConstraint("octet_length(prev_hash) = 32", name="prev_hash"),
        CheckConstraint("octet_length(hash) = 32", name="hash"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3 without a hole: given out under the head's lock, never by a sequence."""
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    digest: Mapped[str | None]
    payload: Mapped[bytes]
    """The bytes that were hashed."""
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes]


class AuditHead(Base):
    """One row: the newest entry's number and hash. It tells when the chain's end is gone."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("one_row", name="one_row"),)

    one_row: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
