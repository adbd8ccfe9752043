"""Views of a statement on the wire. Amounts are texts, exact to the last digit."""

from typing import Literal

from pydantic import Field

from service.portfolio.schemas import TermsShown
from service.web import Shown

__all__ = ["ConcentrationShown", "MatrixShown", "SegmentsShown", "SummaryShown", "SumsShown"]
__all__ += ["ViewShown", "WhaleCurveShown"]


class StatedShown(Shown):
    """The statement that a view is of."""

    id: str = Field(examples=["st_01m86e81e0e00aevvfchk6jx11"])
    rule_set: str
    version: int
    at: str
    terms: TermsShown


class ViewShown(Shown):
    """Of what this is a view."""

    statement: StatedShown
    slices: list[str] = Field(description="As they were asked for.", examples=[["segment:core"]])


class SumsShown(Shown):
    """Some accounts together."""

    accounts: int
    certain: int = Field(description="Whose outcome nothing that is unknown could change.")
    measured: int = Field(
        description="Whose sources report all revenue and cost; of the others, more may be."
    )
    revenue: str = Field(examples=["1250000.00"])
    cost: str
    margin: str = Field(description="Revenue less cost.")


class CellShown(SumsShown):
    """The accounts of one band of value and one of growth."""

    value: Literal["low", "between", "high"]
    growth: Literal["low", "between", "high"]


class MatrixShown(ViewShown):
    """Value by growth. An account whose range crosses a threshold is `between`."""

    cells: list[CellShown] = Field(description="All nine.")
    between: SumsShown = Field(description="The five cells that are between, together.")
    unplaced: SumsShown = Field(description="Never decided.")
    total: SumsShown


class GroupShown(SumsShown):
    """The accounts of one outcome."""

    outcome: str | None = Field(description="Null for accounts that were never decided.")
    label: str | None
    verdict: str | None
    action: str | None
    in_grace: int = Field(description="How many a grace period put here.")
    revenue_share: float | None = Field(description="Of all revenue; null where there is none.")


class SummaryShown(ViewShown):
    """The groups, in the rule set's order."""

    groups: list[GroupShown]
    total: SumsShown


class OutcomeShown(SumsShown):
    """The accounts of one outcome within a segment."""

    outcome: str | None


class SegmentShown(SumsShown):
    """The accounts that share a text."""

    value: str | None = Field(description="Null where nobody told it.")
    outcomes: list[OutcomeShown]


class SegmentsShown(ViewShown):
    """The portfolio taken apart by one name."""

    by: str = Field(examples=["segment"])
    segments: list[SegmentShown] = Field(description="Those of most revenue first; 200 at most.")
    rest: SumsShown = Field(description="All segments that are not listed.")
    total: SumsShown


class PointShown(Shown):
    """How much the first so many accounts leave together."""

    accounts: int
    margin: str


class RankedShown(Shown):
    """One account."""

    account: str
    name: str | None
    outcome: str | None
    revenue: str
    cost: str
    margin: str


class WhaleCurveShown(ViewShown):
    """Margins added up from the most profitable account to the least."""

    accounts: int
    measured: int = Field(description="Whose sources report all revenue and cost.")
    makers: int = Field(description="Bring more than they consume; the peak is after the last.")
    takers: int = Field(description="Consume more than they bring.")
    takers_share: float | None
    peak: str = Field(description="What the makers leave together.")
    taken: str = Field(description="What the takers take back of it.")
    taken_share: float | None
    end: str = Field(description="What everybody leaves together: the margin of the portfolio.")
    points: list[PointShown] = Field(description="About 200; the peak and the end are among them.")
    most: list[RankedShown] = Field(description="The ten most profitable, the most first.")
    least: list[RankedShown] = Field(description="The ten least profitable, the least first.")


class TopShown(Shown):
    """The accounts that cause most of a burden."""

    percent: int
    accounts: int
    amount: str
    share: float | None = Field(description="Of the burden; null where nobody causes any.")
    revenue: str
    margin: str
    margin_share: float | None = Field(description="Of all margin; null where none is left.")


class BurdenShown(Shown):
    """One burden, and how few cause how much of it."""

    burden: Literal["support_hours", "custom_hours", "escalations", "cost"]
    total: str
    tops: list[TopShown]


class ConcentrationShown(ViewShown):
    """How few accounts cause how much, beside what they leave."""

    accounts: int
    burdens: list[BurdenShown]
