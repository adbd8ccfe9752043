"""Create inquiries: what was asked about the meaning of rules.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1915"
down_revision: Final = "2026_11_26_1900"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "inquiry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("base_digest", sa.Text(), nullable=True),
        sa.Column("base_source", sa.LargeBinary(), nullable=True),
        sa.Column("questions", postgresql.JSONB(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("limit_s", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", postgresql.JSONB(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'cancelled', 'failed')",
            name=op.f("ck_inquiry_state"),
        ),
        sa.CheckConstraint("kind IN ('compare', 'ask')", name=op.f("ck_inquiry_kind")),
        sa.CheckConstraint("generation >= 0 AND attempts >= 0", name=op.f("ck_inquiry_generation")),
        sa.CheckConstraint(
            "(kind = 'compare') = (base_source IS NOT NULL)", name=op.f("ck_inquiry_base")
        ),
        sa.CheckConstraint(
            "(state = 'done') = (answer IS NOT NULL)", name=op.f("ck_inquiry_done_whole")
        ),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name=op.f("fk_inquiry_rule_set_rule_set")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_inquiry"),
        sa.UniqueConstraint("rule_set", "asked", name=op.f("uq_inquiry_rule_set_asked")),
    )
    op.create_index("ix_inquiry_rule_set_id", "inquiry", ["rule_set", "id"])
    op.create_index(
        "ix_inquiry_waiting",
        "inquiry",
        ["id"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON inquiry TO goodfit_app")


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
