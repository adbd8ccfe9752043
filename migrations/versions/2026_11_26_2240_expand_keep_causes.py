"""Let a scenario tell why accounts moved since an earlier statement.

Expand: the check allows one more word.
"""

from typing import Final

from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_2240"
down_revision: Final = "2026_11_26_2230"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.execute("ALTER TABLE scenario DROP CONSTRAINT ck_scenario_kind")
    op.execute(
        "ALTER TABLE scenario ADD CONSTRAINT ck_scenario_kind"
        " CHECK (kind IN ('sensitivity', 'focus', 'movements')) NOT VALID"
    )
    op.execute("ALTER TABLE scenario VALIDATE CONSTRAINT ck_scenario_kind")


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
