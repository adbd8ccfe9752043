"""What would have to change, on the wire."""

from pydantic import Field

from service.decisions.schemas import Verdict
from service.web import Shown

__all__ = ["CounterfactualsShown", "WayTold"]


class ChangeTold(Shown):
    """One fact that would be otherwise."""

    attribute: str
    label: str
    before: object
    after: object
    words: str


class WayTold(Shown):
    """Changes that together lead to another outcome; the rules decided so."""

    outcome: str
    label: str
    verdict: Verdict
    action: str | None
    changes: list[ChangeTold] = Field(min_length=1, max_length=3)
    words: str


class CounterfactualsShown(Shown):
    """The smallest changes of what is known that lead to another outcome."""

    decision: str = Field(examples=["dec_01m82amv90f7assrm6pf8d3pr0"])
    outcome: str = Field(description="Where it stands, if nothing more is told.")
    toward: str | None = Field(description="The outcome that was asked for; else any better one.")
    gate: str | None = Field(description="The gate that decided: no change of other facts helps.")
    words: str
    ways: list[WayTold] = Field(max_length=3, description="The smallest first.")
    near: list[WayTold] = Field(description="For each other outcome near, the smallest change.")
    is_whole: bool = Field(description="False where the rules are too many to try everything.")
