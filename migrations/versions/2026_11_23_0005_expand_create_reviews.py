"""Create the history of drafts, reviews and the evidence they rest on; freeze and budget.

Expand: only adds; a rule set asks for no review and has no budget until somebody says so.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_23_0005"
down_revision: Final = "2026_11_22_2247"
branch_labels: Final = None
depends_on: Final = None

AFTERWARDS: Final = (
    """
    ALTER TABLE rule_set ADD CONSTRAINT ck_rule_set_frozen_whole CHECK (
        (frozen_at IS NULL) = (frozen_by IS NULL) AND (frozen_at IS NULL) = (frozen_reason IS NULL)
    ) NOT VALID
    """,
    "ALTER TABLE rule_set VALIDATE CONSTRAINT ck_rule_set_frozen_whole",
    """
    ALTER TABLE rule_set_release ADD CONSTRAINT fk_rule_set_release_review_id
    FOREIGN KEY (review_id) REFERENCES rule_set_review (id) NOT VALID
    """,
    "ALTER TABLE rule_set_release VALIDATE CONSTRAINT fk_rule_set_release_review_id",
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_set_draft_edit
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_set_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    "GRANT SELECT, INSERT ON rule_set_draft_edit, rule_set_evidence TO goodfit_app",
    """
    GRANT SELECT, INSERT, UPDATE (version, state, ended_by, ended_at, comment, evidence_id)
    ON rule_set_review TO goodfit_app
    """,
    """
    GRANT UPDATE (review_required, flip_budget, frozen_at, frozen_by, frozen_reason)
    ON rule_set TO goodfit_app
    """,
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "rule_set_draft_edit",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "action IN ('create', 'edit', 'rebase', 'restore', 'commit', 'drop')",
            name=op.f("ck_rule_set_draft_edit_action"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name=op.f("fk_rule_set_draft_edit_rule_set")
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_rule_set_draft_edit"),
        sa.UniqueConstraint("id", name=op.f("uq_rule_set_draft_edit_id")),
    )
    op.create_index(
        op.f("ix_rule_set_draft_edit_draft_id_sequence"),
        "rule_set_draft_edit",
        ["draft_id", "sequence"],
    )
    op.create_index(
        op.f("ix_rule_set_draft_edit_rule_set_draft_sequence"),
        "rule_set_draft_edit",
        ["rule_set", "draft", "sequence"],
    )
    op.create_table(
        "rule_set_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("base_digest", sa.Text(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("backtest_id", sa.Uuid(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("replayed", sa.BigInteger(), nullable=False),
        sa.Column("flips", sa.BigInteger(), nullable=False),
        sa.Column("unseen", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.Double(), nullable=True),
        sa.Column("revenue_unknown", sa.BigInteger(), nullable=True),
        sa.Column("revenue_attribute", sa.Text(), nullable=True),
        sa.Column("revenue_unit", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "against IN ('decisions', 'accounts')", name=op.f("ck_rule_set_evidence_against")
        ),
        sa.CheckConstraint(
            "flips >= 0 AND flips <= replayed AND unseen >= 0 AND replayed + unseen <= total",
            name=op.f("ck_rule_set_evidence_counts"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name=op.f("fk_rule_set_evidence_rule_set")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rule_set_evidence"),
        sa.UniqueConstraint("backtest_id", name=op.f("uq_rule_set_evidence_backtest_id")),
    )
    op.create_index(
        op.f("ix_rule_set_evidence_rule_set_digest_created_at"),
        "rule_set_evidence",
        ["rule_set", "digest", "created_at"],
    )
    op.create_table(
        "rule_set_review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("authors", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(state = 'open') = (ended_at IS NULL)", name=op.f("ck_rule_set_review_ended")
        ),
        sa.CheckConstraint(
            "digest ~ '^sha256:[0-9a-f]{64}$'", name=op.f("ck_rule_set_review_digest")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'approved', 'rejected', 'withdrawn', 'lapsed')",
            name=op.f("ck_rule_set_review_state"),
        ),
        sa.CheckConstraint(
            "draft IS NOT NULL OR version IS NOT NULL",
            name=op.f("ck_rule_set_review_names_something"),
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["rule_set_evidence.id"], name=op.f("fk_rule_set_review_evidence_id")
        ),
        sa.ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
            name=op.f("fk_rule_set_review_rule_set_version"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name=op.f("fk_rule_set_review_rule_set")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rule_set_review"),
    )
    op.create_index(
        op.f("ix_rule_set_review_rule_set_digest"), "rule_set_review", ["rule_set", "digest"]
    )
    op.create_index(op.f("ix_rule_set_review_rule_set_id"), "rule_set_review", ["rule_set", "id"])
    op.add_column(
        "rule_set",
        sa.Column("review_required", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column("rule_set", sa.Column("flip_budget", postgresql.JSONB(), nullable=True))
    op.add_column("rule_set", sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("rule_set", sa.Column("frozen_by", sa.Text(), nullable=True))
    op.add_column("rule_set", sa.Column("frozen_reason", sa.Text(), nullable=True))
    op.add_column("rule_set_release", sa.Column("review_id", sa.Uuid(), nullable=True))
    op.add_column(
        "rule_set_version",
        sa.Column("authors", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    for statement in AFTERWARDS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
