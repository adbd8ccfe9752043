"""What an account pays and what it costs, month by month, so that its margin is the planned one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import sin, tau
from random import Random
from typing import Final

from service.cli.demo_portfolio.dates import YEAR_DAYS, firsts_of_months
from service.cli.demo_portfolio.ledger import Ledger, cents, quarters
from service.rules.metrics.model import Window

__all__ = ["RATES", "Money", "earn", "year_ago"]

RATES: Final = {"support_case": 80, "custom_work": 120}
"""EUR an hour, as the rules of the demo cost them."""

_CAUSES: Final = (
    "how-to", "driver app", "map data", "invoice question", "integration", "device swap",
    "driver app", "how-to", "import", "permissions",
)  # fmt: skip
_FIRST_CAUSES: Final = ("setup", "setup", "import", "how-to", "permissions")
_SEVERITIES: Final = ("low", "normal", "normal", "normal", "high")
_A_YEAR: Final = Window(12, "months")
_LATELY_DAYS: Final = 84
_FEWEST_HOURS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """How an account is planned to do.

    Attributes:
        a_year: What it pays in a year, in EUR.
        margin: What is left of the last twelve months' revenue after the cost to serve.
        margin_before: The same of the year before.
        growth: By how much its invoices grow in a year.
        lately: The share of the last year's support that fell in its last weeks.
        incident_hours: Support that a bad quarter a year ago took, on top of all.
        custom: Hours of custom work in the last year, by feature.
    """

    a_year: float
    margin: float
    margin_before: float
    growth: float = 0.05
    lately: float = 0.23
    incident_hours: float = 0
    custom: tuple[tuple[str, float], ...] = ()


def earn(ledger: Ledger, money: Money) -> None:
    """Note revenue, costs, custom work and support."""
    _bill(ledger, money)
    _spend(ledger)
    for feature, hours in money.custom:
        for part in _parts(hours, count=max(1, round(hours / 24)), rng=ledger.rng):
            age = _between(ledger, 3, min(YEAR_DAYS - 5, ledger.age_days))
            ledger.note_ago("custom_work", age, hours=part, feature=feature)
    _support_last_year(ledger, money)
    if ledger.age_days > YEAR_DAYS:
        _support_before(ledger, money)


def year_ago(now: datetime) -> datetime:
    """Return when the last year began, as the rules count it."""
    return _A_YEAR.start(now)


def _bill(ledger: Ledger, money: Money) -> None:
    rng = ledger.rng
    phase = rng.random()
    for first in firsts_of_months(_begin(ledger), ledger.now):
        years_back = (ledger.now - first) / timedelta(days=YEAR_DAYS)
        season = 1 + 0.06 * sin(tau * (first.month / 12 + phase))
        trend = (1 + money.growth) ** (0.5 - years_back)
        use = season * trend * (0.97 + 0.06 * rng.random())
        ledger.note("revenue", first, amount=cents(money.a_year / 12 * use))
    if ledger.age_days < YEAR_DAYS / 2:
        setup = datetime.combine(ledger.since, time(9, 30), tzinfo=UTC) + timedelta(days=2)
        ledger.note("revenue", setup, amount=cents(money.a_year * 0.04))


def _spend(ledger: Ledger) -> None:
    """Note what follows from what is billed: hosting, data, devices, visits, the first weeks."""
    rng = ledger.rng
    hosting, data = 0.06 + 0.03 * rng.random(), 0.06 + 0.03 * rng.random()
    care = 0.05 + 0.02 * rng.random()
    for place, invoice in enumerate(list(ledger.happenings)):
        if invoice.kind != "revenue" or not isinstance(invoice.quantities["amount"], Decimal):
            continue
        amount = float(invoice.quantities["amount"])
        later = invoice.at + timedelta(days=2 + rng.random(), hours=4)
        ledger.note("cost", later, amount=cents(amount * hosting), driver="hosting")
        if place % 3 == 0:
            quarterly = cents(amount * 3 * data)
            ledger.note("cost", later, amount=quarterly, driver="mobile data")
            quarterly = cents(amount * 3 * care)
            ledger.note("cost", later, amount=quarterly, driver="account management")
        if rng.random() < 0.08:
            devices = cents(amount * (0.1 + 0.2 * rng.random()))
            ledger.note("cost", later, amount=devices, driver="replaced devices")


def _support_last_year(ledger: Ledger, money: Money) -> None:
    start = year_ago(ledger.now)
    revenue = float(ledger.total("revenue", "amount", since=start))
    spent = float(ledger.total("cost", "amount", since=start))
    spent += RATES["custom_work"] * float(ledger.total("custom_work", "hours", since=start))
    left = (1 - money.margin) * revenue - spent
    hours = max(_FEWEST_HOURS, left / RATES["support_case"])
    span = min(YEAR_DAYS - 4, ledger.age_days)
    if span <= 2 * _LATELY_DAYS:
        _support(ledger, hours, youngest=1, oldest=span)
        return
    _support(ledger, hours * money.lately, youngest=1, oldest=_LATELY_DAYS)
    _support(ledger, hours * (1 - money.lately), youngest=_LATELY_DAYS + 8, oldest=span)


def _support_before(ledger: Ledger, money: Money) -> None:
    begin, end = ledger.now - timedelta(days=ledger.age_days), year_ago(ledger.now)
    revenue = float(
        ledger.total("revenue", "amount", since=begin)
        - ledger.total("revenue", "amount", since=end)
    )
    spent = float(
        ledger.total("cost", "amount", since=begin) - ledger.total("cost", "amount", since=end)
    )
    left = (1 - money.margin_before) * revenue - spent
    hours = max(0.0, left / RATES["support_case"])
    _support(ledger, hours, youngest=YEAR_DAYS + 3, oldest=ledger.age_days)
    if money.incident_hours:
        _support(ledger, money.incident_hours, youngest=YEAR_DAYS + 3, oldest=YEAR_DAYS + 80)


def _support(ledger: Ledger, hours: float, *, youngest: float, oldest: float) -> None:
    if hours < 0.25 or oldest <= youngest:
        return
    usual = min(16.0, 3 + hours / 25)
    count = max(1, round(hours / usual))
    for part in _parts(hours, count=count, rng=ledger.rng):
        age = _between(ledger, youngest, oldest)
        is_new = ledger.age_days - age < 100
        ledger.note_ago(
            "support_case",
            age,
            hours=part,
            severity=ledger.rng.choice(_SEVERITIES),
            cause=ledger.rng.choice(_FIRST_CAUSES if is_new else _CAUSES),
        )


def _parts(hours: float, *, count: int, rng: Random) -> Sequence[Decimal]:
    """Return *hours* in *count* unequal parts, as near to the sum as quarters of an hour allow."""
    weights = [0.3 + rng.expovariate(1) for _ in range(count)]
    parts: list[Decimal] = []
    owed = 0.0
    for weight in weights:
        owed += hours * weight / sum(weights)
        part = quarters(owed)
        owed -= float(part)
        parts.append(part)
    return parts


def _between(ledger: Ledger, youngest: float, oldest: float) -> float:
    return youngest + ledger.rng.random() * (oldest - youngest)


def _begin(ledger: Ledger) -> date:
    return max(ledger.since, (ledger.now - timedelta(days=2 * YEAR_DAYS)).date())
