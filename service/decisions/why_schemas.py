"""Why a decision moved, on the wire."""

from typing import Any, Literal

from pydantic import Field

from service.web import Shown

__all__ = ["MovedShown", "WhyShown"]


class ShareShown(Shown):
    """How much of a move one cause made."""

    exact: str = Field(description="As a fraction; the three add up exactly.", examples=["1/2"])
    value: float = Field(description="The number nearest to it.")


class PartShown(Shown):
    """What one cause did."""

    verdict: ShareShown = Field(description="Of the step to the new verdict, 1 in all.")
    outcome: ShareShown = Field(description="Of the step to the new outcome, 1 in all.")
    scores: dict[str, ShareShown] = Field(description="Of each score that both versions have.")


class ChangedField(Shown):
    """One member before and after."""

    field: str
    before: Any
    after: Any


class ChangedRule(Shown):
    """One part of the rules that is not as it was."""

    kind: Literal["added", "removed", "changed", "moved"]
    part: str = Field(examples=["rule"])
    id: str
    is_only_words: bool
    fields: list[ChangedField]


class ChangedFact(Shown):
    """One fact before and after; null where it was unknown."""

    attribute: str
    before: Any
    after: Any


class FinalShown(Shown):
    """Whether nothing more was to be said."""

    before: bool
    after: bool


class SuspendedShown(Shown):
    """Rules that were set aside."""

    before: list[str]
    after: list[str]


class RulesPart(PartShown):
    """What other rules did."""

    changes: list[ChangedRule]
    suspended: SuspendedShown


class DataPart(PartShown):
    """What other facts did."""

    changes: list[ChangedFact]
    final: FinalShown


class TimePart(PartShown):
    """What the clock did."""

    before: str
    after: str
    changes: list[ChangedFact] = Field(
        description="Of metrics, on what was known before: windows that moved on."
    )


class MovedShown(Shown):
    """What came between a decision and the one before, in short; `GET .../why` tells it all."""

    before: str = Field(examples=["dec_01m82amv90f7assrm6pf8d3pr0"])
    rules: PartShown | None
    data: PartShown | None
    time: PartShown | None
    summary: str | None
    unknown: Literal["facts_erased", "not_replayable"] | None = Field(
        description="Why there are no shares: one of the two cannot be decided again."
    )


class EndShown(Shown):
    """One of the two decisions, as the rules made it."""

    id: str = Field(examples=["dec_01m82amv90f7assrm6pf8d3pr0"])
    version: int
    verdict: str
    outcome: str | None
    scores: dict[str, float]


class WhyShown(Shown):
    """Why a decision is not as the one before."""

    before: EndShown
    after: EndShown
    rules: RulesPart
    data: DataPart
    time: TimePart
    summary: str
