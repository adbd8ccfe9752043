"""Create the audit chain: entries that are only ever added, and the head that counts them.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_22_2114"
down_revision: Final = "2026_11_22_2113"
branch_labels: Final = None
depends_on: Final = None

HEAD_STEPS: Final = """
CREATE FUNCTION goodfit_audit_head_steps() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.seq <> OLD.seq + 1 THEN
        RAISE EXCEPTION 'the audit chain grows by one entry at a time'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""

AFTERWARDS: Final = (
    "INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'))",
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    """
    CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION goodfit_refuse_change()
    """,
    """
    CREATE TRIGGER steps BEFORE UPDATE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION goodfit_audit_head_steps()
    """,
    "GRANT SELECT, INSERT ON audit_entry TO goodfit_app",
    "GRANT SELECT, UPDATE (seq, hash) ON audit_head TO goodfit_app",
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "audit_entry",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_audit_entry_hash")),
        sa.CheckConstraint("octet_length(prev_hash) = 32", name=op.f("ck_audit_entry_prev_hash")),
        sa.CheckConstraint("seq > 0", name=op.f("ck_audit_entry_seq")),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entry"),
    )
    op.create_table(
        "audit_head",
        sa.Column("one_row", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("one_row", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("one_row", name="pk_audit_head"),
    )
    for statement in (HEAD_STEPS, *AFTERWARDS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
