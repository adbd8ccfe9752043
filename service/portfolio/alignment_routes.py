"""`/v1/portfolio/{slug}/alignment/...`: what marketing, sales, support and product learn of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import anyio.to_thread
from fastapi import APIRouter, Depends, Query

from service.portfolio.alignment_schemas import (
    MarketingShown,
    ProductShown,
    SalesShown,
    SupportShown,
)
from service.portfolio.alignment_showing import (
    marketing_shown,
    product_shown,
    support_shown,
)
from service.portfolio.alignment_store import WITHIN, Period
from service.portfolio.alignment_tables import (
    Line,
    book_lines,
    deal_lines,
    feature_lines,
    finding_lines,
    lead_lines,
    served_lines,
)
from service.portfolio.marketing_alignment import gather_leads, lead_slice_names, marketing_of
from service.portfolio.reading import Statement
from service.portfolio.sales_telling import tell_sales
from service.portfolio.service_alignment import product, support
from service.portfolio.slicing import Slice, check_slices, read_slices
from service.portfolio.view_routes import Csv
from service.portfolio.viewing import SliceParameter, Viewed
from service.rules import RuleSet
from service.rulesets import Live, NotLive, SlugInPath, personal_attributes
from service.storage import transaction
from service.web import REFUSALS, InHouse, Instant, StrictRoute, csv_of, refusals

__all__ = ["alignment_routes"]

alignment_routes = APIRouter(
    prefix="/v1/portfolio/{slug}/alignment",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)
_TABLE: Final[dict[str, Any]] = {"response_class": Csv, "responses": refusals(422)}
_A_YEAR: Final = timedelta(days=365)
By = Annotated[
    list[str] | None,
    Query(
        max_length=20,
        description="Names of slices, or numbers of the rule set, which are cut at their quartiles."
        " By default all slices of the statement.",
    ),
]


@dataclass(frozen=True, slots=True)
class _Asked:
    """From when to when; what is None follows the report's custom."""

    begin: datetime | None
    end: datetime | None

    def within(self, since: datetime | None, until: datetime) -> Period:
        """Return the period, *since* and *until* where nothing else was asked for."""
        return Period(self.begin or since, self.end or until)


async def _asked(
    begin: Annotated[Instant | None, Query(alias="from", description="After then.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Then or before.")] = None,
) -> _Asked:
    return _Asked(begin, end)


Asked = Annotated[_Asked, Depends(_asked)]


@dataclass(frozen=True, slots=True)
class _Sliced:
    """Which leads somebody asks for, of which no statement is taken."""

    slug: str
    slices: tuple[Slice, ...]
    house: InHouse
    live: Live


async def _sliced(
    slug: SlugInPath,
    house: InHouse,
    live: Live,
    slices: SliceParameter = [],  # noqa: B006 - FastAPI copies it
) -> _Sliced:
    return _Sliced(slug, read_slices(slices), house, live)


Sliced = Annotated[_Sliced, Depends(_sliced)]


@alignment_routes.get("/marketing", operation_id="showMarketing", response_model=MarketingShown)
async def show_marketing(*, sliced: Sliced, asked: Asked) -> dict[str, Any]:
    """Return which sources and campaigns bring leads that qualify, and that are won.

    Of the rule set's leads, or of all where it judges accounts; of the last year, unless
    `from` and `to` say otherwise. A lead that was decided several times counts once. A `slice`
    is of leads: by what the last decision knew, or by where they came from.
    """
    return await _marketing(sliced, asked)


@alignment_routes.get("/marketing.csv", operation_id="tabulateMarketing", **_TABLE)
async def tabulate_marketing(
    *, sliced: Sliced, asked: Asked, table: Literal["leads", "findings"] = "leads"
) -> Csv:
    """Return the sources and campaigns, or the findings, as a table."""
    shown = await _marketing(sliced, asked)
    return _csv(lead_lines(shown) if table == "leads" else finding_lines(shown))


@alignment_routes.get("/sales", operation_id="showSales", response_model=SalesShown)
async def show_sales(*, viewed: Viewed, asked: Asked, by: By = None) -> dict[str, Any]:
    """Return win rate, churn, cycle and deal size by fit, and what each owner inherited.

    Outcomes of the statement's window, unless `from` and `to` say otherwise. Whether groups
    differ is said of all together, and where the data do not show it, that is said too.
    """
    return await _sales(viewed, asked, by)


@alignment_routes.get("/sales.csv", operation_id="tabulateSales", **_TABLE)
async def tabulate_sales(
    *,
    viewed: Viewed,
    asked: Asked,
    by: By = None,
    table: Literal["deals", "findings", "owners"] = "deals",
) -> Csv:
    """Return the groups of deals, the findings, or the owners, as a table."""
    shown = await _sales(viewed, asked, by)
    lines = {"deals": deal_lines, "findings": finding_lines, "owners": book_lines}
    return _csv(lines[table](shown))


@alignment_routes.get("/support", operation_id="showSupport", response_model=SupportShown)
async def show_support(*, viewed: Viewed) -> dict[str, Any]:
    """Return hours and cost of support by outcome and by fit."""
    return await _support(viewed)


@alignment_routes.get("/support.csv", operation_id="tabulateSupport", **_TABLE)
async def tabulate_support(*, viewed: Viewed) -> Csv:
    """Return hours and cost of support as a table."""
    return _csv(served_lines(await _support(viewed)))


@alignment_routes.get("/product", operation_id="showProduct", response_model=ProductShown)
async def show_product(*, viewed: Viewed, asked: Asked) -> dict[str, Any]:
    """Return which features are asked for, and how many accounts inside the profile share them.

    Events `feature_request`, and `custom_work` that names a feature, of the statement's
    window, unless `from` and `to` say otherwise.
    """
    return await _product(viewed, asked)


@alignment_routes.get("/product.csv", operation_id="tabulateProduct", **_TABLE)
async def tabulate_product(*, viewed: Viewed, asked: Asked) -> Csv:
    """Return the features as a table."""
    return _csv(feature_lines(await _product(viewed, asked)))


async def _marketing(sliced: _Sliced, asked: _Asked) -> dict[str, Any]:
    house, now = sliced.house, sliced.house.clock()
    try:
        rules = (await sliced.live.version_at(sliced.slug, now)).rules
    except NotLive:  # nothing was ever decided by it
        rules = None
    rule_set = None if rules is not None and rules.subject == "account" else sliced.slug
    until = asked.end or now
    period = asked.within(_a_year_before(until), until)
    async with transaction(house.engine, within=WITHIN) as connection:
        if sliced.slices:
            personal = await personal_attributes(connection)
            check_slices(lead_slice_names(rules) - personal, sliced.slices)
        leads, told = await gather_leads(
            connection, period, rule_set=rule_set, slices=sliced.slices
        )
    found = await anyio.to_thread.run_sync(lambda: marketing_of(leads, told))
    return marketing_shown(found, period, sliced.slices)


def _a_year_before(instant: datetime) -> datetime | None:
    """Return the instant a year before; None in the first year there is."""
    try:
        return instant - _A_YEAR
    except OverflowError:
        return None


async def _sales(viewed: Viewed, asked: _Asked, by: list[str] | None) -> dict[str, Any]:
    async with viewed.looking(within=WITHIN) as looking:
        statement, rules = looking.statement, await _rules_of(viewed, looking.statement)
    period = asked.within(statement.terms.since, statement.at)
    return await tell_sales(
        viewed.house.engine,
        statement,
        period,
        rules=rules,
        live=viewed.live,
        by=statement.slices if by is None else by,
        slices=viewed.slices,
    )


async def _support(viewed: Viewed) -> dict[str, Any]:
    async with viewed.looking() as looking:
        rules = await _rules_of(viewed, looking.statement)
        found = await support(
            looking.connection, looking.statement, rules=rules, slices=looking.slices
        )
    return support_shown(found, looking.statement)


async def _product(viewed: Viewed, asked: _Asked) -> dict[str, Any]:
    async with viewed.looking() as looking:
        statement = looking.statement
        period = asked.within(statement.terms.since, statement.at)
        found = await product(looking.connection, statement, period, slices=looking.slices)
    return product_shown(found, statement, period)


async def _rules_of(viewed: Viewed, statement: Statement) -> RuleSet:
    return (await viewed.live.version(statement.rule_set, statement.version)).rules


def _csv(lines: Iterable[Line]) -> Csv:
    return Csv(csv_of(lines))
