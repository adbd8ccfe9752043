"""Create imports: files of accounts, events and outcomes, and what was wrong in them.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1840"
down_revision: Final = "2026_11_26_1830"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "account_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("map", postgresql.JSONB(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("tally", postgresql.JSONB(), nullable=True),
        sa.Column("ignored", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'queued', 'running', 'done', 'cancelled', 'failed')",
            name=op.f("ck_account_import_state"),
        ),
        sa.CheckConstraint(
            "what IN ('accounts', 'events', 'outcomes')", name=op.f("ck_account_import_what")
        ),
        sa.CheckConstraint(
            "format IN ('csv', 'ndjson', 'parquet')", name=op.f("ck_account_import_format")
        ),
        sa.CheckConstraint(
            "generation >= 0 AND attempts >= 0", name=op.f("ck_account_import_generation")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_import"),
    )
    op.create_index(
        "ix_account_import_open",
        "account_import",
        ["id"],
        postgresql_where=sa.text("state IN ('waiting', 'queued', 'running')"),
    )
    op.create_table(
        "account_import_part",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _of_import("account_import_part"),
        sa.PrimaryKeyConstraint("import_id", "number", name="pk_account_import_part"),
    )
    op.create_table(
        "account_import_problem",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _of_import("account_import_problem"),
        sa.PrimaryKeyConstraint("import_id", "line", name="pk_account_import_problem"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON account_import TO goodfit_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON account_import_part TO goodfit_app")
    op.execute("GRANT SELECT, INSERT ON account_import_problem TO goodfit_app")


def _of_import(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["import_id"],
        ["account_import.id"],
        ondelete="CASCADE",
        name=op.f(f"fk_{table}_import_id_account_import"),
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
