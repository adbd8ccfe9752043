"""Say of a rescoring whether it only counts.

Expand: only adds; what is there already wrote.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_0010"
down_revision: Final = "2026_11_24_0040"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.add_column(
        "rescoring",
        sa.Column("dry_run", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
