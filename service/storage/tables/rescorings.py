"""Rescorings: every stored account decided anew by one version, at one instant."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["RescoringRow"]


class RescoringRow(Base):
    """One rescoring. It holds no facts, so nothing of it has to be erased.

    Whoever works on it holds the lease and has the newest generation; a chunk's decisions,
    its assessments and the position are written in one transaction under that generation.
    """

    __tablename__ = "rescoring"
    __table_args__ = (
        CheckConstraint(
            words("state", "queued", "running", "done", "cancelled", "failed"), name="state"
        ),
        CheckConstraint(
            words("cause", "request", "release", "daily", "change", "import"), name="cause"
        ),
        CheckConstraint("generation >= 0 AND attempts >= 0", name="generation"),
        ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
        Index(None, "rule_set", "id"),
        Index(
            "ix_rescoring_waiting",
            "id",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str]
    version: Mapped[int]
    digest: Mapped[str]
    at: Mapped[datetime]
    """The one clock of all its decisions; accounts made later are none of its."""
    dry_run: Mapped[bool] = mapped_column(server_default="false")
    """It only counts what would change."""
    cause: Mapped[str] = mapped_column(server_default="request")
    """What set it off: somebody, or what `service.rescorings.by_itself` looks for."""
    state: Mapped[str]
    generation: Mapped[int]
    attempts: Mapped[int]
    """How often the work was taken up since a chunk was last finished."""
    lease_until: Mapped[datetime | None]
    position: Mapped[UUID | None]
    """The last account that was looked at; they are taken in the order of their ids."""
    done: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int | None] = mapped_column(BigInteger)
    tally: Mapped[JsonObject | None]
    failure: Mapped[str | None]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
