"""Inquiries about the meaning of rules, as the wire shows them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.rules.solver import Answer, MeaningComparison, Question
from service.rulesets.schemas import Digest, InquiryState
from service.web import Sent, Shown

__all__ = ["InquiryAsked", "InquiryPage", "InquiryShown", "MeaningAttached"]

Name = Annotated[str, Field(max_length=64, examples=["medium"])]


class QuestionSent(Sent):
    """One question, about what it names, else about everything there is."""

    question: Question
    about: list[Name] = Field(
        default=[], max_length=2, description="Ids or names; two for what is asked of pairs."
    )


class InquiryAsked(Sent):
    """What to ask about a draft or a version."""

    draft: str | None = Field(default=None, examples=["main"])
    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    base: int | None = Field(
        default=None, ge=1, le=2**31 - 1,
        description="The version to compare with; by itself the live one, else the one before.",
    )  # fmt: skip
    questions: list[QuestionSent] = Field(
        default=[], max_length=50, description="Without any it is compared with its base."
    )
    limit_s: float = Field(default=20, ge=1, le=120, description="Seconds that it may take.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.draft is None) == (self.version is None):
            raise ValueError("name a `draft` or a `version`, one of the two")
        if self.questions and self.base is not None:
            raise ValueError("questions are asked of one rule set; leave `base` out")
        return self


class InquiryShown(Shown):
    """An inquiry: what was asked, and the answer once there is one."""

    id: str = Field(examples=["inq_01m82amv90f7assrm6pf8d3pr0"])
    rule_set: str
    kind: Literal["compare", "ask"]
    state: InquiryState
    digest: Digest
    base_digest: Digest | None
    day: str = Field(description="The clock's day, for rules that ask for ages.")
    comparison: MeaningComparison | None
    answers: list[Answer] | None
    failure: str | None
    asked_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class InquiryPage(Shown):
    """Inquiries, the newest first."""

    data: list[InquiryShown]
    next_cursor: str | None


class MeaningAttached(Shown):
    """What a review says of the meaning of a change."""

    inquiry: str = Field(examples=["inq_01m82amv90f7assrm6pf8d3pr0"])
    state: InquiryState
    comparison: MeaningComparison | None
