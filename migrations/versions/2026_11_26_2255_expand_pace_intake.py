"""Know of when the newest word on each lead is, and until when a vendor is left alone.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_2255"
down_revision: Final = "2026_11_26_2245"
branch_labels: Final = None
depends_on: Final = None

_AT: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "intake_lead",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("said_at", _AT, nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("noted_at", _AT, nullable=False),
        _of_connection("intake_lead"),
        sa.PrimaryKeyConstraint("connection_id", "key", name="pk_intake_lead"),
    )
    op.create_index("ix_intake_lead_noted_at", "intake_lead", ["noted_at"])
    op.create_table(
        "vendor_pause",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("resumes_at", _AT, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("is_usual", sa.Boolean(), nullable=False),
        _of_connection("vendor_pause"),
        sa.PrimaryKeyConstraint("connection_id", name="pk_vendor_pause"),
    )
    for table in ("intake_lead", "vendor_pause"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO goodfit_app")


def _of_connection(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_connection_id"
    return sa.ForeignKeyConstraint(
        ["connection_id"], ["connection.id"], name=name, ondelete="CASCADE"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
