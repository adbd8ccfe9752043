"""What became of leads and accounts: won, lost, churned, renewed."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, primary_uuid, words

__all__ = ["OutcomeEvent"]


class OutcomeEvent(Base):
    """One thing that became of a lead or an account, as its source tells it.

    It names its subject by the names that the outside world uses and is joined when it is
    read, so it may come before the decision or the account it is about. There is no foreign
    key for the same reason. Nobody changes it; one that is wrong is withdrawn, with a reason.

    `external_id` and `owner` may be personal data: the one of the lead, the other of the
    salesperson. Erasure sets them to NULL and `subject_erased_at`; what became, when and of
    how much stays.
    """

    __tablename__ = "outcome_event"
    __table_args__ = (
        CheckConstraint(words("result", "won", "lost", "churned", "renewed"), name="result"),
        CheckConstraint(
            "num_nonnulls(external_id, decision_id, account_key, subject_erased_at) > 0",
            name="subject",
        ),
        CheckConstraint("opened_at <= at", name="opened_at"),
        CheckConstraint("amount >= 0 AND amount <> 'NaN'", name="amount"),
        CheckConstraint("octet_length(digest) = 16", name="digest"),
        CheckConstraint(
            "num_nonnulls(withdrawn_at, withdrawn_by, withdrawn_reason) IN (0, 3)",
            name="withdrawn_whole",
        ),
        Index("uq_outcome_event_source_event", "source", "source_event_id", unique=True),
        Index(None, "at", "id"),
        Index(
            None,
            "account_key",
            "at",
            "id",
            postgresql_where=text("account_key IS NOT NULL"),
        ),
        Index(
            None,
            "external_id",
            "at",
            "id",
            postgresql_where=text("external_id IS NOT NULL"),
        ),
    )

    id: Mapped[primary_uuid]
    external_id: Mapped[str | None]
    """The lead's, as its decisions have it."""
    decision_id: Mapped[UUID | None]
    """The one decision on the lead or account, where the source names it."""
    account_key: Mapped[str | None]
    result: Mapped[str]
    at: Mapped[datetime]
    """When it became so, by its source."""
    opened_at: Mapped[datetime | None]
    """When the deal was opened, where the source knows."""
    amount: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    """Of the deal, in the deployment's one currency."""
    owner: Mapped[str | None]
    product: Mapped[str | None]
    source: Mapped[str]
    source_event_id: Mapped[str]
    digest: Mapped[bytes]
    """Of what was told, so that a repeat is known from a contradiction."""
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_reason: Mapped[str | None]
    subject_erased_at: Mapped[datetime | None]
