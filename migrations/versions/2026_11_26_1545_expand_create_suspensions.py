"""Create suspensions, and let decisions keep under which they were made.

Expand: only adds; the new columns of a decision are null where nothing was suspended.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1545"
down_revision: Final = "2026_11_26_1540"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "suspension",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("slice", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(slice = '') = (value = '')", name=op.f("ck_suspension_group_whole")),
        sa.CheckConstraint("until > since", name=op.f("ck_suspension_until_later")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)"
            " AND (ended_at IS NULL) = (ended_reason IS NULL)",
            name=op.f("ck_suspension_ended_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name=op.f("fk_suspension_rule_set_rule_set")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspension")),
    )
    op.create_index(op.f("ix_suspension_rule_set_id"), "suspension", ["rule_set", "id"])
    op.create_index(
        "uq_suspension_in_force",
        "suspension",
        ["rule_set", "part", "slice", "value"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("decision", sa.Column("suspensions", postgresql.JSONB(), nullable=True))
    op.add_column("decision", sa.Column("trace_before", postgresql.JSONB(), nullable=True))
    op.execute(
        "GRANT SELECT, INSERT, UPDATE (ended_at, ended_by, ended_reason) ON suspension"
        " TO goodfit_app"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
