"""Create endpoints, events and deliveries: what others are told.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1920"
down_revision: Final = "2026_11_26_1915"
branch_labels: Final = None
depends_on: Final = None

_INSTANT: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    limit_waiting()
    op.create_table(
        "endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("disabled_at", _INSTANT, nullable=True),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("failing_since", _INSTANT, nullable=True),
        sa.Column("recovered_at", _INSTANT, nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_until", _INSTANT, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('enabled', 'disabled')", name=op.f("ck_endpoint_state")),
        sa.CheckConstraint(
            "(state = 'disabled') = (disabled_at IS NOT NULL)",
            name=op.f("ck_endpoint_disabled_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_endpoint"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index(
        "ix_event_about",
        "event",
        ["about"],
        postgresql_where=sa.text("about IS NOT NULL"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("first_attempt_at", _INSTANT, nullable=True),
        sa.Column("delivered_at", _INSTANT, nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'delivered', 'failed', 'cancelled')",
            name=op.f("ck_delivery_state"),
        ),
        sa.CheckConstraint("base <= attempts", name=op.f("ck_delivery_base")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            ondelete="CASCADE",
            name=op.f("fk_delivery_event_id_event"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoint.id"],
            ondelete="CASCADE",
            name=op.f("fk_delivery_endpoint_id_endpoint"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["endpoint_id", "next_at"],
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )
    op.create_index("ix_delivery_endpoint_id_id", "delivery", ["endpoint_id", "id"])
    op.create_index("ix_delivery_event_id", "delivery", ["event_id"])
    op.create_table(
        "delivery_attempt",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("began_at", _INSTANT, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("excerpt", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            ondelete="CASCADE",
            name=op.f("fk_delivery_attempt_delivery_id_delivery"),
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_delivery_attempt"),
    )
    tables = "endpoint, event, delivery, delivery_attempt"
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO goodfit_app")


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
