"""Create rule sets, drafts, versions and releases, and the role the service runs as.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_22_2110"
down_revision: Final[str | None] = None
branch_labels: Final = None
depends_on: Final = None

ROLE: Final = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'goodfit_app') THEN
        CREATE ROLE goodfit_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another database of this server is being migrated in the same moment
END
$$
"""

REFUSE_CHANGE: Final = """
CREATE FUNCTION goodfit_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$
"""

# The service may read the epoch; only a release moves it.
RELEASED: Final = """
CREATE FUNCTION goodfit_released() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.release_epoch SET epoch = epoch + 1;
    PERFORM pg_notify('goodfit_release', NEW.rule_set);
    RETURN NULL;
END
$$
"""

AFTERWARDS: Final = (
    "INSERT INTO release_epoch (epoch) VALUES (0)",
    """
    CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_set_version
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_set_release
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    """
    CREATE TRIGGER released AFTER INSERT ON rule_set_release
    FOR EACH ROW EXECUTE FUNCTION goodfit_released()
    """,
    "REVOKE ALL ON FUNCTION goodfit_released() FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO goodfit_app",
    "GRANT SELECT, INSERT, UPDATE (title) ON rule_set TO goodfit_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON rule_set_draft TO goodfit_app",
    "GRANT SELECT, INSERT ON rule_set_version, rule_set_release TO goodfit_app",
    "GRANT SELECT ON release_epoch TO goodfit_app",
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "rule_set",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z][a-z0-9_]{0,63}$'", name=op.f("ck_rule_set_slug")),
        sa.CheckConstraint("subject IN ('lead', 'account')", name=op.f("ck_rule_set_subject")),
        sa.PrimaryKeyConstraint("slug", name="pk_rule_set"),
        sa.UniqueConstraint("id", name="uq_rule_set_id"),
    )
    op.create_table(
        "rule_set_version",
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("logic_digest", sa.Text(), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("meaning", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "digest ~ '^sha256:[0-9a-f]{64}$'", name=op.f("ck_rule_set_version_digest")
        ),
        sa.CheckConstraint(
            "logic_digest ~ '^sha256:[0-9a-f]{64}$'", name=op.f("ck_rule_set_version_logic_digest")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_rule_set_version_number")),
        sa.ForeignKeyConstraint(
            ["rule_set", "base_version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
            name="fk_rule_set_version_rule_set_base_version",
        ),
        sa.ForeignKeyConstraint(
            ["rule_set"], ["rule_set.slug"], name="fk_rule_set_version_rule_set"
        ),
        sa.PrimaryKeyConstraint("rule_set", "number", name="pk_rule_set_version"),
        sa.UniqueConstraint("id", name="uq_rule_set_version_id"),
    )
    op.create_index("ix_rule_set_version_digest", "rule_set_version", ["digest"])
    op.create_table(
        "rule_set_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.CheckConstraint("row_version > 0", name=op.f("ck_rule_set_draft_row_version")),
        sa.ForeignKeyConstraint(
            ["rule_set", "base_version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
            name="fk_rule_set_draft_rule_set_base_version",
        ),
        sa.ForeignKeyConstraint(["rule_set"], ["rule_set.slug"], name="fk_rule_set_draft_rule_set"),
        sa.PrimaryKeyConstraint("id", name="pk_rule_set_draft"),
        sa.UniqueConstraint("rule_set", "name", name="uq_rule_set_draft_rule_set_name"),
    )
    op.create_table(
        "rule_set_release",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('live', 'shadow')", name=op.f("ck_rule_set_release_mode")),
        sa.CheckConstraint(
            "effective_at > created_at", name=op.f("ck_rule_set_release_effective_at")
        ),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_rule_set_release_share")),
        sa.ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
            name="fk_rule_set_release_rule_set_version",
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_rule_set_release"),
        sa.UniqueConstraint("id", name="uq_rule_set_release_id"),
    )
    op.create_index(
        "ix_rule_set_release_rule_set_effective_at_sequence",
        "rule_set_release",
        ["rule_set", "effective_at", "sequence"],
    )
    op.create_table(
        "release_epoch",
        sa.Column("one_row", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("one_row", name=op.f("ck_release_epoch_one_row")),
        sa.PrimaryKeyConstraint("one_row", name="pk_release_epoch"),
    )
    for statement in (ROLE, REFUSE_CHANGE, RELEASED, *AFTERWARDS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
