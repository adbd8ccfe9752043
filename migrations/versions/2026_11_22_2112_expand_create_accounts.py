"""Create accounts, their names in other systems, and their assessments.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_22_2112"
down_revision: Final = "2026_11_22_2111"
branch_labels: Final = None
depends_on: Final = None

AFTERWARDS: Final = (
    "GRANT SELECT, INSERT, UPDATE ON account, assessment TO goodfit_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON account_identity TO goodfit_app",
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("provenance", postgresql.JSONB(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts_erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("row_version > 0", name=op.f("ck_account_row_version")),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("key", name="uq_account_key"),
    )
    op.create_table(
        "account_identity",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name="fk_account_identity_account_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("system", "external_id", name="pk_account_identity"),
    )
    op.create_index("ix_account_identity_account_id", "account_identity", ["account_id"])
    op.create_table(
        "assessment",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_decision_id", sa.Uuid(), nullable=True),
        sa.Column("previous_version", sa.Integer(), nullable=True),
        sa.Column("previous_verdict", sa.Text(), nullable=True),
        sa.Column("previous_outcome", sa.Text(), nullable=True),
        sa.Column("previous_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(previous_decision_id IS NULL) = (previous_at IS NULL)",
            name=op.f("ck_assessment_previous_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_assessment_account_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["rule_set"], ["rule_set.slug"], name="fk_assessment_rule_set"),
        sa.PrimaryKeyConstraint("account_id", "rule_set", name="pk_assessment"),
    )
    op.create_index(
        "ix_assessment_rule_set_verdict_outcome", "assessment", ["rule_set", "verdict", "outcome"]
    )
    for statement in AFTERWARDS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
