"""Keep what the positions of a statement add up to, and find the most profitable ones.

Expand: only adds. Where positions are cleared of what they held of a person, what was kept of
their statement is forgotten; where outcomes are, all is.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_2245"
down_revision: Final = "2026_11_26_2240"
branch_labels: Final = None
depends_on: Final = None

_FORGET: Final = """
CREATE FUNCTION goodfit_forget_answers() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format(
        'DELETE FROM %I.statement_answer WHERE statement_id IN (SELECT statement_id FROM changed)',
        TG_TABLE_SCHEMA
    );
    RETURN NULL;
END $$
"""
_FORGET_ALL: Final = """
CREATE FUNCTION goodfit_forget_all_answers() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.statement_answer', TG_TABLE_SCHEMA);
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "statement_answer",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statement.id"],
            ondelete="CASCADE",
            name=op.f("fk_statement_answer_statement_id_statement"),
        ),
        sa.PrimaryKeyConstraint("statement_id", "question", name="pk_statement_answer"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON statement_answer TO goodfit_app")
    op.execute(_FORGET)
    op.execute(
        "CREATE TRIGGER changed AFTER UPDATE ON position REFERENCING NEW TABLE AS changed"
        " FOR EACH STATEMENT EXECUTE FUNCTION goodfit_forget_answers()"
    )
    op.execute(_FORGET_ALL)
    op.execute(
        "CREATE TRIGGER erased AFTER UPDATE OF subject_erased_at ON outcome_event FOR EACH ROW"
        " WHEN (NEW.subject_erased_at IS DISTINCT FROM OLD.subject_erased_at)"
        " EXECUTE FUNCTION goodfit_forget_all_answers()"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
