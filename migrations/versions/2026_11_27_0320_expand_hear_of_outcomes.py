"""Let an endpoint say of which outcomes it hears.

Expand: only adds; the endpoints that are there already hear of all of them.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_27_0320"
down_revision: Final = "2026_11_26_2255"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    limit_waiting()
    outcomes: sa.Column[list[str]] = sa.Column(
        "outcomes", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")
    )
    op.add_column("endpoint", outcomes)


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
