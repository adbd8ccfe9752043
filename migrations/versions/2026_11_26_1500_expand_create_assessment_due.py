"""Remember which accounts are to be assessed, and what set a rescoring off.

Expand: only adds; what was rescored before, somebody asked for.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1500"
down_revision: Final = "2026_11_26_1455"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "assessment_due",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cause IN ('change', 'import')", name=op.f("ck_assessment_due_cause")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_assessment_due_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_assessment_due"),
    )
    op.create_index("ix_assessment_due_due_at", "assessment_due", ["due_at"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON assessment_due TO goodfit_app")
    op.add_column(
        "rescoring", sa.Column("cause", sa.Text(), server_default="request", nullable=False)
    )
    # Of a new column whose default holds, so that nothing is read to validate it for long.
    op.create_check_constraint(
        op.f("ck_rescoring_cause"),
        "rescoring",
        "cause IN ('request', 'release', 'daily', 'change', 'import')",
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
