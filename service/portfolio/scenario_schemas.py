"""Scenarios on the wire: each figure as it stands, between the least and the most it could be."""

from typing import Literal

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


class PendingShown(Shown):
    """A scenario that is being worked out."""

    id: str = Field(examples=["scn_01m86e81e0e00aevvfchk6jx11"])
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int = Field(description="Accounts so far.")
    total: int


class MoveShown(Shown):
    """Accounts that would go from one group to another."""

    before: str
    after: str
    accounts: int
    revenue: str


class ChangeShown(Shown):
    """One rate, or all, that moves by a share, and whom it moves."""

    rate: str | None = Field(
        description="Kind and quantity; null where all rates move together.",
        examples=["support_case.hours"],
    )
    by: float = Field(examples=[-0.2])
    accounts: int
    revenue: str
    moves: list[MoveShown] = Field(description="Those of most accounts first.")


class NearShown(Shown):
    """An account close to the edge of its group."""

    account: str
    name: str | None
    before: str
    after: str
    by: float = Field(
        description="A change of all rates that moves it, and nearly the smallest that was found."
    )
    revenue: str


class SensitivityShown(ViewShown):
    """Who changes group if cost rates move."""

    by: float
    accounts: int
    revenue: str
    moved: int = Field(description="That any of the changes moves; the others stand firm.")
    moved_revenue: str
    left_out: int = Field(
        description="Of the whole statement: not decided by its version, or facts erased."
    )
    changes: list[ChangeShown] = Field(description="Each rate less and more, then all together.")
    nearest: list[NearShown] = Field(description="The 50 nearest to an edge, the nearest first.")


class MeanShown(Shown):
    """A mean amount: the least, as things stand, the most."""

    low: str
    value: str
    high: str


class SideShown(Shown):
    """Those who stay, or those who go."""

    accounts: CountRangeShown
    revenue: MoneyRangeShown
    cost: MoneyRangeShown
    margin: MoneyRangeShown
    support_hours: MoneyRangeShown
    order_value: MeanShown | None = Field(
        description="The mean amount of an entry of revenue, to the sixth place; null without any."
    )


class WholeShown(Shown):
    """All of them: those who stay and those who go, as things stand, to the last digit."""

    accounts: int
    revenue: str
    cost: str
    margin: str
    support_hours: str


class UnderShown(Shown):
    """The rules under which it would be."""

    rule_set: str
    version: int | None
    draft: str | None


class FocusShown(ViewShown):
    """The portfolio as it would be if fewer were served."""

    under: UnderShown | None
    keep: list[str]
    stays: SideShown
    goes: SideShown
    whole: WholeShown
    left_out: int | None = Field(
        description="Of whom nothing is known any more; null where no rules decide."
    )


class GoneShown(Shown):
    """An account that would be handed over, or could be."""

    account: str
    name: str | None
    group: str | None = Field(description="As it stands.")
    outcome: str | None = Field(description="Under the other rules.")
    fate: Literal["goes", "may_stay", "may_go", "stays"]
    revenue: str
    cost: str
    margin: str


class GonePage(Shown):
    """Accounts by id."""

    data: list[GoneShown]
    next_cursor: str | None
