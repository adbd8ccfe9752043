"""Create the queue: procrastinate's tables, as far as its states.

They gain values at this step, which a Postgres before 17 lets nobody use before they are
committed; the next migration goes on.

Expand: only adds.
"""

from typing import Final

from alembic import op

from service.storage.migrating import limit_waiting
from service.storage.queue_schema import advance_queue_schema

revision: Final = "2026_11_26_1850"
down_revision: Final = "2026_11_26_1840"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    advance_queue_schema(op.get_bind(), after=None, to="02.06.00_01_add_cancel_states")


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
