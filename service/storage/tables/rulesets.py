"""Rule sets: editable drafts, immutable versions, and the append-only history of releases.

A rule set is known everywhere by its slug, the `rule_set` line of its document.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, primary_uuid, words

__all__ = ["ReleaseEpoch", "RuleSetDraft", "RuleSetRelease", "RuleSetRow", "RuleSetVersion"]


class RuleSetRow(Base):
    """A name under which drafts are written and versions go live."""

    __tablename__ = "rule_set"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z][a-z0-9_]{0,63}$'", name="slug"),
        CheckConstraint(words("subject", "lead", "account"), name="subject"),
    )

    slug: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    subject: Mapped[str]
    title: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class RuleSetDraft(Base):
    """Text as its author typed it; wrong text is kept too, so that it can be mended."""

    __tablename__ = "rule_set_draft"
    __table_args__ = (
        UniqueConstraint("rule_set", "name"),
        CheckConstraint("row_version > 0", name="row_version"),
        ForeignKeyConstraint(
            ["rule_set", "base_version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    name: Mapped[str]
    source: Mapped[str]
    row_version: Mapped[int]
    """Starts at 1 and grows with every edit; the strong ETag is made from it."""
    base_version: Mapped[int | None]
    author: Mapped[str]
    note: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class RuleSetVersion(Base):
    """One committed document. Triggers refuse to change or remove it."""

    __tablename__ = "rule_set_version"
    __table_args__ = (
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("digest ~ '^sha256:[0-9a-f]{64}$'", name="digest"),
        CheckConstraint("logic_digest ~ '^sha256:[0-9a-f]{64}$'", name="logic_digest"),
        ForeignKeyConstraint(
            ["rule_set", "base_version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
        Index(None, "digest"),
    )

    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    digest: Mapped[str]
    logic_digest: Mapped[str]
    canonical: Mapped[bytes]
    """The RFC 8785 bytes that the digest is of; jsonb would reorder them."""
    source: Mapped[str]
    """The text as its author wrote it, comments included."""
    author: Mapped[str]
    note: Mapped[str | None]
    base_version: Mapped[int | None]
    meaning: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime]


class RuleSetRelease(Base):
    """One line of history: this version is live (or in the shadow) from then on."""

    __tablename__ = "rule_set_release"
    __table_args__ = (
        ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
        CheckConstraint(words("mode", "live", "shadow"), name="mode"),
        CheckConstraint("effective_at > created_at", name="effective_at"),
        CheckConstraint("share > 0 AND share <= 1", name="share"),
        Index(None, "rule_set", "effective_at", "sequence"),
    )

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    """The order of releases: of two effective at one instant the later sequence counts."""
    id: Mapped[UUID] = mapped_column(unique=True)
    rule_set: Mapped[str]
    version: Mapped[int]
    mode: Mapped[str]
    share: Mapped[float | None]
    """For a shadow: the share of decisions it also judges, above 0 up to 1."""
    effective_at: Mapped[datetime]
    created_at: Mapped[datetime]
    released_by: Mapped[str]
    reason: Mapped[str]
    approved_by: Mapped[str | None]


class ReleaseEpoch(Base):
    """One row that a trigger raises with every release, in the release's transaction.

    A shared commit reads it to learn, in one lookup, whether anything went live since.
    """

    __tablename__ = "release_epoch"
    __table_args__ = (CheckConstraint("one_row", name="one_row"),)

    one_row: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    epoch: Mapped[int] = mapped_column(BigInteger)
