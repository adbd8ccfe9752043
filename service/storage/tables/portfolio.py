"""The portfolio: every account's position under one rule set, as of one instant."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy import Double as DoubleType
from sqlalchemy import Numeric as NumericType
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["PositionRow", "ScenarioAccount", "ScenarioRow", "StatementAnswer", "StatementRow"]


class StatementRow(Base):
    """One statement: what was stated, by which terms, and how far it is.

    It waits for its rescoring, whose version and instant it shares. Its positions, its totals
    and the state `done` are written in one transaction under the generation of the lease.
    """

    __tablename__ = "statement"
    __table_args__ = (
        CheckConstraint(
            words("state", "queued", "running", "done", "cancelled", "failed"), name="state"
        ),
        CheckConstraint("generation >= 0 AND attempts >= 0", name="generation"),
        CheckConstraint(
            "(state = 'done') = (accounts IS NOT NULL AND revenue IS NOT NULL"
            " AND cost IS NOT NULL)",
            name="done_whole",
        ),
        ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
        Index(None, "rule_set", "id"),
        Index(None, "rule_set", "at", postgresql_where=text("state = 'done'")),
        Index(
            "ix_statement_waiting",
            "id",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[primary_uuid]
    rule_set: Mapped[str]
    version: Mapped[int]
    digest: Mapped[str]
    at: Mapped[datetime]
    """The instant of all its positions; what was told of the past later is none of its."""
    rescoring_id: Mapped[UUID] = mapped_column(ForeignKey("rescoring.id"))
    since: Mapped[datetime | None]
    """Entries of the ledger after it count, up to `at`; null where all do."""
    window: Mapped[str | None]
    """The same in the rule set's words: `12 months`."""
    revenue_metric: Mapped[str]
    cost_metric: Mapped[str]
    value_score: Mapped[str]
    growth_score: Mapped[str]
    value_from: Mapped[float] = mapped_column(DoubleType)
    """From here on value is high."""
    growth_from: Mapped[float] = mapped_column(DoubleType)
    slices: Mapped[list[str]] = mapped_column(server_default="{}")
    """The names by which its positions can be taken apart."""
    state: Mapped[str]
    generation: Mapped[int]
    attempts: Mapped[int]
    lease_until: Mapped[datetime | None]
    accounts: Mapped[int | None] = mapped_column(BigInteger)
    revenue: Mapped[Decimal | None] = mapped_column(NumericType)
    cost: Mapped[Decimal | None] = mapped_column(NumericType)
    failure: Mapped[str | None]
    taken_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class PositionRow(Base):
    """Where one account stands in a statement, with those that were merged into it.

    `name` and `slices` may hold personal data; erasure empties them. Money is exact.
    """

    __tablename__ = "position"
    __table_args__ = (Index(None, "account_id"),)

    statement_id: Mapped[UUID] = mapped_column(
        ForeignKey("statement.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: a statement outlives its accounts."""
    key: Mapped[str]
    name: Mapped[str | None]
    decision_id: Mapped[UUID | None]
    """What it was judged by; null where it never was."""
    version: Mapped[int | None]
    """Of that decision; the statement's own, except where it was decided in between."""
    verdict: Mapped[str | None]
    outcome: Mapped[str | None]
    certain: Mapped[bool]
    """Whether nothing that is not known could change the outcome."""
    scores: Mapped[JsonObject]
    """Name to `[low, high]`."""
    value_low: Mapped[float | None] = mapped_column(DoubleType)
    value_high: Mapped[float | None] = mapped_column(DoubleType)
    growth_low: Mapped[float | None] = mapped_column(DoubleType)
    growth_high: Mapped[float | None] = mapped_column(DoubleType)
    customer_since: Mapped[date | None]
    in_grace: Mapped[bool]
    """Whether a grace period decided, so that nothing is said of the account itself."""
    is_measured: Mapped[bool]
    """Whether its sources report what revenue and cost are made of; else 0 means nothing."""
    revenue: Mapped[Decimal] = mapped_column(NumericType)
    cost: Mapped[Decimal] = mapped_column(NumericType)
    costs: Mapped[JsonObject]
    """Driver to amount as text."""
    support_hours: Mapped[Decimal] = mapped_column(NumericType)
    custom_hours: Mapped[Decimal] = mapped_column(NumericType)
    escalations: Mapped[int] = mapped_column(BigInteger)
    slices: Mapped[JsonObject]
    """Name to text."""
    letters: Mapped[JsonObject | None]
    """What gates, rules and outcomes came to while more may be known, `y`, `n` or `u` each.

    Rules as if none were suspended, because a suspended one says nothing of the account;
    where any was, all as they were before it stand in `before`. Null where it was not decided by
    the statement's version."""
    orders: Mapped[int | None] = mapped_column(BigInteger)
    """Entries of revenue."""


class StatementAnswer(Base):
    """What positions of a statement add up to, kept for whoever asks next.

    Where positions change, a trigger removes it.
    """

    __tablename__ = "statement_answer"

    statement_id: Mapped[UUID] = mapped_column(
        ForeignKey("statement.id", ondelete="CASCADE"), primary_key=True
    )
    question: Mapped[bytes] = mapped_column(primary_key=True)
    """The SHA-256 of its SQL and parameters."""
    answer: Mapped[JsonObject]
    """`names` of columns, and `rows` of cells; an exact number is `{"exact": "12.50"}`."""


class ScenarioRow(Base):
    """One question of what would be, asked of a statement; its answer is kept.

    The rows of `scenario_account` and the state `done` are written in one transaction under
    the generation of the lease. It holds no facts, so nothing of it has to be erased.
    """

    __tablename__ = "scenario"
    __table_args__ = (
        CheckConstraint(
            words("state", "queued", "running", "done", "cancelled", "failed"), name="state"
        ),
        CheckConstraint(words("kind", "sensitivity", "focus", "movements"), name="kind"),
        CheckConstraint("generation >= 0 AND attempts >= 0", name="generation"),
        CheckConstraint("(kind = 'focus') = (document IS NOT NULL)", name="document"),
        ForeignKeyConstraint(
            ["rule_set", "version"],
            ["rule_set_version.rule_set", "rule_set_version.number"],
        ),
        Index("uq_scenario_statement_id_question", "statement_id", "question", unique=True),
        Index(
            "ix_scenario_waiting",
            "id",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[primary_uuid]
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id", ondelete="CASCADE"))
    rule_set: Mapped[str]
    version: Mapped[int]
    """Of the statement."""
    kind: Mapped[str]
    question: Mapped[str]
    """What is asked, in one way of writing it: who asks the same gets the same answer."""
    document: Mapped[bytes | None]
    """The rules under which it would be; a draft may be edited meanwhile."""
    state: Mapped[str]
    generation: Mapped[int]
    attempts: Mapped[int]
    lease_until: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    left_out: Mapped[int | None] = mapped_column(BigInteger)
    """Accounts of which nothing can be said, such as those whose facts were erased."""
    failure: Mapped[str | None]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ScenarioAccount(Base):
    """What would become of one account: under other rules, or if rates moved it."""

    __tablename__ = "scenario_account"

    scenario_id: Mapped[UUID] = mapped_column(
        ForeignKey("scenario.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: a statement outlives its accounts."""
    before: Mapped[str | None]
    after: Mapped[str | None]
    """The outcome under other rules."""
    fate: Mapped[str | None]
    """Of `service.portfolio.ranging`: whether it would go."""
    moves: Mapped[JsonObject | None]
    """The outcome by the place of a change of rates; only those that move it. Of movements, what
    rules, data and time did: sixths of the step in `group`, points in `scores`, or `unknown`."""
    edge: Mapped[float | None] = mapped_column(DoubleType)
    """The smallest change of all rates that was found to move it."""
    edge_outcome: Mapped[str | None]
