"""Keep flips of accounts: whose current facts come out otherwise.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_23_0030"
down_revision: Final = "2026_11_23_0008"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.add_column("backtest_flip", sa.Column("account_id", sa.Uuid(), nullable=True))
    op.add_column("backtest_flip", sa.Column("scores_before", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
