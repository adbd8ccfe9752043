"""Decisions: one row an evaluation, in monthly partitions.

A decision's id is a UUIDv7 made for its `decided_at` (`service.storage.make_uuid`), so
`instant_of(id)` is the row's exact `decided_at`: a lookup by id names both columns of the
primary key and touches one partition, however many there are.

There are no foreign keys here: each would lock a row that every decision shares, on the
one path that must be fast. Versions cannot be removed, so nothing can dangle.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, Json, JsonObject, words

__all__ = ["DecisionRow"]


class DecisionRow(Base):
    """One evaluation as it was answered.

    `facts`, `tabled` and `external_id` may hold personal data; erasure sets them to
    NULL and `facts_erased_at`, everything else stays. No column is an array, so that
    many decisions go in by one `INSERT ... SELECT FROM unnest(...)`.
    """

    __tablename__ = "decision"
    __table_args__ = (
        CheckConstraint(words("subject", "lead", "account"), name="subject"),
        CheckConstraint(
            words("verdict", "qualify", "review", "disqualify", "undecided"), name="verdict"
        ),
        Index(None, "rule_set", "decided_at", "id"),
        Index(
            None,
            "external_id",
            "decided_at",
            "id",
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        Index(
            None,
            "account_id",
            "decided_at",
            "id",
            postgresql_where=text("account_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (decided_at)"},
    )

    decided_at: Mapped[datetime] = mapped_column(primary_key=True)
    """The decision's clock; a lookup without it would search every month."""
    id: Mapped[UUID] = mapped_column(primary_key=True)
    rule_set: Mapped[str]
    version: Mapped[int]
    digest: Mapped[str]
    meaning: Mapped[int] = mapped_column(SmallInteger)
    subject: Mapped[str]
    external_id: Mapped[str | None]
    account_id: Mapped[UUID | None]
    facts: Mapped[JsonObject | None]
    """`Facts.to_json()`: values and data problems; NULL once erased."""
    tabled: Mapped[JsonObject | None]
    """Texts that came from shipped tables, passed back at replay."""
    data_problems: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=True)
    """Names and codes of what could not be read, never values; NULL where all could."""
    final: Mapped[bool]
    suspended: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=True)
    """A list of rule ids and `outcome:` ids; NULL where none was suspended."""
    suspensions: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=True)
    """`[{"part": ..., "suspension": ..., "cause": ...}]`: what it was made under."""
    verdict: Mapped[str]
    outcome: Mapped[str]
    certain: Mapped[bool]
    outcome_certain: Mapped[bool]
    scores: Mapped[JsonObject]
    trace: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=False)
    """What each rule and condition gave, compact; holds no values."""
    trace_before: Mapped[Json] = mapped_column(JSONB(none_as_null=True), nullable=True)
    """The same had nothing been suspended, for whoever counts; NULL where nothing was."""
    source: Mapped[str | None]
    override_of: Mapped[UUID | None]
    """The person's override of this account that was in force; the verdict is the rules' own."""
    latency_us: Mapped[int | None]
    """Microseconds from the request's last byte to the decision's value."""
    facts_erased_at: Mapped[datetime | None]
