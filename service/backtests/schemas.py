"""Backtests on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from service.backtests.replaying import CauseKind
from service.web import Instant, Sent, Shown

__all__ = ["BacktestPage", "BacktestSent", "BacktestShown", "FlipPage"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
DraftName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", examples=["main"])]
Number = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[7])]
Verdict = Literal["qualify", "review", "disqualify", "undecided"]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class WindowSent(Sent):
    """Which part of the past: decided at `from` or later, and before `to`."""

    since: Instant | None = Field(default=None, alias="from")
    until: Instant | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> "WindowSent":
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("the window ends before it begins; swap from and to")
        return self


class BacktestSent(Sent):
    """What to try, and on which part of the past."""

    rule_set: Name = Field(examples=["fleet_leads"])
    draft: DraftName | None = Field(default=None, description="Either this or `version`.")
    version: Number | None = None
    base: Number | None = Field(
        default=None,
        description="The version whose differences are the edits; by default the live one.",
    )
    against: Literal["decisions", "accounts"] = Field(
        default="decisions",
        description="Decisions of the window, or accounts by what is known of them now: those"
        " that last changed in the window, by default all.",
    )
    window: WindowSent = Field(default=WindowSent(), description="By default everything until now.")
    revenue: Name | None = Field(
        default=None,
        description="The attribute that holds a subject's revenue; by default `revenue` or"
        " `annual_revenue`, where the rules declare it.",
    )

    @model_validator(mode="after")
    def _one_subject(self) -> "BacktestSent":
        if (self.draft is None) == (self.version is None):
            raise ValueError("name either a draft or a version")
        return self


class FieldShown(Shown):
    """One member of a part, before and after."""

    field: str
    before: Any
    after: Any


class EditShown(Shown):
    """A part that is not as it is in the base."""

    kind: Literal["added", "removed", "changed", "moved"]
    part: str = Field(examples=["rule"])
    id: str = Field(examples=["medium"])
    fields: list[FieldShown]


class EditName(Shown):
    """Which edit."""

    part: str = Field(examples=["rule"])
    id: str = Field(examples=["medium"])


class CauseShown(Shown):
    """Why decisions flip.

    `alone`: undoing any one of the edits removes the flip. `together`: only undoing all of
    them does. `earlier`: the base already decides otherwise than was decided then.
    `too_many`: there are too many edits to try each.
    """

    kind: CauseKind
    edits: list[EditName]


class CauseCount(CauseShown):
    """How many decisions flip for one cause."""

    flips: int


class Movement(Shown):
    """How many decisions went from one verdict or outcome to another, or stayed."""

    before: str
    after: str
    decisions: int


class BinShown(Shown):
    """Decisions with a score from `from` up to, not including, `to`."""

    since: float = Field(alias="from")
    until: float = Field(alias="to")
    before: int
    after: int


class SpreadShown(Shown):
    """How one score was spread, and would be."""

    score: str
    mean_before: float | None
    mean_after: float | None
    bins: list[BinShown]


class UnseenShown(Shown):
    """An attribute that the draft asks for and that was not stored then."""

    attribute: str
    decisions: int
    stored_since: str | None = Field(
        description="The earliest decision of the window that was asked for it."
    )


class NotReplayed(Shown):
    """Decisions that could not be made again."""

    decisions: int = Field(description="Those that turn on an attribute never stored.")
    erased: int = Field(description="Those whose facts were erased.")
    attributes: list[UnseenShown]


class Touched(Shown):
    """Revenue of subjects between two outcomes; `known` of them carry it."""

    verdict_before: Verdict
    outcome_before: str
    verdict_after: Verdict
    outcome_after: str
    subjects: int
    known: int
    amount: float


class RevenueShown(Shown):
    """Revenue of the subjects that flip, each counted once, with its newest decision."""

    attribute: str
    unit: str | None
    subjects: int
    known: int
    amount: float
    movements: list[Touched]


class FoundShown(Shown):
    """What was found; while the backtest runs, what was found so far."""

    replayed: int
    flips: int
    not_replayable: NotReplayed
    verdicts: list[Movement]
    outcomes: list[Movement]
    scores: list[SpreadShown]
    causes: list[CauseCount]
    edits: list[EditShown]
    revenue: RevenueShown | None = Field(description="There once the backtest is done.")


class Progress(Shown):
    """How many decisions of the window were looked at."""

    done: int
    total: int | None = Field(description="Null before it starts, and from a million on.")


class WindowShown(Shown):
    """Which part of the past: decided at `from` or later, and before `to`."""

    since: str | None = Field(alias="from")
    until: str = Field(alias="to")


class BacktestHead(Shown):
    """A backtest in a list."""

    id: str = Field(examples=["bt_01m82amv90f7assrm6pf8d3pr0"])
    rule_set: str
    draft: str | None
    version: int | None
    digest: Digest = Field(description="Of what is tried, as it was when this was asked for.")
    base_version: int
    against: Literal["decisions", "accounts"]
    window: WindowShown
    state: Literal["queued", "running", "done", "cancelled", "failed"]
    progress: Progress
    summary: str = Field(examples=["178 of 4,812 decisions would flip: 178 by rule medium."])
    failure: str | None
    asked_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class ReviewedShown(Shown):
    """A review of the text that a backtest tries."""

    id: str = Field(examples=["rev_01m82amv90f7assrm6pf8d3pr0"])
    state: Literal["open", "approved", "rejected", "withdrawn", "lapsed"]
    is_shown: bool = Field(description="Whether its approval rests on this backtest.")


class BacktestShown(BacktestHead):
    """A backtest with what it found."""

    result: FoundShown | None
    reviews: list[ReviewedShown] = Field(description="Of the same text, the newest first.")


class BacktestPage(Shown):
    """Backtests, the newest first."""

    data: list[BacktestHead]
    next_cursor: str | None


class FlipShown(Shown):
    """A decision that comes out otherwise, or an account."""

    decision: str | None = Field(
        examples=["dec_01m82amv90f7assrm6pf8d3pr0"], description="Null against accounts."
    )
    account: str | None = Field(
        examples=["acme-haulage"], description="The account's key, where it is about one."
    )
    decided_at: str = Field(description="Against accounts: when the backtest was asked for.")
    version: int = Field(description="The version that decided then; against accounts the base.")
    external_id: str | None
    verdict_before: Verdict
    verdict_after: Verdict
    outcome_before: str
    outcome_after: str
    scores_before: dict[str, float]
    scores_after: dict[str, float]
    cause: CauseShown
    facts: dict[str, Any] = Field(
        description="The facts that matter to the flip; null where not known, or erased since."
    )


class FlipPage(Shown):
    """Flips, the oldest decision first."""

    data: list[FlipShown]
    next_cursor: str | None
