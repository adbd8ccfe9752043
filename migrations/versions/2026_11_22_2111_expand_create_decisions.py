"""Create decisions in monthly partitions, and the function that makes more of them.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_22_2111"
down_revision: Final = "2026_11_22_2110"
branch_labels: Final = None
depends_on: Final = None

# The service runs as a role that owns nothing; this one function lets it make partitions.
# A new one is filled and attached rather than declared in place, which would lock the
# whole table; only the default partition is locked, where nothing is written meanwhile
# unless the partitions ran out.
ENSURE_PARTITIONS: Final = """
CREATE FUNCTION goodfit_ensure_partitions(ahead integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
    month timestamptz;
    following timestamptz;
    partition text;
BEGIN
    IF ahead IS NULL OR ahead NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'partitions are made 0 to 24 months ahead'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('goodfit_ensure_partitions'));
    FOR step IN 0..ahead LOOP
        month := date_trunc('month', now()) + make_interval(months => step);
        following := month + interval '1 month';
        partition := 'decision_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass('public.' || partition) IS NOT NULL;
        LOCK TABLE public.decision_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format(
            'CREATE TABLE public.%I (LIKE public.decision INCLUDING DEFAULTS'
            ' INCLUDING CONSTRAINTS INCLUDING STORAGE)', partition);
        EXECUTE format(
            'WITH moved AS (DELETE FROM public.decision_default'
            ' WHERE decided_at >= %L AND decided_at < %L RETURNING *)'
            ' INSERT INTO public.%I SELECT * FROM moved', month, following, partition);
        EXECUTE format(
            'ALTER TABLE public.decision ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
            partition, month, following);
        RETURN NEXT partition;
    END LOOP;
END
$$
"""

AFTERWARDS: Final = (
    "CREATE TABLE decision_default PARTITION OF decision DEFAULT",
    "REVOKE ALL ON FUNCTION goodfit_ensure_partitions(integer) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION goodfit_ensure_partitions(integer) TO goodfit_app",
    """
    GRANT SELECT, INSERT, UPDATE (external_id, facts, tabled, facts_erased_at)
    ON decision TO goodfit_app
    """,
    "GRANT SELECT ON decision_default TO goodfit_app",
    "SELECT goodfit_ensure_partitions(3)",
)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "decision",
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("meaning", sa.SmallInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=True),
        sa.Column("tabled", postgresql.JSONB(), nullable=True),
        sa.Column("data_problems", postgresql.JSONB(), nullable=True),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("suspended", postgresql.JSONB(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("certain", sa.Boolean(), nullable=False),
        sa.Column("outcome_certain", sa.Boolean(), nullable=False),
        sa.Column("scores", postgresql.JSONB(), nullable=False),
        sa.Column("trace", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("override_of", sa.Uuid(), nullable=True),
        sa.Column("latency_us", sa.Integer(), nullable=True),
        sa.Column("facts_erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("subject IN ('lead', 'account')", name=op.f("ck_decision_subject")),
        sa.CheckConstraint(
            "verdict IN ('qualify', 'review', 'disqualify', 'undecided')",
            name=op.f("ck_decision_verdict"),
        ),
        sa.PrimaryKeyConstraint("decided_at", "id", name="pk_decision"),
        postgresql_partition_by="RANGE (decided_at)",
    )
    op.create_index(
        "ix_decision_account_id_decided_at_id",
        "decision",
        ["account_id", "decided_at", "id"],
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )
    op.create_index(
        "ix_decision_external_id_decided_at_id",
        "decision",
        ["external_id", "decided_at", "id"],
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(
        "ix_decision_rule_set_decided_at_id", "decision", ["rule_set", "decided_at", "id"]
    )
    for statement in (ENSURE_PARTITIONS, *AFTERWARDS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
