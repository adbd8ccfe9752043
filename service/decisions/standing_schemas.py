"""How accounts stand, on the wire."""

from typing import Literal

from pydantic import Field

from service.decisions.schemas import OverrideInForce, ScoreShown, Verdict
from service.decisions.why_schemas import MovedShown
from service.web import Shown

__all__ = ["AssessmentPage", "AssessmentShown", "AssessmentsShown", "JudgementShown"]


class JudgementShown(Shown):
    """One decision about the account, in short; a person's where `override` is there."""

    decision: str = Field(examples=["dec_01m82amv90f7assrm6pf8d3pr0"])
    version: int
    verdict: Verdict
    outcome: str | None = Field(
        description="Null only where a person decided otherwise and named none."
    )
    override: OverrideInForce | None
    at: str


class AssessmentShown(Shown):
    """How an account stands under one rule set, and how it stood before."""

    rule_set: str
    current: JudgementShown
    previous: JudgementShown | None
    moved: MovedShown | None = Field(description="What came between; null without one before.")


class AssessmentsShown(Shown):
    """How an account stands under each rule set that judged it."""

    key: str
    data: list[AssessmentShown]


class PastAssessment(JudgementShown):
    """One decision by which the account stood, and what came between it and the one before."""

    certain: bool
    scores: dict[str, ScoreShown]
    cause: Literal["change", "import", "release", "daily", "request"] = Field(
        description=(
            "What set it off: something about the account, one thing or many at once; a "
            "release; the passing of time; somebody who asked."
        )
    )
    source: str | None = Field(description="What whoever asked gave as the source.")
    moved: MovedShown | None = Field(description="Null for the first.")


class AssessmentPage(Shown):
    """How an account stood under one rule set, the newest first."""

    key: str
    rule_set: str
    data: list[PastAssessment]
    next_cursor: str | None
