"""Count what was given up, and the attempts of the last minutes, without reading all of them.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_2230"
down_revision: Final = "2026_11_26_1925"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    # Not concurrently: that would wait for the other processes which wait for this one.
    op.create_index(
        "ix_delivery_failed",
        "delivery",
        ["endpoint_id"],
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_delivery_attempt_began_at", "delivery_attempt", ["began_at"], postgresql_using="brin"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
