"""Create backtests and the flips they find.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_22_2230"
down_revision: Final = "2026_11_22_2114"
branch_labels: Final = None
depends_on: Final = None

GRANTS: Final = (
    "GRANT SELECT, INSERT, UPDATE ON backtest TO goodfit_app",
    "GRANT SELECT, INSERT ON backtest_flip TO goodfit_app",
)


def upgrade() -> None:
    limit_waiting()
    _create_backtest()
    _create_flip()
    for statement in GRANTS:
        op.execute(statement)


def _create_backtest() -> None:
    op.create_table(
        "backtest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("draft", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revenue", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position_id", sa.Uuid(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("edits", postgresql.JSONB(), nullable=True),
        sa.Column("tally", postgresql.JSONB(), nullable=True),
        sa.Column("revenue_touched", postgresql.JSONB(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'cancelled', 'failed')",
            name=op.f("ck_backtest_state"),
        ),
        sa.CheckConstraint(
            "(version IS NULL) <> (draft IS NULL)", name=op.f("ck_backtest_one_subject")
        ),
        sa.CheckConstraint(
            "(position_at IS NULL) = (position_id IS NULL)",
            name=op.f("ck_backtest_position_whole"),
        ),
        sa.CheckConstraint(
            "generation >= 0 AND attempts >= 0", name=op.f("ck_backtest_generation")
        ),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name=op.f("fk_backtest_rule_set_rule_set")
        ),
        sa.ForeignKeyConstraint(
            ["rule_set", "base_version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
            name=op.f("fk_backtest_rule_set_base_version_rule_set_version"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_backtest"),
    )
    op.create_index("ix_backtest_rule_set_id", "backtest", ["rule_set", "id"])
    op.create_index(
        "ix_backtest_waiting",
        "backtest",
        ["id"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )


def _create_flip() -> None:
    op.create_table(
        "backtest_flip",
        sa.Column("backtest_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("verdict_before", sa.Text(), nullable=False),
        sa.Column("outcome_before", sa.Text(), nullable=False),
        sa.Column("verdict_after", sa.Text(), nullable=False),
        sa.Column("outcome_after", sa.Text(), nullable=False),
        sa.Column("scores_after", postgresql.JSONB(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("edits", postgresql.JSONB(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "cause IN ('alone', 'together', 'earlier', 'too_many')",
            name=op.f("ck_backtest_flip_cause"),
        ),
        sa.ForeignKeyConstraint(
            ["backtest_id"],
            ["backtest.id"],
            name=op.f("fk_backtest_flip_backtest_id_backtest"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "backtest_id", "decided_at", "decision_id", name="pk_backtest_flip"
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
