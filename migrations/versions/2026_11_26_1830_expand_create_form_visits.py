"""Create visits of forms, and the counts of strangers' requests that workers share.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1830"
down_revision: Final = "2026_11_26_1610"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "request_count",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("window", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "window", name="pk_request_count"),
    )
    op.create_index("ix_request_count_expires_at", "request_count", ["expires_at"])
    op.create_table(
        "form_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("identities", sa.ARRAY(sa.LargeBinary()), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("asking", sa.Text(), nullable=True),
        sa.Column("fields", sa.SmallInteger(), nullable=False),
        sa.Column("shown", sa.SmallInteger(), nullable=False),
        sa.Column("is_finished", sa.Boolean(), nullable=False),
        sa.Column("is_caught", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "mode IN ('submit', 'redirect', 'progressive', 'post', 'other')",
            name=op.f("ck_form_visit_mode"),
        ),
        sa.CheckConstraint(
            "fields >= 0 AND shown >= 0 AND revision >= 0", name=op.f("ck_form_visit_counts")
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_key.id"], name=op.f("fk_form_visit_key_id_api_key")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_form_visit"),
    )
    op.create_index("ix_form_visit_key_id_started_at", "form_visit", ["key_id", "started_at"])
    op.create_index(
        "ix_form_visit_key_id_address",
        "form_visit",
        ["key_id", "address"],
        postgresql_where=sa.text("address IS NOT NULL"),
    )
    op.create_index(
        "ix_form_visit_identities", "form_visit", ["identities"], postgresql_using="gin"
    )
    op.create_index(
        "ix_form_visit_last_at",
        "form_visit",
        ["last_at"],
        postgresql_where=sa.text("address IS NOT NULL"),
    )
    for table in ("request_count", "form_visit"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO goodfit_app")


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
