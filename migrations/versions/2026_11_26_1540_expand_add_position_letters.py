"""Keep with a position what its rules came to, and how many orders it is made of.

Expand: only adds; positions that are there already do not say it.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1540"
down_revision: Final = "2026_11_26_1505"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.add_column("position", sa.Column("letters", postgresql.JSONB(), nullable=True))
    op.add_column("position", sa.Column("orders", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
