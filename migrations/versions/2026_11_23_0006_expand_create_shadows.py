"""Create what shadows find, and let a release end one.

Expand: a share of 0 becomes possible; no shadow was ever released before.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_23_0006"
down_revision: Final = "2026_11_23_0005"
branch_labels: Final = None
depends_on: Final = None

AFTERWARDS: Final = (
    "ALTER TABLE rule_set_release DROP CONSTRAINT ck_rule_set_release_share",
    """
    ALTER TABLE rule_set_release ADD CONSTRAINT ck_rule_set_release_share
    CHECK (share >= 0 AND share <= 1) NOT VALID
    """,
    "ALTER TABLE rule_set_release VALIDATE CONSTRAINT ck_rule_set_release_share",
    """
    ALTER TABLE rule_set_release ADD CONSTRAINT ck_rule_set_release_share_of_shadow
    CHECK ((mode = 'shadow') = (share IS NOT NULL)) NOT VALID
    """,
    "ALTER TABLE rule_set_release VALIDATE CONSTRAINT ck_rule_set_release_share_of_shadow",
    "GRANT SELECT, INSERT, UPDATE ON shadow_tally, shadow_movement TO goodfit_app",
    """
    GRANT SELECT, INSERT, UPDATE (facts, tabled, facts_erased_at)
    ON shadow_disagreement TO goodfit_app
    """,
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "shadow_disagreement",
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("live_version", sa.Integer(), nullable=False),
        sa.Column("verdict_before", sa.Text(), nullable=False),
        sa.Column("outcome_before", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("scores", postgresql.JSONB(), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=True),
        sa.Column("tabled", postgresql.JSONB(), nullable=True),
        sa.Column("data_problems", postgresql.JSONB(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("facts_erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "verdict IN ('qualify', 'review', 'disqualify', 'undecided')",
            name=op.f("ck_shadow_disagreement_verdict"),
        ),
        sa.CheckConstraint(
            "(failure IS NULL) = (verdict IS NOT NULL)",
            name=op.f("ck_shadow_disagreement_decided_or_failed"),
        ),
        sa.PrimaryKeyConstraint(
            "rule_set", "version", "decided_at", "decision_id", name="pk_shadow_disagreement"
        ),
    )
    op.create_index(
        op.f("ix_shadow_disagreement_decision_id"), "shadow_disagreement", ["decision_id"]
    )
    op.create_table(
        "shadow_movement",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("live_version", sa.Integer(), nullable=False),
        sa.Column("verdict_before", sa.Text(), nullable=False),
        sa.Column("outcome_before", sa.Text(), nullable=False),
        sa.Column("verdict_after", sa.Text(), nullable=False),
        sa.Column("outcome_after", sa.Text(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("disagreed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "release_id",
            "live_version",
            "verdict_before",
            "outcome_before",
            "verdict_after",
            "outcome_after",
            name="pk_shadow_movement",
        ),
    )
    op.create_table(
        "shadow_tally",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("disagreed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("shadow_us", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "compared >= 0 AND failed >= 0 AND dropped >= 0 AND disagreed >= 0",
            name=op.f("ck_shadow_tally_counts"),
        ),
        sa.PrimaryKeyConstraint("release_id", name="pk_shadow_tally"),
    )
    for statement in AFTERWARDS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
