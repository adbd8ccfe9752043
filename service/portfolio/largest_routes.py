"""`/v1/portfolio/{slug}/largest`: where the largest begin, and whether the rules still know."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from service.accounts import amount_text
from service.portfolio.largest import PERCENTS, TWENTIETH, Cut, Largest, Reached, limits_of
from service.portfolio.largest_store import largest_of
from service.portfolio.view_routes import Csv
from service.portfolio.view_schemas import ViewShown
from service.portfolio.view_showing import view_shown
from service.portfolio.view_tables import Line, amount
from service.portfolio.viewing import Looking, Viewed
from service.web import REFUSALS, Shown, StrictRoute, csv_of, refusals

__all__ = ["largest_routes"]

largest_routes = APIRouter(
    prefix="/v1/portfolio/{slug}",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)
Percent = Annotated[
    int, Query(ge=1, le=50, description="How many per cent of the accounts are the largest.")
]
_WORDS: Final = {
    "matches": "they are among the largest",
    "too_many": "that is more than the largest; raise it",
    "nobody": "so nobody is among the largest; lower it",
}


class CutShown(Shown):
    """The accounts of most revenue."""

    percent: int
    accounts: int
    from_: str | None = Field(alias="from", description="The least revenue of theirs.")
    propose: str | None = Field(
        description="A round number for a rule, which all of them reach.", examples=["84000.00"]
    )
    revenue: str
    revenue_share: float | None


class LimitShown(Shown):
    """A number from which on a part of the rules takes an account for large."""

    kind: Literal["derived", "gate", "outcome"]
    id: str = Field(examples=["among_largest"])
    from_: str = Field(alias="from")
    accounts: int = Field(description="How many reach it.")
    revenue: str
    revenue_share: float | None
    verdict: Literal["matches", "too_many", "nobody"] | None = Field(
        description="Whether at least one reaches it and not more than the largest `percent`. "
        "Null in a slice: the rules are for everybody."
    )
    words: str


class LargestShown(ViewShown):
    """Where the largest by revenue begin, and what the rules take for it."""

    percent: int
    metric: str = Field(examples=["revenue_12m"])
    accounts: int = Field(description="Of how many revenue is known.")
    unknown: int = Field(description="Of how many it is not; they have no place.")
    cuts: list[CutShown]
    limits: list[LimitShown] = Field(description="In derived names, gates and outcomes.")


@largest_routes.get("/largest", operation_id="showLargest", response_model=LargestShown)
async def show(*, viewed: Viewed, percent: Percent = TWENTIETH) -> dict[str, Any]:
    """Return from which revenue on an account is among the largest, here and in the rules.

    A rule holds revenue against a number, so that every account is decided alone. This says
    whether the number still finds the largest of the portfolio, and proposes one.
    """
    async with viewed.looking() as looking:
        found = await _found(viewed, looking, percent)
    most = next(cut for cut in found.cuts if cut.percent == percent)
    return view_shown(looking) | {
        "percent": percent,
        "metric": looking.statement.terms.revenue_metric,
        "accounts": found.accounts,
        "unknown": found.unknown,
        "cuts": [_cut(cut, found) for cut in found.cuts],
        "limits": [_limit(one, found, most, is_whole=not looking.slices) for one in found.reached],
    }


@largest_routes.get(
    "/largest.csv", operation_id="tabulateLargest", response_class=Csv, responses=refusals(422)
)
async def tabulate(*, viewed: Viewed, percent: Percent = TWENTIETH) -> Csv:
    """Return where the largest begin as a table, and then the numbers of the rules."""
    async with viewed.looking() as looking:
        return Csv(csv_of(_lines(await _found(viewed, looking, percent))))


async def _found(viewed: Viewed, looking: Looking, percent: int) -> Largest:
    statement = looking.statement
    model = (await viewed.live.version(statement.rule_set, statement.version)).rules.model
    limits = limits_of(model, statement.terms.revenue_metric)
    return await largest_of(looking, limits, sorted({*PERCENTS, percent}))


def _cut(cut: Cut, found: Largest) -> dict[str, Any]:
    return {
        "percent": cut.percent,
        "accounts": cut.accounts,
        "from": None if cut.begin is None else amount_text(cut.begin),
        "propose": None if cut.round_begin is None else amount_text(cut.round_begin),
        "revenue": amount_text(cut.revenue),
        "revenue_share": found.share_of(cut.revenue),
    }


def _limit(one: Reached, found: Largest, most: Cut, *, is_whole: bool) -> dict[str, Any]:
    verdict = one.verdict(most.accounts)
    begin = Decimal(str(one.limit.begin))
    words = f"{one.accounts:,} of {found.accounts:,} accounts reach {one.limit.begin:,.15g}"
    if is_whole:
        words += f"; {_WORDS[verdict]}"
        if verdict != "matches" and most.begin is not None:
            largest = f"the {most.accounts:,} largest begin at {most.begin:,.2f}"
            words += f". {largest[:1].upper()}{largest[1:]}"
    return {
        "kind": one.limit.kind,
        "id": one.limit.id,
        "from": amount_text(begin),
        "accounts": one.accounts,
        "revenue": amount_text(one.revenue),
        "revenue_share": found.share_of(one.revenue),
        "verdict": verdict if is_whole else None,
        "words": words,
    }


def _lines(found: Largest) -> Iterator[Line]:
    yield ("of", "id", "percent", "from", "accounts", "revenue", "revenue_share")
    for cut in found.cuts:
        begin = None if cut.begin is None else amount(cut.begin)
        share = found.share_of(cut.revenue)
        yield ("largest", None, cut.percent, begin, cut.accounts, amount(cut.revenue), share)
    for one in found.reached:
        limit, share = one.limit, found.share_of(one.revenue)
        begin = amount(Decimal(str(limit.begin)))
        yield (limit.kind, limit.id, None, begin, one.accounts, amount(one.revenue), share)
