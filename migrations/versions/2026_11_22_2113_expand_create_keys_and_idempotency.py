"""Create API keys and the answers kept under an Idempotency-Key.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_22_2113"
down_revision: Final = "2026_11_22_2112"
branch_labels: Final = None
depends_on: Final = None

KEY_CHANGED: Final = """
CREATE FUNCTION goodfit_key_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('goodfit_key', COALESCE(NEW.id, OLD.id)::text);
    RETURN NULL;
END
$$
"""

AFTERWARDS: Final = (
    # Not on last_used_at: that is written often and changes nothing about a key.
    """
    CREATE TRIGGER changed AFTER INSERT OR DELETE
    OR UPDATE OF person, scopes, rule_set, origins, expires_at, revoked_at ON api_key
    FOR EACH ROW EXECUTE FUNCTION goodfit_key_changed()
    """,
    """
    GRANT SELECT, INSERT,
    UPDATE (name, scopes, origins, expires_at, last_used_at, revoked_at, revoked_by)
    ON api_key TO goodfit_app
    """,
    "GRANT SELECT, INSERT, DELETE, UPDATE (status, answer, headers) ON idempotency TO goodfit_app",
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=True),
        sa.Column("origins", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind = 'secret' OR rule_set IS NOT NULL", name=op.f("ck_api_key_publishable_is_bound")
        ),
        sa.CheckConstraint("kind IN ('secret', 'publishable')", name=op.f("ck_api_key_kind")),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_api_key_sha256")),
        sa.ForeignKeyConstraint(["rule_set"], ["rule_set.slug"], name="fk_api_key_rule_set"),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("sha256", name="uq_api_key_sha256"),
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("headers", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(body_hash) = 32", name=op.f("ck_idempotency_body_hash")),
        sa.CheckConstraint("octet_length(key_hash) = 32", name=op.f("ck_idempotency_key_hash")),
        sa.CheckConstraint("status BETWEEN 200 AND 299", name=op.f("ck_idempotency_status")),
        sa.PrimaryKeyConstraint("scope", "key_hash", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_expires_at", "idempotency", ["expires_at"])
    for statement in (KEY_CHANGED, *AFTERWARDS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
