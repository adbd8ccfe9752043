"""Create overrides: what a person decided otherwise.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_23_0007"
down_revision: Final = "2026_11_23_0006"
branch_labels: Final = None
depends_on: Final = None

AFTERWARDS: Final = (
    """
    GRANT SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by, withdrawn_reason)
    ON verdict_override TO goodfit_app
    """,
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "verdict_override",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("overruled", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("assign", sa.Text(), nullable=True),
        sa.Column("rules_verdict", sa.Text(), nullable=False),
        sa.Column("rules_outcome", sa.Text(), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "verdict IN ('qualify', 'review', 'disqualify')",
            name=op.f("ck_verdict_override_verdict"),
        ),
        sa.CheckConstraint(
            "(decision_id IS NULL) <> (account_id IS NULL)",
            name=op.f("ck_verdict_override_one_subject"),
        ),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)",
            name=op.f("ck_verdict_override_withdrawn_whole"),
        ),
        sa.CheckConstraint(
            "expires_at > created_at", name=op.f("ck_verdict_override_expires_later")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_verdict_override_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
            name=op.f("fk_verdict_override_rule_set_version"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name=op.f("fk_verdict_override_rule_set")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_verdict_override"),
    )
    op.create_index(op.f("ix_verdict_override_rule_set_id"), "verdict_override", ["rule_set", "id"])
    op.create_index(
        op.f("ix_verdict_override_rule_set_overruled"),
        "verdict_override",
        ["rule_set", "overruled"],
    )
    op.create_index(
        "uq_verdict_override_account_in_force",
        "verdict_override",
        ["account_id", "rule_set"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL AND account_id IS NOT NULL"),
    )
    op.create_index(
        "uq_verdict_override_decision_in_force",
        "verdict_override",
        ["decision_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL AND decision_id IS NOT NULL"),
    )
    for statement in AFTERWARDS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
