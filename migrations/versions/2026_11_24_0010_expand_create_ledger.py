"""Create the ledger of accounts, kinds and sources of its events, and merges.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_24_0010"
down_revision: Final = "2026_11_23_0030"
branch_labels: Final = None
depends_on: Final = None

AFTERWARDS: Final = (
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_event
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    "GRANT SELECT, INSERT ON account_event TO goodfit_app",
    """
    GRANT SELECT, INSERT,
        UPDATE (content, reasons, state, last_at, closed_at, closed_by, closed_reason, event_id)
    ON parked_event TO goodfit_app
    """,
    """
    GRANT SELECT, INSERT, UPDATE (undone_at, undone_by, undone_reason)
    ON account_merge TO goodfit_app
    """,
    "GRANT SELECT, INSERT, UPDATE ON event_kind, account_source TO goodfit_app",
)


def upgrade() -> None:
    limit_waiting()
    _widen_accounts()
    _create_merges()
    _create_events()
    _create_parked()
    op.create_table(
        "event_kind",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.CheckConstraint("row_version > 0", name=op.f("ck_event_kind_row_version")),
        sa.PrimaryKeyConstraint("kind", name="pk_event_kind"),
    )
    op.create_table(
        "account_source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("reports", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.CheckConstraint("row_version > 0", name=op.f("ck_account_source_row_version")),
        sa.PrimaryKeyConstraint("name", name="pk_account_source"),
    )
    for statement in AFTERWARDS:
        op.execute(statement)


def _widen_accounts() -> None:
    op.add_column("account", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("account", sa.Column("own_facts", postgresql.JSONB(), nullable=True))
    op.add_column("account", sa.Column("own_provenance", postgresql.JSONB(), nullable=True))
    for name, condition in (
        ("ck_account_own_whole", "(own_facts IS NULL) = (own_provenance IS NULL)"),
        ("ck_account_merged_into", "merged_into <> id"),
    ):
        op.execute(f"ALTER TABLE account ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID")
        op.execute(f"ALTER TABLE account VALIDATE CONSTRAINT {name}")
    op.execute(
        "ALTER TABLE account ADD CONSTRAINT fk_account_merged_into"
        " FOREIGN KEY (merged_into) REFERENCES account (id) NOT VALID"
    )
    op.execute("ALTER TABLE account VALIDATE CONSTRAINT fk_account_merged_into")
    # Empty as long as nobody has merged anything, so it is built in one short look.
    op.create_index(
        "ix_account_merged_into",
        "account",
        ["merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )


def _create_merges() -> None:
    op.create_table(
        "account_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("into_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("account_id <> into_id", name=op.f("ck_account_merge_two")),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL)"
            " AND (undone_at IS NULL) = (undone_reason IS NULL)",
            name=op.f("ck_account_merge_undone_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_merge_account_id")
        ),
        sa.ForeignKeyConstraint(["into_id"], ["account.id"], name=op.f("fk_account_merge_into_id")),
        sa.PrimaryKeyConstraint("id", name="pk_account_merge"),
    )
    op.create_index(
        "uq_account_merge_in_force",
        "account_merge",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index("ix_account_merge_into_id", "account_merge", ["into_id"])


def _create_events() -> None:
    op.create_table(
        "account_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.Numeric(20, 6), nullable=True),
        sa.Column("quantities", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_event_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(reverses IS NULL) = (reason IS NULL)", name=op.f("ck_account_event_reversal_whole")
        ),
        sa.CheckConstraint("octet_length(digest) = 16", name=op.f("ck_account_event_digest")),
        sa.CheckConstraint("amount <> 'NaN'", name=op.f("ck_account_event_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_event_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["reverses"], ["account_event.id"], name=op.f("fk_account_event_reverses")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_event"),
    )
    op.create_index(
        "ix_account_event_account_id_at_id", "account_event", ["account_id", "at", "id"]
    )
    op.create_index(
        "uq_account_event_source_event", "account_event", ["source", "source_event_id"], unique=True
    )
    op.create_index(
        "uq_account_event_reverses",
        "account_event",
        ["reverses"],
        unique=True,
        postgresql_where=sa.text("reverses IS NOT NULL"),
    )


def _create_parked() -> None:
    op.create_table(
        "parked_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_event_id", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parked_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('parked', 'entered', 'dropped')", name=op.f("ck_parked_event_state")
        ),
        sa.CheckConstraint(
            "(state = 'parked') = (closed_at IS NULL)", name=op.f("ck_parked_event_closed_whole")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_parked_event"),
    )
    op.create_index(
        "uq_parked_event_source_event", "parked_event", ["source", "source_event_id"], unique=True
    )
    op.create_index(
        "ix_parked_event_open",
        "parked_event",
        ["id"],
        postgresql_where=sa.text("state = 'parked'"),
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
