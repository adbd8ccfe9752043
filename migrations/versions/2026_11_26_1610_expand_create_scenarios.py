"""Create scenarios: what would be, asked of a statement.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1610"
down_revision: Final = "2026_11_26_1605"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "scenario",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("left_out", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'cancelled', 'failed')",
            name=op.f("ck_scenario_state"),
        ),
        sa.CheckConstraint("kind IN ('sensitivity', 'focus')", name=op.f("ck_scenario_kind")),
        sa.CheckConstraint(
            "generation >= 0 AND attempts >= 0", name=op.f("ck_scenario_generation")
        ),
        sa.CheckConstraint(
            "(kind = 'focus') = (document IS NOT NULL)", name=op.f("ck_scenario_document")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statement.id"],
            ondelete="CASCADE",
            name=op.f("fk_scenario_statement_id_statement"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
            name=op.f("fk_scenario_rule_set_version_rule_set_version"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_scenario"),
    )
    op.create_index(
        "uq_scenario_statement_id_question", "scenario", ["statement_id", "question"], unique=True
    )
    op.create_index(
        "ix_scenario_waiting",
        "scenario",
        ["id"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_table(
        "scenario_account",
        sa.Column("scenario_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("fate", sa.Text(), nullable=True),
        sa.Column("moves", postgresql.JSONB(), nullable=True),
        sa.Column("edge", sa.Double(), nullable=True),
        sa.Column("edge_outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["scenario_id"],
            ["scenario.id"],
            ondelete="CASCADE",
            name=op.f("fk_scenario_account_scenario_id_scenario"),
        ),
        sa.PrimaryKeyConstraint("scenario_id", "account_id", name="pk_scenario_account"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON scenario TO goodfit_app")
    op.execute("GRANT SELECT, INSERT ON scenario_account TO goodfit_app")


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
