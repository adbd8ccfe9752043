"""Reviews, release policies and freezes on the wire."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from service.rulesets.change_schemas import ChangeShown
from service.rulesets.inquiry_schemas import MeaningAttached
from service.rulesets.schemas import FrozenShown, LiveShown
from service.web import Sent, Shown

__all__ = [
    "ApprovalSent",
    "FreezeAsked",
    "FreezeShown",
    "PolicySent",
    "PolicyShown",
    "RejectionSent",
    "ReviewAsked",
    "ReviewHead",
    "ReviewPage",
    "ReviewShown",
    "ReviewState",
]

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
DraftName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", examples=["main"])]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
ReviewState = Literal["open", "approved", "rejected", "withdrawn", "lapsed"]


class BudgetSent(Sent):
    """How much a release may turn without a review: a share, a revenue, or both."""

    share: float | None = Field(
        default=None, ge=0, le=1, allow_inf_nan=False, description="Of decisions.", examples=[0.02]
    )
    revenue: float | None = Field(
        default=None,
        ge=0,
        le=1e15,
        allow_inf_nan=False,
        description="Of the subjects that flip, in the unit of their attribute.",
        examples=[50_000],
    )
    attribute: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="Which number holds a subject's revenue; by default `revenue` or"
        " `annual_revenue`.",
    )
    window_days: int = Field(
        default=30, ge=1, le=400, description="How much of the past a backtest must cover."
    )

    @model_validator(mode="after")
    def _has_one(self) -> "BudgetSent":
        """A budget limits something."""
        if self.share is None and self.revenue is None:
            raise ValueError("a budget needs a share or a revenue")
        if self.attribute is not None and self.revenue is None:
            raise ValueError("an attribute goes with a revenue")
        return self


class PolicySent(Sent):
    """What to ask of every later release. What is left out is not asked."""

    review_required: bool = False
    flip_budget: BudgetSent | None = None


class BudgetShown(Shown):
    """How much a release may turn without a review."""

    share: float | None
    revenue: float | None
    attribute: str | None
    window_days: int


class PolicyShown(Shown):
    """What is asked of every release."""

    rule_set: str
    review_required: bool
    flip_budget: BudgetShown | None


class FreezeAsked(Sent):
    """Why."""

    reason: Words = Field(examples=["quarter end"])


class PlannedShown(Shown):
    """A release that was written before and takes effect later."""

    id: str = Field(examples=["rel_01m82amv90f7assrm6pf8d3pr0"])
    version: int
    effective_at: str
    released_by: str


class FreezeShown(Shown):
    """Whether a rule set is frozen, and what still goes live."""

    rule_set: str
    frozen: FrozenShown | None
    planned: list[PlannedShown] = Field(
        description="Releases written before, the next first; a freeze does not stop them."
    )


class ReviewAsked(Sent):
    """What to review: a draft as it is now, or a version."""

    draft: DraftName | None = Field(default=None, description="Either this or `version`.")
    version: int | None = Field(default=None, ge=1, le=2**31 - 1, examples=[3])
    note: str | None = Field(default=None, max_length=2_000, examples=["please look at medium"])

    @model_validator(mode="after")
    def _has_one(self) -> "ReviewAsked":
        """A review is of one text."""
        if (self.draft is None) == (self.version is None):
            raise ValueError("name either a draft or a version")
        return self


class ApprovalSent(Sent):
    """The digest that was read: the approval is of that text and no other."""

    digest: Digest
    comment: str | None = Field(default=None, max_length=2_000)


class RejectionSent(Sent):
    """Why not."""

    comment: Words = Field(examples=["too many small fleets would qualify"])


class EvidenceShown(Shown):
    """What a backtest of this text found."""

    backtest: str = Field(examples=["bt_01m82amv90f7assrm6pf8d3pr0"])
    against: Literal["decisions", "accounts"]
    base_version: int
    since: str | None = Field(description="Null where nothing earlier is stored.")
    until: str
    total: int
    replayed: int
    not_replayable: int = Field(description="They turn on an attribute never stored.")
    flips: int
    share: float | None = Field(description="Of those replayed; null where none was.")
    revenue: float | None = Field(description="Of the subjects that flip; null where not known.")
    revenue_unknown: int | None = Field(description="Subjects that flip and carry none.")
    attribute: str | None
    unit: str | None
    created_at: str


class AgainstLive(Shown):
    """What would change by it, compared with the version that is live now."""

    live: LiveShown
    is_same_logic: bool = Field(description="Whether at most words, notes and tests differ.")
    changes: list[ChangeShown]


class ReviewHead(Shown):
    """A review in a list."""

    id: str = Field(examples=["rev_01m82amv90f7assrm6pf8d3pr0"])
    rule_set: str
    draft: str | None
    version: int | None = Field(description="The version that has this text, once there is one.")
    digest: Digest
    authors: list[str] = Field(description="Who wrote it; none of them may approve.")
    note: str | None
    asked_by: str
    created_at: str
    state: ReviewState
    ended_by: str | None
    ended_at: str | None
    comment: str | None


class ReviewShown(ReviewHead):
    """A review with what is known of its consequences."""

    evidence: EvidenceShown | None = Field(
        description="The newest; of an approved review what there was at that moment."
    )
    comparison: AgainstLive | None = Field(
        description="Null where nothing is live, or the draft does not say this any more."
    )
    meaning: MeaningAttached | None = Field(
        description="For whom it decides otherwise; read again while its `state` is not `done`."
    )


class ReviewPage(Shown):
    """Reviews, the newest first."""

    data: list[ReviewHead]
    next_cursor: str | None
