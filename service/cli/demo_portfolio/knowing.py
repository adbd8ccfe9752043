"""What is known of an account: the facts that its rules ask for, and who looks after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from service.cli.demo_portfolio.dates import YEAR_DAYS
from service.cli.demo_portfolio.earning import year_ago
from service.cli.demo_portfolio.ledger import Ledger
from service.cli.demo_portfolio.naming import Company
from service.cli.demo_portfolio.parts import Part

__all__ = ["know"]


@dataclass(frozen=True, slots=True)
class _Owner:
    """A salesperson: where, and how many days ago she took the book over from somebody else."""

    name: str
    country: str
    region: str
    took_over: int | None = None


_OWNERS: Final = (
    _Owner("Nora Lindqvist", "DE", "north"),
    _Owner("Tomasz Wolny", "PL", "east"),
    _Owner("Aylin Demirel", "DE", "west", took_over=250),
    _Owner("Jonas Freytag", "AT", "alps"),
    _Owner("Beatriz Kuhnert", "DE", "south", took_over=120),
    _Owner("Luca Morandi", "CH", "alps"),
)
_CHANNELS: Final = (
    ("fair", "truck fair"),
    ("inbound", "fuel cost webinar"),
    ("inbound", "route planner trial"),
    ("referral", "customers invite"),
    ("partner", "mobile carrier bundle"),
    ("outbound", "fleets over fifty"),
)
_HOURS: Final = (10, 20, 40, 60, 80, 120, 160, 240, 320, 480, 640, 960, 1_440, 2_400, 4_800)
_NOT_ASKED: Final = (
    "segment", "must_haves_met", "potential_revenue", "sponsor", "usage_trend", "progress",
)  # fmt: skip
_TAKE_MORE: Final = {"over_served", "marquee_drain"}
_PRODUCTS: Final = ("telematics", "dispatch", "telematics", "workshop")


def know(ledger: Ledger, part: Part, company: Company) -> Mapping[str, Any]:
    """Return the facts of the account of *part*; the ledger is written already."""
    facts: dict[str, Any] = {
        **_names(ledger, part, company),
        **_fit(part, company, ledger.rng),
        **_growth(ledger, part),
        **_terms(ledger, part),
        "special_service": part.group == "marquee_drain" or part.number % 29 == 3,
        "repeatable": part.group == "strong_partner" or ledger.rng.random() < 0.3,
        "reference": part.group in {"strong_partner", "steady"} and part.number % 4 == 0,
    }
    match part.story:
        case "no_beginning":
            del facts["customer_since"]
        case "nobody_asked":
            for name in _NOT_ASKED:
                del facts[name]
    return facts


def _names(ledger: Ledger, part: Part, company: Company) -> dict[str, Any]:
    owner = _owner_of(part, ledger.rng)
    owned_since = ledger.since
    if owner.took_over is not None:
        took_over = ledger.now.date() - timedelta(days=owner.took_over)
        owned_since = max(ledger.since, took_over)
    channel, campaign = _channel_of(part, ledger.rng)
    return {
        "name": company.name,
        "domain": company.domain,
        "industry": company.trade.industry,
        "segment": company.trade.segment,
        "country": owner.country,
        "region": owner.region,
        "owner": owner.name,
        "owner_since": str(owned_since),
        "source": channel,
        "campaign": campaign,
        "product": ledger.rng.choice(_PRODUCTS),
        "customer_since": str(ledger.since),
    }


def _owner_of(part: Part, rng: Random) -> _Owner:
    # Whoever sold to the wrong ones has left; they are in the book of who took it over.
    if part.group == "bad_fit" and not part.in_cohort and part.number % 4:
        return _OWNERS[2]
    return _OWNERS[int(rng.random() * len(_OWNERS))]


def _channel_of(part: Part, rng: Random) -> tuple[str, str]:
    if part.group == "bad_fit" and rng.random() < 0.2:
        return _CHANNELS[4]
    return _CHANNELS[int(rng.random() * len(_CHANNELS))]


def _fit(part: Part, company: Company, rng: Random) -> dict[str, Any]:
    is_outside = company.trade.segment == "outside"
    employees = round((70 if is_outside else 60) * (1 + rng.expovariate(1) * 2.2))
    if part.story in {"large", "only"}:
        employees += 480
    met = 92 + int(rng.random() * 9)
    if is_outside:
        met, employees = 35 + int(rng.random() * 30), 6 + employees // 4
    elif part.group == "challenging":
        met = 72 + int(rng.random() * 12)
    return {
        "employees": min(employees, 960),
        "must_haves_met": met,
        "core_use": not is_outside,
        "progress": _progress(part, rng),
    }


def _progress(part: Part, rng: Random) -> str:
    match part.group:
        case "bad_fit":
            return "none"
        case "strong_partner":
            return "steady"
        case "bad_conduct":
            return ("none", "some")[part.number % 2]
        case _:
            return ("some", "steady")[int(rng.random() * 2)]


def _growth(ledger: Ledger, part: Part) -> dict[str, Any]:
    """Return the room to grow and the likelihood, far from where groups end."""
    revenue = float(ledger.total("revenue", "amount", since=year_ago(ledger.now)))
    days = min(max(ledger.age_days, 60), YEAR_DAYS)
    a_year = revenue * YEAR_DAYS / days
    if part.group in {"strong_partner", "promising", "marquee_drain"}:
        room, sponsor, trend = 2.6 + 1.6 * ledger.rng.random(), True, "rising"
        budget = part.number % 3 != 0
    else:
        room, budget = 1.04 + 0.2 * ledger.rng.random(), False
        sponsor = part.group != "bad_fit" and ledger.rng.random() < 0.5
        trend = "flat" if sponsor or part.number % 3 else "falling"
        if not sponsor and part.group == "steady" and part.number % 5 == 0:
            trend = "rising"
    return {
        "potential_revenue": max(1, round(a_year * room / 500)) * 500,
        "sponsor": sponsor,
        "usage_trend": trend,
        "budget_next_year": budget,
    }


def _terms(ledger: Ledger, part: Part) -> dict[str, Any]:
    begin = year_ago(ledger.now)
    hours = ledger.total("support_case", "hours", since=begin)
    hours += ledger.total("custom_work", "hours", since=begin)
    price_since = max(ledger.since, _days_ago(ledger, 40 + int(ledger.rng.random() * 500)))
    price = 92 + int(ledger.rng.random() * 13)
    match part.story:
        case "below_list":
            price = 58 + int(ledger.rng.random() * 20)
        case "old_price":
            price_since = _days_ago(ledger, 800 + int(ledger.rng.random() * 400))
        case _:
            pass
    return {
        "hours_sold": _package(hours, is_too_small=part.group in _TAKE_MORE),
        "price_to_list": price,
        "price_since": str(price_since),
    }


def _package(hours: Decimal, *, is_too_small: bool) -> int:
    """Return the package of hours that was sold: well above what they take, or well below."""
    if is_too_small:
        return max((size for size in _HOURS if size < 0.75 * float(hours)), default=0)
    return next(size for size in _HOURS if size > 1.15 * float(hours))


def _days_ago(ledger: Ledger, days: int) -> date:
    return ledger.now.date() - timedelta(days=days)
