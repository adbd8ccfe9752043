"""Create what statements are examined by for systemic problems, and what was counted.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1550"
down_revision: Final = "2026_11_26_1545"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "systemic_policy",
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("policy", postgresql.JSONB(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name=op.f("fk_systemic_policy_rule_set_rule_set")
        ),
        sa.PrimaryKeyConstraint("rule_set", name=op.f("pk_systemic_policy")),
    )
    op.create_table(
        "systemic_examination",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy", postgresql.JSONB(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("examined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statement.id"],
            ondelete="CASCADE",
            name=op.f("fk_systemic_examination_statement_id_statement"),
        ),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_systemic_examination")),
    )
    op.create_index(
        op.f("ix_systemic_examination_rule_set_at"), "systemic_examination", ["rule_set", "at"]
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON systemic_policy TO goodfit_app")
    op.execute("GRANT SELECT, INSERT ON systemic_examination TO goodfit_app")


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
