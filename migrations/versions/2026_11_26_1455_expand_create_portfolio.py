"""Create statements of the portfolio and their positions.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1455"
down_revision: Final = "2026_11_26_0010"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    _create_statements()
    _create_positions()
    op.execute("GRANT SELECT, INSERT, UPDATE ON statement TO goodfit_app")
    op.execute("GRANT SELECT, INSERT, DELETE, UPDATE (name, slices) ON position TO goodfit_app")


def _create_statements() -> None:
    op.create_table(
        "statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rescoring_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window", sa.Text(), nullable=True),
        sa.Column("revenue_metric", sa.Text(), nullable=False),
        sa.Column("cost_metric", sa.Text(), nullable=False),
        sa.Column("value_score", sa.Text(), nullable=False),
        sa.Column("growth_score", sa.Text(), nullable=False),
        sa.Column("value_from", sa.Double(), nullable=False),
        sa.Column("growth_from", sa.Double(), nullable=False),
        sa.Column("slices", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accounts", sa.BigInteger(), nullable=True),
        sa.Column("revenue", sa.Numeric(), nullable=True),
        sa.Column("cost", sa.Numeric(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'cancelled', 'failed')",
            name=op.f("ck_statement_state"),
        ),
        sa.CheckConstraint(
            "generation >= 0 AND attempts >= 0", name=op.f("ck_statement_generation")
        ),
        sa.CheckConstraint(
            "(state = 'done') = (accounts IS NOT NULL AND revenue IS NOT NULL"
            " AND cost IS NOT NULL)",
            name=op.f("ck_statement_done_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["rescoring_id"], ["rescoring.id"], name="fk_statement_rescoring_id_rescoring"
        ),
        sa.ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
            name=op.f("fk_statement_rule_set_version_rule_set_version"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_statement"),
    )
    op.create_index("ix_statement_rule_set_id", "statement", ["rule_set", "id"])
    op.create_index(
        "ix_statement_rule_set_at",
        "statement",
        ["rule_set", "at"],
        postgresql_where=sa.text("state = 'done'"),
    )
    op.create_index(
        "ix_statement_waiting",
        "statement",
        ["id"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )


def _create_positions() -> None:
    op.create_table(
        "position",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("certain", sa.Boolean(), nullable=False),
        sa.Column("scores", postgresql.JSONB(), nullable=False),
        sa.Column("value_low", sa.Double(), nullable=True),
        sa.Column("value_high", sa.Double(), nullable=True),
        sa.Column("growth_low", sa.Double(), nullable=True),
        sa.Column("growth_high", sa.Double(), nullable=True),
        sa.Column("customer_since", sa.Date(), nullable=True),
        sa.Column("in_grace", sa.Boolean(), nullable=False),
        sa.Column("is_measured", sa.Boolean(), nullable=False),
        sa.Column("revenue", sa.Numeric(), nullable=False),
        sa.Column("cost", sa.Numeric(), nullable=False),
        sa.Column("costs", postgresql.JSONB(), nullable=False),
        sa.Column("support_hours", sa.Numeric(), nullable=False),
        sa.Column("custom_hours", sa.Numeric(), nullable=False),
        sa.Column("escalations", sa.BigInteger(), nullable=False),
        sa.Column("slices", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statement.id"],
            ondelete="CASCADE",
            name="fk_position_statement_id_statement",
        ),
        sa.PrimaryKeyConstraint("statement_id", "account_id", name="pk_position"),
    )
    op.create_index("ix_position_account_id", "position", ["account_id"])


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
