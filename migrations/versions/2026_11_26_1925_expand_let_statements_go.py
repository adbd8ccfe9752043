"""Let the service remove statements that are superfluous.

Expand: only grants.
"""

from typing import Final

from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1925"
down_revision: Final = "2026_11_26_1920"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    op.execute("GRANT DELETE ON statement TO goodfit_app")


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
