"""Create connections, deliveries as they came, events that had their effect, write-backs.

Expand: only adds.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.storage.migrating import limit_waiting

revision: Final = "2026_11_26_1845"
down_revision: Final = "2026_11_26_1851"
branch_labels: Final = None
depends_on: Final = None

_AT: Final = sa.DateTime(timezone=True)
_JSON: Final = postgresql.JSONB(none_as_null=True)


def upgrade() -> None:
    limit_waiting()
    _create_connection()
    _create_delivery()
    op.create_table(
        "intake_seen",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", _AT, nullable=False),
        sa.CheckConstraint("octet_length(event) = 32", name=op.f("ck_intake_seen_event")),
        _of_connection("intake_seen"),
        sa.PrimaryKeyConstraint("connection_id", "event", name="pk_intake_seen"),
    )
    op.create_index("ix_intake_seen_seen_at", "intake_seen", ["seen_at"])
    _create_write_back()
    for table in ("connection", "intake_delivery", "intake_seen", "write_back"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO goodfit_app")


def _create_connection() -> None:
    op.create_table(
        "connection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("preset", sa.Text(), nullable=False),
        sa.Column("document", _JSON, nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("path_token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_at", _AT, nullable=False),
        sa.Column("last_received_at", _AT, nullable=True),
        sa.Column("last_refused_at", _AT, nullable=True),
        sa.Column("last_refused_why", sa.Text(), nullable=True),
        sa.Column("degraded_at", _AT, nullable=True),
        sa.Column("degraded_why", sa.Text(), nullable=True),
        sa.CheckConstraint("row_version > 0", name=op.f("ck_connection_row_version")),
        sa.PrimaryKeyConstraint("id", name="pk_connection"),
        sa.UniqueConstraint("name", name="uq_connection_name"),
    )


def _create_delivery() -> None:
    op.create_table(
        "intake_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", _AT, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("is_told_apart", sa.Boolean(), nullable=False),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tally", _JSON, nullable=True),
        sa.Column("problems", _JSON, nullable=True),
        sa.Column("translated_at", _AT, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'done', 'parked', 'discarded', 'erased')",
            name=op.f("ck_intake_delivery_state"),
        ),
        sa.CheckConstraint(
            "(body IS NULL) = (state = 'erased')", name=op.f("ck_intake_delivery_body")
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_intake_delivery_digest")),
        _of_connection("intake_delivery"),
        sa.PrimaryKeyConstraint("id", name="pk_intake_delivery"),
    )
    op.create_index(
        "uq_intake_delivery_connection_id_digest",
        "intake_delivery",
        ["connection_id", "digest"],
        unique=True,
        postgresql_where=sa.text("is_told_apart"),
    )
    op.create_index(
        "ix_intake_delivery_connection_id_state_id",
        "intake_delivery",
        ["connection_id", "state", "id"],
    )
    op.create_index("ix_intake_delivery_received_at", "intake_delivery", ["received_at"])


def _create_write_back() -> None:
    op.create_table(
        "write_back",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("wanted", _JSON, nullable=False),
        sa.Column("written", _JSON, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", _AT, nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("written_at", _AT, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'written', 'parked')", name=op.f("ck_write_back_state")
        ),
        _of_connection("write_back"),
        sa.PrimaryKeyConstraint("connection_id", "object", "external_id", name="pk_write_back"),
    )
    op.create_index(
        "ix_write_back_connection_id_due_at",
        "write_back",
        ["connection_id", "due_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )


def _of_connection(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_connection_id"
    return sa.ForeignKeyConstraint(
        ["connection_id"], ["connection.id"], name=name, ondelete="CASCADE"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")
