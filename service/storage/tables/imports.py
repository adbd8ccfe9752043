"""Imports: a file of accounts, events or outcomes, on its way in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["ImportPart", "ImportProblem", "ImportRow"]


class ImportRow(Base):
    """One import: what the file holds, how it is read, and how far that is.

    While its file arrives it waits, under a lease of whoever receives it; then it is queued.
    What was kept of a portion of rows, what was wrong with them and how far it is are written
    in one transaction under the generation of the lease.
    """

    __tablename__ = "account_import"
    __table_args__ = (
        CheckConstraint(
            words("state", "waiting", "queued", "running", "done", "cancelled", "failed"),
            name="state",
        ),
        CheckConstraint(words("what", "accounts", "events", "outcomes"), name="what"),
        CheckConstraint(words("format", "csv", "ndjson", "parquet"), name="format"),
        CheckConstraint("generation >= 0 AND attempts >= 0", name="generation"),
        Index(
            "ix_account_import_open",
            "id",
            postgresql_where=text("state IN ('waiting', 'queued', 'running')"),
        ),
    )

    id: Mapped[primary_uuid]
    what: Mapped[str]
    format: Mapped[str]
    source: Mapped[str]
    at: Mapped[datetime]
    """When facts of accounts were true whose rows do not say."""
    dry_run: Mapped[bool]
    map: Mapped[JsonObject | None]
    currency: Mapped[str]
    state: Mapped[str]
    generation: Mapped[int]
    attempts: Mapped[int]
    lease_until: Mapped[datetime | None]
    arrived: Mapped[int] = mapped_column(BigInteger)
    """Bytes of the file."""
    sha256: Mapped[bytes | None]
    rows: Mapped[int] = mapped_column(BigInteger)
    """Rows that are dealt with; the next begins behind them."""
    share: Mapped[float | None]
    """How much of the file that is, from 0 to 1."""
    tally: Mapped[JsonObject | None]
    ignored: Mapped[list[str] | None]
    """Columns that nothing reads."""
    failure: Mapped[str | None]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ImportPart(Base):
    """A piece of an import's file, until the import has ended.

    # personal: content, whatever stands in the file; gone with the end of its import.
    """

    __tablename__ = "account_import_part"

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("account_import.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class ImportProblem(Base):
    """A row that was not taken, and why, in words that repeat nothing of it."""

    __tablename__ = "account_import_problem"

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("account_import.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    code: Mapped[str]
    reason: Mapped[str]
