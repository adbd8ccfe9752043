"""Create erasures, and let the service clear what is personal wherever it is kept.

Expand: only adds. The ledger stays append-only but for the words in it: its trigger is replaced
by two that say so.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1900"
down_revision: Final = "2026_11_26_1845"
branch_labels: Final = None
depends_on: Final = None

_FIXED: Final = "id, account_id, kind, at, amount, source, recorded_at, recorded_by, reverses"
AFTERWARDS: Final = (
    "GRANT SELECT, INSERT, UPDATE ON erasure, erased_subject TO goodfit_app",
    "GRANT SELECT, INSERT, DELETE ON erasure_find TO goodfit_app",
    """
    GRANT UPDATE (reason, action, url, message, assign, withdrawn_reason) ON verdict_override
    TO goodfit_app
    """,
    """
    GRANT UPDATE (external_id, account_key, owner, source_event_id, digest, subject_erased_at)
    ON outcome_event TO goodfit_app
    """,
    "GRANT UPDATE (key, costs) ON position TO goodfit_app",
    "GRANT UPDATE (reason) ON account_merge TO goodfit_app",
    "GRANT UPDATE (source_event_id) ON parked_event TO goodfit_app",
    "DROP TRIGGER append_only ON account_event",
    """
    CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON account_event
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    f"""
    CREATE TRIGGER only_words_change BEFORE UPDATE OF {_FIXED} ON account_event
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    """
    GRANT UPDATE (quantities, source_event_id, digest, reason) ON account_event TO goodfit_app
    """,
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("known_by", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sought", postgresql.JSONB(), nullable=True),
        sa.Column("keeps", postgresql.JSONB(), nullable=True),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position_id", sa.Uuid(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("tally", postgresql.JSONB(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'cancelled', 'failed')",
            name=op.f("ck_erasure_state"),
        ),
        sa.CheckConstraint(
            "cause IN ('request', 'notice', 'retention')", name=op.f("ck_erasure_cause")
        ),
        sa.CheckConstraint(
            "step IN ('accounts', 'decisions', 'clearing')", name=op.f("ck_erasure_step")
        ),
        sa.CheckConstraint("generation >= 0 AND attempts >= 0", name=op.f("ck_erasure_generation")),
        sa.CheckConstraint(
            "sought IS NULL OR state IN ('queued', 'running')", name=op.f("ck_erasure_sought")
        ),
        sa.CheckConstraint(
            "(position_at IS NULL) = (position_id IS NULL)",
            name=op.f("ck_erasure_position_whole"),
        ),
        sa.CheckConstraint(
            "(cause = 'retention') = (keeps IS NOT NULL)", name=op.f("ck_erasure_keeps")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
    )
    op.create_index(
        "ix_erasure_waiting",
        "erasure",
        ["id"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_table(
        "erasure_find",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('decision', 'account', 'key', 'identity', 'mentioning', 'candidate',"
            " 'external_id')",
            name=op.f("ck_erasure_find_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["erasure_id"],
            ["erasure.id"],
            ondelete="CASCADE",
            name=op.f("fk_erasure_find_erasure_id_erasure"),
        ),
        sa.PrimaryKeyConstraint("erasure_id", "kind", "value", name="pk_erasure_find"),
    )
    op.create_table(
        "erased_subject",
        sa.Column("hmac", sa.LargeBinary(), nullable=False),
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(hmac) = 32", name=op.f("ck_erased_subject_hmac")),
        sa.CheckConstraint(
            "(seen = 0) = (seen_at IS NULL)", name=op.f("ck_erased_subject_seen_whole")
        ),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasure.id"], name=op.f("fk_erased_subject_erasure_id_erasure")
        ),
        sa.PrimaryKeyConstraint("hmac", name="pk_erased_subject"),
    )
    op.create_index("ix_erased_subject_erasure_id", "erased_subject", ["erasure_id"])
    for statement in AFTERWARDS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
