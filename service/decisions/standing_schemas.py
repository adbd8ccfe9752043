"""How accounts stand, on the wire."""

from pydantic import Field

from service.decisions.schemas import OverrideInForce, Verdict
from service.web import Shown

__all__ = ["AssessmentShown", "AssessmentsShown", "JudgementShown"]


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


class AssessmentsShown(Shown):
    """How an account stands under each rule set that judged it."""

    key: str
    data: list[AssessmentShown]
