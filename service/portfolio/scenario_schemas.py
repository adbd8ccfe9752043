"""Scenarios on the wire: each figure as it stands, between the least and the most it could be."""

from pydantic import Field

from service.portfolio.view_schemas import ViewShown
from service.web import Shown

__all__ = ["BetterOffShown", "CountRangeShown", "MoneyRangeShown"]


class CountRangeShown(Shown):
    """A number of accounts: the least, as things stand, the most."""

    low: int
    value: int
    high: int


class MoneyRangeShown(Shown):
    """An amount: the least, as things stand, the most."""

    low: str = Field(examples=["120000.00"])
    value: str
    high: str


class ShareRangeShown(Shown):
    """A share of a whole: the least, as things stand, the most."""

    low: float
    value: float
    high: float


class ElsewhereShown(Shown):
    """Of some accounts, those that would be better off elsewhere."""

    of_accounts: int = Field(description="How many there are in all.")
    of_revenue: str
    accounts: CountRangeShown
    share: ShareRangeShown | None = Field(description="Of the accounts; null where there are none.")
    revenue: MoneyRangeShown
    revenue_share: ShareRangeShown | None = Field(
        description="Of the revenue; null where there is none."
    )


class TransitionShown(Shown):
    """An outcome that sends somebody elsewhere, and whom it does as things stand."""

    outcome: str
    label: str
    verdict: str
    action: str | None
    accounts: int
    revenue: str


class PartShown(ElsewhereShown):
    """The same for the accounts that share a text."""

    value: str | None = Field(description="Null where nobody told it.")


class BetterOffShown(ViewShown, ElsewhereShown):
    """Who would be better off elsewhere; who would for two causes is counted once."""

    must_have: str | None = Field(
        description="The rule that says that their must-haves are met; null where none does.",
        examples=["needs_met"],
    )
    must_haves_unmet: ElsewhereShown
    sent: ElsewhereShown = Field(description="Whom the rules send to a transition.")
    transitions: list[TransitionShown]
    in_grace: int = Field(
        description="How many of them, as things stand, a grace period keeps out of judgement."
    )
    by: str | None
    parts: list[PartShown] = Field(description="Those of most accounts first; 200 at most.")
