"""Create outcomes: what became of leads and accounts.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1505"
down_revision: Final = "2026_11_26_1500"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "outcome_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("account_key", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amount", sa.Numeric(20, 6), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_event_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.Column("subject_erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "result IN ('won', 'lost', 'churned', 'renewed')", name=op.f("ck_outcome_event_result")
        ),
        sa.CheckConstraint(
            "num_nonnulls(external_id, decision_id, account_key, subject_erased_at) > 0",
            name=op.f("ck_outcome_event_subject"),
        ),
        sa.CheckConstraint("opened_at <= at", name=op.f("ck_outcome_event_opened_at")),
        sa.CheckConstraint("amount >= 0 AND amount <> 'NaN'", name=op.f("ck_outcome_event_amount")),
        sa.CheckConstraint("octet_length(digest) = 16", name=op.f("ck_outcome_event_digest")),
        sa.CheckConstraint(
            "num_nonnulls(withdrawn_at, withdrawn_by, withdrawn_reason) IN (0, 3)",
            name=op.f("ck_outcome_event_withdrawn_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outcome_event"),
    )
    op.create_index(
        "uq_outcome_event_source_event", "outcome_event", ["source", "source_event_id"], unique=True
    )
    op.create_index("ix_outcome_event_at_id", "outcome_event", ["at", "id"])
    for column in ("account_key", "external_id"):
        op.create_index(
            f"ix_outcome_event_{column}_at_id",
            "outcome_event",
            [column, "at", "id"],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.execute(
        "GRANT SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by, withdrawn_reason)"
        " ON outcome_event TO goodfit_app"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
