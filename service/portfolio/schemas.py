"""Statements on the wire. Amounts are texts, exact to the last digit."""

from typing import Annotated, Literal

from pydantic import Field

from service.web import Sent, Shown

__all__ = ["StatementPage", "StatementSent", "StatementShown"]

_Name = Annotated[str, Field(max_length=64)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class StatementSent(Sent):
    """How to take a statement. What is left out follows the rule set's own conventions."""

    dry_run: bool = Field(
        default=False, description="Say by which terms it would be taken, and take none."
    )
    revenue: _Name | None = Field(default=None, description="A metric: a sum of revenue.")
    cost: _Name | None = Field(default=None, description="A metric: activity-based cost.")
    value: _Name | None = Field(default=None, description="A score; `value` by default.")
    growth: _Name | None = Field(default=None, description="A score; `growth` by default.")
    value_from: _Number | None = Field(
        default=None,
        description="From here on value is high; by default from where the outcomes say.",
    )
    growth_from: _Number | None = Field(
        default=None,
        description="From here on growth is high; by default from where the outcomes say.",
    )


class TermsShown(Shown):
    """What the statement calls revenue, cost, value and growth, and from where on they are high."""

    revenue: str = Field(description="A metric of the rule set.", examples=["revenue_12m"])
    cost: str = Field(description="A metric of the rule set.", examples=["cost_to_serve_12m"])
    value: str = Field(description="A score of the rule set.", examples=["value"])
    growth: str = Field(description="A score of the rule set.", examples=["growth"])
    value_from: float = Field(description="From here on value is high.", examples=[50])
    growth_from: float = Field(description="From here on growth is high.", examples=[40])
    window: str | None = Field(
        description="Of both metrics; null where they look back for ever.", examples=["12 months"]
    )
    since: str | None = Field(description="Entries of the ledger after it count.")


class TotalsShown(Shown):
    """What all positions add up to, and with them the ledger."""

    accounts: int
    revenue: str = Field(examples=["1250000.00"])
    cost: str = Field(examples=["910500.50"])
    margin: str = Field(description="Revenue less cost.", examples=["339499.50"])


class StatementShown(Shown):
    """The portfolio under one rule set as of one instant."""

    id: str | None = Field(
        description="Null in a dry run.", examples=["st_01m86e81e0e00aevvfchk6jx11"]
    )
    rule_set: str
    version: int
    digest: str
    at: str = Field(description="The instant of all its positions.")
    state: Literal["tried", "queued", "running", "done", "cancelled", "failed"] = Field(
        description="`tried` in a dry run. It is queued until its rescoring is done."
    )
    rescoring: str | None = Field(description="It brings every account to that instant first.")
    terms: TermsShown
    slices: list[str] = Field(
        description="By what its views can be taken apart.", examples=[["cohort", "segment"]]
    )
    totals: TotalsShown | None = Field(description="Null until it is done.")
    failure: str | None = Field(description="In words, where it failed.")
    taken_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class StatementPage(Shown):
    """Statements, the newest first."""

    data: list[StatementShown]
    next_cursor: str | None
