"""Movements on the wire."""

from typing import Literal

from pydantic import Field

from service.portfolio.view_schemas import StatedShown, SumsShown, ViewShown
from service.web import Shown

__all__ = ["MovementsShown"]

Band = Literal["low", "between", "high"]


class PlaceShown(Shown):
    """Where an account stood."""

    outcome: str | None = Field(description="Null where it was never decided.")
    value: Band | None
    growth: Band | None


class FlowCausesShown(Shown):
    """How many of the accounts of one flow each of the three moved, and of how many it is unknown.

    A move with several causes counts for each in part; together they are all accounts of it.
    """

    rules: float
    data: float
    time: float
    unknown: int


class GroupFlowShown(SumsShown):
    """Accounts that went from one group to another, or stayed; money is of the later statement."""

    before: str | None
    after: str | None
    why: FlowCausesShown | None = Field(
        description="Null where they stayed, and until it is worked out."
    )


class CameShown(SumsShown):
    """Accounts of one group that are in one of the two statements only."""

    outcome: str | None


class CellFlowShown(SumsShown):
    """Accounts that went from one cell to another."""

    value_before: Band | None
    growth_before: Band | None
    value_after: Band | None
    growth_after: Band | None


class CausesShown(Shown):
    """How much of a step each of the three made; they add up to it."""

    rules: float
    data: float
    time: float


class TogetherShown(Shown):
    """What the three did to all accounts that moved."""

    accounts: int
    unknown: int = Field(description="Of how many it cannot be told.")
    groups: CausesShown = Field(
        description="In accounts: the three add up to how many of those that are known changed "
        "the group."
    )
    value: CausesShown = Field(description="In points of the score.")
    growth: CausesShown = Field(description="In points of the score.")


class WhyMovedShown(Shown):
    """What the three did to one account."""

    group: CausesShown = Field(description="They add up to 1 where the group changed, else to 0.")
    value: CausesShown | None
    growth: CausesShown | None


class MovedShown(Shown):
    """One account that moved."""

    account: str
    name: str | None
    before: PlaceShown
    after: PlaceShown
    revenue: str
    margin: str
    why: WhyMovedShown | None
    unknown: str | None = Field(description="Why it cannot be told: a code.")


class MovementsShown(ViewShown):
    """Who moved from group to group and from cell to cell between two statements, and why."""

    since: StatedShown = Field(description="The earlier statement.")
    moved: SumsShown = Field(description="Who changed the group or the cell.")
    groups: list[GroupFlowShown]
    cells: list[CellFlowShown]
    came: list[CameShown] = Field(description="In the later statement only, by group.")
    left: list[CameShown] = Field(
        description="In the earlier statement only, removed or merged since; money is of that one."
    )
    why: TogetherShown | None = Field(description="Of all that moved; null until worked out.")
    why_state: Literal["done", "queued", "running", "waiting", "failed"] = Field(
        description="How far `why` is: a process of its own works it out once, and it is kept. "
        "`waiting` where too much else of the statement is being worked out; ask again."
    )
    accounts: list[MovedShown] = Field(description="Those of most revenue first.")
    next_cursor: str | None
