"""Say of a backtest which decisions it looks at: all, or the newest of each account.

Expand: only adds; what is there already looked at all.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_22_2247"
down_revision: Final = "2026_11_22_2230"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.add_column(
        "backtest",
        sa.Column("against", sa.Text(), server_default="decisions", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_backtest_against"), "backtest", "against IN ('decisions', 'accounts')"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
