"""Rule sets: editable drafts, immutable versions, and the append-only history of releases.

A rule set is known everywhere by its slug, the `rule_set` line of its document.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = [
    "DraftEdit",
    "FlipEvidence",
    "ReleaseEpoch",
    "RuleSetDraft",
    "RuleSetRelease",
    "RuleSetReview",
    "RuleSetRow",
    "RuleSetVersion",
]


class RuleSetRow(Base):
    """A name under which drafts are written and versions go live."""

    __tablename__ = "rule_set"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z][a-z0-9_]{0,63}$'", name="slug"),
        CheckConstraint(words("subject", "lead", "account"), name="subject"),
        CheckConstraint(
            "(frozen_at IS NULL) = (frozen_by IS NULL)"
            " AND (frozen_at IS NULL) = (frozen_reason IS NULL)",
            name="frozen_whole",
        ),
    )

    slug: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    subject: Mapped[str]
    title: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    review_required: Mapped[bool] = mapped_column(server_default="false")
    flip_budget: Mapped[JsonObject | None]
    """`share` of decisions, `revenue`, and the `window_days` that evidence must cover."""
    frozen_at: Mapped[datetime | None]
    frozen_by: Mapped[str | None]
    frozen_reason: Mapped[str | None]


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


class DraftEdit(Base):
    """One saved state of a draft, with who left it so; kept when the draft is dropped."""

    __tablename__ = "rule_set_draft_edit"
    __table_args__ = (
        CheckConstraint(
            words("action", "create", "edit", "rebase", "restore", "commit", "drop"), name="action"
        ),
        Index(None, "rule_set", "draft", "sequence"),
        Index(None, "draft_id", "sequence"),
    )

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    draft_id: Mapped[UUID]
    """No foreign key: the history of a dropped draft stays readable."""
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    draft: Mapped[str]
    row_version: Mapped[int]
    action: Mapped[str]
    source: Mapped[str]
    note: Mapped[str | None]
    base_version: Mapped[int | None]
    person: Mapped[str]
    at: Mapped[datetime]


class RuleSetReview(Base):
    """A request for a second pair of eyes on one digest, and what became of it.

    A review of a draft lapses when the draft's text changes, and becomes that of the
    version the draft is committed as; from then on it cannot lapse.
    """

    __tablename__ = "rule_set_review"
    __table_args__ = (
        CheckConstraint(
            words("state", "open", "approved", "rejected", "withdrawn", "lapsed"), name="state"
        ),
        CheckConstraint("digest ~ '^sha256:[0-9a-f]{64}$'", name="digest"),
        CheckConstraint("draft IS NOT NULL OR version IS NOT NULL", name="names_something"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
        Index(None, "rule_set", "id"),
        Index(None, "rule_set", "digest"),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    draft: Mapped[str | None]
    version: Mapped[int | None]
    digest: Mapped[str]
    """What is approved or not: the digest of the text as it was when the review was asked for."""
    authors: Mapped[list[str]]
    """Everybody who wrote on that text; none of them may approve it."""
    note: Mapped[str | None]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    state: Mapped[str]
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    comment: Mapped[str | None]
    evidence_id: Mapped[UUID | None] = mapped_column(ForeignKey("rule_set_evidence.id"))
    """What the approver was shown of who would flip."""


class FlipEvidence(Base):
    """How many decisions one digest would turn, as a finished backtest found it."""

    __tablename__ = "rule_set_evidence"
    __table_args__ = (
        CheckConstraint(
            "flips >= 0 AND flips <= replayed AND unseen >= 0 AND replayed + unseen <= total",
            name="counts",
        ),
        CheckConstraint(words("against", "decisions", "accounts"), name="against"),
        Index(None, "rule_set", "digest", "created_at"),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str] = mapped_column(ForeignKey("rule_set.slug"))
    digest: Mapped[str]
    base_digest: Mapped[str]
    """The version it was held against; evidence counts while that one is live."""
    base_version: Mapped[int]
    backtest_id: Mapped[UUID] = mapped_column(unique=True)
    against: Mapped[str]
    since: Mapped[datetime | None]
    until: Mapped[datetime]
    total: Mapped[int] = mapped_column(BigInteger)
    replayed: Mapped[int] = mapped_column(BigInteger)
    flips: Mapped[int] = mapped_column(BigInteger)
    unseen: Mapped[int] = mapped_column(BigInteger)
    """Not replayed, because they turn on an attribute never stored: these may flip too."""
    revenue: Mapped[float | None] = mapped_column(Double)
    """Of the subjects that flip, as far as their facts carry it."""
    revenue_unknown: Mapped[int | None] = mapped_column(BigInteger)
    """The subjects that flip and whose facts carry none."""
    revenue_attribute: Mapped[str | None]
    revenue_unit: Mapped[str | None]
    created_at: Mapped[datetime]


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
    """Who committed it."""
    authors: Mapped[list[str]] = mapped_column(server_default="{}")
    """Who wrote on the draft it was committed from; where none are kept, its author did."""
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
        CheckConstraint("share >= 0 AND share <= 1", name="share"),
        CheckConstraint("(mode = 'shadow') = (share IS NOT NULL)", name="share_of_shadow"),
        Index(None, "rule_set", "effective_at", "sequence"),
    )

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    """The order of releases: of two effective at one instant the later sequence counts."""
    id: Mapped[UUID] = mapped_column(unique=True)
    rule_set: Mapped[str]
    version: Mapped[int]
    mode: Mapped[str]
    share: Mapped[float | None]
    """For a shadow: the share of decisions it also judges, up to 1; 0 ends the shadow."""
    effective_at: Mapped[datetime]
    created_at: Mapped[datetime]
    released_by: Mapped[str]
    reason: Mapped[str]
    approved_by: Mapped[str | None]
    review_id: Mapped[UUID | None] = mapped_column(ForeignKey("rule_set_review.id"))


class ReleaseEpoch(Base):
    """One row that a trigger raises with every release, in the release's transaction.

    A shared commit reads it to learn, in one lookup, whether anything went live since.
    """

    __tablename__ = "release_epoch"
    __table_args__ = (CheckConstraint("one_row", name="one_row"),)

    one_row: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    epoch: Mapped[int] = mapped_column(BigInteger)
