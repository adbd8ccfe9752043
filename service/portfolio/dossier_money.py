"""What an account brought and cost, month by month, to the cent: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Final

from service.portfolio.agreeing import Asked, CannotState, money_metrics
from service.portfolio.dossier_store import Said
from service.rules import RuleSet

__all__ = ["Money", "MoneyOf", "Rates", "add_up", "months_to", "rates_of", "wanted_of"]

_MONTHS: Final = 12
_ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=100)
_COST: Final = "cost"
_REVENUE: Final = "revenue"


@dataclass(frozen=True, slots=True)
class Rates:
    """What an hour, a case, a piece of each kind of event costs us, and which metrics say so.

    *metric* is None where the rule set has no rates: then what was spent is all there is.
    """

    rates: Mapping[str, Mapping[str, Decimal]]
    metric: str | None
    revenue_metric: str | None


@dataclass(slots=True)
class MoneyOf:
    """One stretch of time: revenue, and costs by driver."""

    revenue: Decimal = _ZERO
    costs: dict[str, Decimal] = field(default_factory=dict)

    @property
    def cost(self) -> Decimal:
        """What serving them cost."""
        total = _ZERO
        for amount in self.costs.values():
            total = _EXACT.add(total, amount)
        return total

    @property
    def margin(self) -> Decimal:
        """What is left."""
        return _EXACT.subtract(self.revenue, self.cost)

    def add(self, driver: str | None, amount: Decimal) -> None:
        """Add revenue, or what a driver cost."""
        if driver is None:
            self.revenue = _EXACT.add(self.revenue, amount)
        else:
            self.costs[driver] = _EXACT.add(self.costs.get(driver, _ZERO), amount)


@dataclass(frozen=True, slots=True)
class Money:
    """Twelve months up to now, what came before them, and all of it together.

    *drivers* are all that cost anything ever, the dearest of the twelve months first.
    """

    months: Mapping[date, MoneyOf]
    recent: MoneyOf
    earlier: MoneyOf
    total: MoneyOf
    drivers: tuple[str, ...]
    rates: Rates


def rates_of(rules: RuleSet | None) -> Rates:
    """Return the rates of *rules*, of the metrics that a statement by them would take."""
    if rules is not None:
        try:
            revenue, cost = money_metrics(rules, Asked())
        except CannotState:
            pass
        else:
            return Rates(cost.rates, cost.name, revenue.name)
    return Rates({_COST: {"amount": Decimal(1)}}, None, None)


def wanted_of(rates: Rates) -> dict[str, list[str]]:
    """Return which quantities of which kinds of entries have to be summed up."""
    wanted = {kind: list(names) for kind, names in rates.rates.items()}
    wanted.setdefault(_REVENUE, []).append("amount")
    return {kind: list(dict.fromkeys(names)) for kind, names in wanted.items()}


def months_to(at: datetime) -> tuple[date, ...]:
    """Return the first days of the twelve months up to that of *at*, the earliest first."""
    last = 12 * at.year + at.month - 1
    return tuple(
        date(number // 12, number % 12 + 1, 1) for number in range(last - _MONTHS + 1, last + 1)
    )


def add_up(said: Iterable[Said], *, rates: Rates, at: datetime) -> Money:
    """Return what *said* comes to. Every amount is in one month or earlier, and in the total."""
    months = {month: MoneyOf() for month in months_to(at)}
    recent, earlier, total = MoneyOf(), MoneyOf(), MoneyOf()
    for one in said:
        for driver, amount in _amounts(one, rates):
            is_recent = one.month in months
            for of in (months[one.month], recent) if is_recent else (earlier,):
                of.add(driver, amount)
            total.add(driver, amount)
    drivers = sorted(total.costs, key=lambda driver: (-recent.costs.get(driver, _ZERO), driver))
    return Money(months, recent, earlier, total, tuple(drivers), rates)


def _amounts(one: Said, rates: Rates) -> Iterable[tuple[str | None, Decimal]]:
    """Yield what one sum comes to: revenue, and a cost by the driver that it names."""
    if (one.kind, one.quantity) == (_REVENUE, "amount"):
        yield None, one.total
    rate = rates.rates.get(one.kind, {}).get(one.quantity)
    if rate is not None:
        yield one.driver or one.kind, _EXACT.multiply(rate, one.total)
