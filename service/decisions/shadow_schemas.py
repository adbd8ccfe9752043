"""Shadows and what they found on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from service.decisions.schemas import (
    DecisionHead,
    DecisionId,
    DecisionShown,
    Digest,
    ReasonShown,
    ScoreShown,
    Slug,
    Verdict,
)
from service.rulesets import ChangeShown
from service.web import Shown

__all__ = ["After", "DisagreementPage", "DisagreementShown", "ShadowPage", "ShadowShown"]

After = Literal["qualify", "review", "disqualify", "undecided", "failed"]
Failure = Annotated[
    str | None,
    Field(
        description="What kind of error kept the shadow from a decision.",
        examples=["RecursionError"],
    ),
]


class ShadowHead(Shown):
    """A version in the shadow, now or once, and its counts over all that time.

    `compared` are decisions held against it; `disagreed` are those of them where verdict,
    outcome or a score came out otherwise, or it `failed`. `dropped` were to be compared
    and were not, because too much waited.
    """

    rule_set: Slug
    version: int
    digest: Digest
    state: Literal["scheduled", "running", "live", "ended"] = Field(
        description="`live`: nothing is compared while the version itself is live."
    )
    share: float = Field(description="Of leads and accounts; of a scheduled one, as it will be.")
    since: str
    ended_at: str | None
    compared: int
    disagreed: int
    failed: int
    dropped: int
    verdict_changes: int
    verdict_change_share: float | None = Field(
        description="Of what was compared and did not fail; null before there is any."
    )
    mean_evaluation_ms: float | None
    last_compared_at: str | None


class ShadowPage(Shown):
    """Shadows, the newest version first."""

    data: list[ShadowHead]
    next_cursor: str | None


class MovementShown(Shown):
    """How many decisions went from one verdict or outcome to another, or stayed."""

    before: str
    after: str
    decisions: int


class ShadowShown(ShadowHead):
    """A shadow with all movements; those on which it failed are in none."""

    live_versions: list[int] = Field(description="What it was held against.")
    verdicts: list[MovementShown]
    outcomes: list[MovementShown]


class DisagreementHead(Shown):
    """A decision on which a shadow came out otherwise; its own half is null where it failed."""

    decision: DecisionId
    decided_at: str
    live_version: int
    verdict_before: Verdict
    verdict_after: Verdict | None
    outcome_before: str
    outcome_after: str | None
    scores_before: dict[str, ScoreShown]
    scores_after: dict[str, ScoreShown] | None
    failure: Failure


class DisagreementPage(Shown):
    """Disagreements, the newest decision first."""

    data: list[DisagreementHead]
    next_cursor: str | None


class RuleBesideRule(Shown):
    """One rule as it spoke in the live decision and in the shadow's; null where it is not."""

    rule: str = Field(examples=["medium"])
    before: ReasonShown | None
    after: ReasonShown | None


class DisagreementShown(DisagreementHead):
    """A disagreement with both explanations, and what differs between the two.

    Once the facts were erased, or where a decision would come out otherwise today, no
    explanation is left, and the counts and scores stay.
    """

    live: DecisionShown | DecisionHead
    shadow: DecisionShown | None
    rules: list[RuleBesideRule] = Field(description="Rules that spoke otherwise.")
    changes: list[ChangeShown] = Field(description="What the shadow's version changes.")
