"""The alignment of marketing, sales, support and product, on the wire."""

from typing import Literal

from pydantic import Field

from service.web import Shown

__all__ = [
    "MarketingShown",
    "ProductShown",
    "SalesShown",
    "SupportShown",
]


class PeriodShown(Shown):
    """After `since`, or from ever where that is null, up to `until`."""

    since: str | None
    until: str


class RateShown(Shown):
    """`yes` of `known`, with the exact 95 % interval (Clopper and Pearson's)."""

    yes: int
    known: int
    rate: float | None = Field(examples=[0.63])
    low: float | None
    high: float | None


class MiddleShown(Shown):
    """Quartiles, and a 95 % interval of the median; null where too little is known for it."""

    count: int
    lower_quartile: float | None
    median: float | None
    upper_quartile: float | None
    low: float | None
    high: float | None


class DealsShown(Shown):
    """What became of some deals."""

    deals: int
    wins: RateShown = Field(description="Of those that were won or lost.")
    churn: RateShown = Field(description="Those that churned, of those that churned or renewed.")
    days: MiddleShown = Field(description="From opening to end, of those that were won.")
    amounts: MiddleShown = Field(description="Of those that were won.")
    won_amount: str = Field(description="All of them together, exact.", examples=["12500.00"])


class DealGroupShown(DealsShown):
    """What became of the deals that share a value; null where it is not known."""

    value: str | None


class DealGroupsShown(Shown):
    """Deals taken apart by one name."""

    by: str = Field(examples=["segment"])
    groups: list[DealGroupShown]


class FindingShown(Shown):
    """Whether groups differ in one measure. All findings of a report are judged together."""

    by: str
    rule_set: str | None = Field(description="Whose leads these are; null of deals.")
    measure: Literal["win_rate", "churn", "cycle", "deal_size", "qualifying"]
    verdict: Literal["differs", "differs_little", "no_noticeable_difference", "not_enough_data"]
    words: str
    groups: int
    tested: int = Field(description="Those large enough to be tested.")
    p: float | None = Field(description="How likely chance alone would show as much.")
    q: float | None = Field(
        description="The least share of false findings at which it is claimed; 0.02 is ours."
    )
    effect: float | None = Field(description="From 0 to 1: how much the group tells.")


class CarriedShown(Shown):
    """Accounts and revenue in transition."""

    accounts: int
    revenue: str


class BookShown(Shown):
    """What one owner carries; null where nobody told whose it is."""

    owner: str | None
    accounts: int
    revenue: str
    in_transition: CarriedShown
    inherited: CarriedShown = Field(description="Taken over, or regrouped by later rules.")
    taken_over: CarriedShown
    regrouped: CarriedShown
    won: CarriedShown = Field(description="Won by the owner, against the rules of that day.")
    unknown: CarriedShown = Field(description="Not known whose it was, or since when.")


class SalesShown(Shown):
    """What became of deals by fit, and who carries what they did not choose."""

    statement: str
    rule_set: str
    at: str
    period: PeriodShown
    total: DealsShown
    unjoined: int = Field(description="Outcomes whose account and lead are not known.")
    by: list[DealGroupsShown]
    findings: list[FindingShown]
    transition: list[str] = Field(description="The outcomes that lead an account elsewhere.")
    owners: list[BookShown]


class LeadsShown(Shown):
    """Leads of one rule set that share a source or a campaign."""

    rule_set: str
    by: Literal["source", "campaign"]
    value: str | None
    leads: int
    qualify: int
    review: int
    disqualify: int
    undecided: int
    qualifying: RateShown = Field(description="Of those that are decided.")
    deals: DealsShown | None = Field(description="What became of them, where it was told.")


class MarketingShown(Shown):
    """Leads by source and campaign; each counts once, by its last decision."""

    period: PeriodShown
    slices: list[str] = Field(description="As they were asked for.", examples=[["industry:retail"]])
    tests: int = Field(description="How many questions were tested, and are judged together.")
    leads: list[LeadsShown]
    total: DealsShown = Field(description="Of all outcomes of leads.")
    findings: list[FindingShown]


class ServedShown(Shown):
    """Accounts that are alike, and what serving them takes."""

    accounts: int
    measured: int = Field(description="Those whose sources report what cost is made of.")
    hours: str = Field(description="Of support.", examples=["120.50"])
    support_cost: str
    cost: str
    revenue: str


class ServedGroupShown(ServedShown):
    """Those of one outcome, or of one band of the score `fit`; null where it is not known."""

    value: str | None
    verdict: str | None


class SupportShown(Shown):
    """Hours and cost of support by outcome and by fit."""

    statement: str
    rule_set: str
    at: str
    total: ServedShown
    outcomes: list[ServedGroupShown]
    fit: list[ServedGroupShown]


class ShareShown(Shown):
    """A share: at least and at most, while something is not known."""

    low: float
    high: float


class FeatureShown(Shown):
    """One feature, and how many accounts share the wish."""

    feature: str
    need: Literal["one_off", "shared", "outside_only", "unclear"]
    requests: int
    custom_hours: str
    accounts: int
    inside: int = Field(description="Accounts inside the profile: they qualify, for certain.")
    outside: int = Field(description="Accounts outside: they are disqualified, for certain.")
    open: int = Field(description="All others: in review, in grace, or not certain.")


class ProductShown(Shown):
    """Which features are asked for, and by whom."""

    statement: str
    rule_set: str
    at: str
    period: PeriodShown
    requests: int
    requests_inside: int
    requests_outside: int
    outside: ShareShown | None = Field(description="Of all requests; null without any.")
    features: list[FeatureShown] = Field(description="At most 500.")
    left_out: int = Field(description="How many features more there are.")
