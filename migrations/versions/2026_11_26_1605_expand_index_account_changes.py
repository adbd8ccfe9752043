"""List accounts by when they last changed.

Expand: only adds.
"""

from typing import Final

from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1605"
down_revision: Final = "2026_11_26_1550"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    # Not concurrently: that would wait for the other processes which wait for this one.
    # A hundred thousand accounts are indexed in a tenth of a second.
    op.create_index("ix_account_updated_at_id", "account", ["updated_at", "id"])


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
