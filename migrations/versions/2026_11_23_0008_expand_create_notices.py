"""Create notices: what Goodfit noticed by itself.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_23_0008"
down_revision: Final = "2026_11_23_0007"
branch_labels: Final = None
depends_on: Final = None

AFTERWARDS: Final = (
    """
    GRANT SELECT, INSERT, UPDATE (payload, last_at, closed_at, closed_by, closed_reason)
    ON notice TO goodfit_app
    """,
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('rule_set.drifted')", name=op.f("ck_notice_kind")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)"
            " AND (closed_at IS NULL) = (closed_reason IS NULL)",
            name=op.f("ck_notice_closed_whole"),
        ),
        sa.ForeignKeyConstraint(["rule_set"], ["rule_set.slug"], name=op.f("fk_notice_rule_set")),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
    )
    op.create_index(
        "uq_notice_open",
        "notice",
        ["kind", "rule_set", "topic"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    for statement in AFTERWARDS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
