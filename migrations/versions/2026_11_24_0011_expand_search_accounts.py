"""Search accounts by the beginnings of words of their keys, names and domains.

Expand: only adds.
"""

from typing import Final

from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_24_0011"
down_revision: Final = "2026_11_24_0010"
branch_labels: Final = None
depends_on: Final = None

# A function, so that the index and the question cannot come to differ.
SEARCHED: Final = """
CREATE OR REPLACE FUNCTION goodfit_searched(key text, facts jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT pg_catalog.to_tsvector('pg_catalog.simple'::pg_catalog.regconfig,
        key || ' ' || coalesce(facts ->> 'name', '')
            || ' ' || coalesce(facts ->> 'company', '')
            || ' ' || coalesce(facts ->> 'company_name', '')
            || ' ' || coalesce(facts ->> 'account_name', '')
            || ' ' || coalesce(facts ->> 'domain', '')
            || ' ' || coalesce(facts ->> 'website', ''))
$$
"""


def upgrade() -> None:
    limit_waiting()
    op.execute(SEARCHED)
    # Not concurrently: that would wait for the other processes which wait for this one.
    # A hundred thousand accounts are indexed in a second, in which none can be written.
    op.execute(
        "CREATE INDEX ix_account_searched ON account USING gin (goodfit_searched(key, facts))"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
