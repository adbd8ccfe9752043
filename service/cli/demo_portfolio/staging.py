"""Put the parts on the stage: from a part to a company with facts, a ledger and a truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from service.cli.demo_portfolio.behaving import behave, wish
from service.cli.demo_portfolio.dates import cohort_quarter
from service.cli.demo_portfolio.dealing import Deal, deal
from service.cli.demo_portfolio.earning import Money, earn
from service.cli.demo_portfolio.knowing import know
from service.cli.demo_portfolio.ledger import SOURCES, Happening, Ledger
from service.cli.demo_portfolio.naming import Company, Segment, name_companies
from service.cli.demo_portfolio.parts import Part, Truth, cast

__all__ = ["Member", "make_portfolio"]

_DEAF: Final = "helpdesk"
"""The source that does not know accounts of whose support nobody tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One account: what is known and what happened, and, for tests, what is true.

    Attributes:
        told_at: When the facts were true.
        made_at: The clock of the portfolio.
        known_since: When it became a customer, or two years ago.
        identities: Its ids by system; those systems tell of all that happens with it.
        happenings: Its events, the oldest first.
        deals: What became of deals with it, the oldest first.
    """

    key: str
    facts: Mapping[str, Any]
    told_at: datetime
    made_at: datetime
    known_since: datetime
    identities: Mapping[str, str]
    happenings: tuple[Happening, ...]
    deals: tuple[Deal, ...]
    truth: Truth


def make_portfolio(now: datetime, *, seed: int = 1) -> tuple[Member, ...]:
    """Return the portfolio as of *now*: the same for the same clock and *seed*.

    Nothing in it lies after *now* or more than two years before. What is drawn for one
    account depends on no other.
    """
    parts = tuple(cast())
    companies = name_companies(tuple(_segment_of(part) for part in parts))
    return tuple(
        _stage(part, company, now=now, rng=Random(f"{seed}/{company.key}"))  # noqa: S311 - a stage, no secret
        for part, company in zip(parts, companies, strict=True)
    )


def _stage(part: Part, company: Company, *, now: datetime, rng: Random) -> Member:
    since = _since(part, now=now, rng=rng)
    ledger = Ledger(company.key, since, now, rng)
    earn(ledger, _money(part, rng))
    behave(ledger, part)
    wish(ledger, part, company.trade.segment)
    facts = know(ledger, part, company)
    is_deaf = part.story == "no_helpdesk"
    known_since = now - timedelta(days=ledger.age_days)
    told_at = max(now - timedelta(days=3 + 40 * rng.random()), known_since)
    return Member(
        key=company.key,
        facts=facts,
        told_at=told_at.replace(microsecond=0),
        made_at=now,
        known_since=known_since,
        identities={
            system: f"{system[:2].upper()}-{10_000 + 7 * part.number}"
            for system in SOURCES
            if not (is_deaf and system == _DEAF)
        },
        happenings=tuple(
            sorted(
                (one for one in ledger.happenings if not (is_deaf and one.source == _DEAF)),
                key=lambda one: (one.at, one.event_id),
            )
        ),
        deals=deal(ledger, part, facts),
        truth=part.truth,
    )


def _segment_of(part: Part) -> Segment:
    place = part.number % 10
    match part.group:
        case "bad_fit":
            return "outside"
        case "strong_partner" | "marquee_drain" | "safety_pause":
            return "core" if place < 9 else "adjacent"
        case "too_early" | "bad_conduct":
            return "core" if place < 5 else "adjacent" if place < 8 else "outside"
        case "challenging":
            return "adjacent" if place < 6 else "core"
        case _:
            return "core" if place < 6 else "adjacent"


def _since(part: Part, *, now: datetime, rng: Random) -> date:
    """Return since when the account of *part* is a customer."""
    begin, end = cohort_quarter(now)
    if part.in_cohort:
        return begin + timedelta(days=int(rng.random() * (end - begin).days))
    if part.group == "too_early" and part.story == "plain":
        return now.date() - timedelta(days=12 + int(rng.random() * 145))
    if part.story in {"improved", "worsened", "old_price", "only", "large"}:
        return now.date() - timedelta(days=1_250 + int(rng.random() * 1_500))
    while True:
        days = 200 + int(rng.expovariate(1) * 800)
        since = now.date() - timedelta(days=min(days, 3_600))
        if not begin <= since < end:
            return since


def _money(part: Part, rng: Random) -> Money:
    a_year = _size(part, rng)
    low, high = _MARGINS.get(part.story, _MARGINS.get(part.group, _ANY))
    margin = low + (high - low) * rng.random()
    before = margin + 0.06 * (rng.random() - 0.5)
    if part.group == "marquee_drain":
        return Money(a_year=a_year, margin=margin, margin_before=0.02, lately=0.3, custom=_ERP)
    custom: tuple[tuple[str, float], ...] = ()
    if part.number % 14 == 6:
        custom = (("data export", a_year * 0.04 / 120),)
    match part.story:
        case "improved":
            incident = 0.3 * a_year / 80
            return Money(a_year=a_year, margin=0.42, margin_before=before, incident_hours=incident)
        case "worsened":
            return Money(a_year=a_year, margin=0.08, margin_before=0.45, lately=0.62)
        case "asks_much":
            return Money(
                a_year=a_year, margin=margin, margin_before=before, lately=0.45, custom=custom
            )
        case _:
            return Money(a_year=a_year, margin=margin, margin_before=before, custom=custom)


def _size(part: Part, rng: Random) -> float:
    """Return what the account pays in a year, in EUR: few large ones and many small."""
    match part.story:
        case "only":
            return 560_000 if part.group == "marquee_drain" else 64_000
        case "large":
            return 215_000 + 90_000 * rng.random()
        case "asks_much" | "worsened" | "improved":
            return 42_000 + 40_000 * rng.random()
        case _:
            middle, most = _SIZES.get(part.group, (22_000, 90_000))
            return max(5_200, min(rng.lognormvariate(0, 0.7) * middle, most))


_ERP: Final = (
    ("link to their own erp", 1_150.0),
    ("own label for the app", 420.0),
    ("nightly file for their depot", 380.0),
    ("seventh approval step", 260.0),
    ("reports on paper", 190.0),
)
_SIZES: Final = {
    "strong_partner": (34_000, 160_000),
    "steady": (28_000, 160_000),
    "over_served": (32_000, 90_000),
    "bad_fit": (15_000, 40_000),
}
_MARGINS: Final[Mapping[str, tuple[float, float]]] = {
    "strong_partner": (0.54, 0.74),
    "steady": (0.53, 0.74),
    "promising": (-0.05, 0.26),
    "over_served": (-0.55, 0.2),
    "under_priced": (-0.35, 0.2),
    "challenging": (-0.05, 0.24),
    "bad_fit": (-1.1, -0.15),
    "bad_conduct": (-0.1, 0.5),
    "marquee_drain": (-0.27, -0.25),
    "safety_pause": (0.5, 0.6),
    # Whatever may be missing, it has to be what matters.
    "nobody_asked": (-0.2, 0.2),
    "no_beginning": (0.54, 0.7),
}
_ANY: Final = (-0.9, 0.35)
