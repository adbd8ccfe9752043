"""The reference meaning of metrics: events and a clock give numbers, or nothing is known.

Simple and slow on purpose: what measures in a database must equal this.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Final, assert_never

from service.rules.attributes import Fact
from service.rules.expression import evaluate
from service.rules.expression.evaluate import Known
from service.rules.metrics.kinds import NUMBER, Quantity
from service.rules.metrics.model import BEGINNING, Costed, Measured, Metric, Where, Window
from service.rules.ranges import LARGEST_EXACT, six_places
from service.rules.truth import YES

_DIGITS: Final = 100
"""More than a billion events of the largest quantity at the largest rate need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, as the ledger keeps it.

    Attributes:
        quantities: JSON values by name.
        source, id: Who said so, and the source's own name for it; of two events at the same
            instant, the one with the larger pair is the later one.
    """

    kind: str
    at: datetime
    quantities: Mapping[str, object]
    source: str = ""
    id: str = ""


def measure(
    metrics: Iterable[Metric], events: Iterable[Event], *, reported: Collection[str], at: datetime
) -> dict[str, float | None]:
    """Return each metric's value at the clock *at*, None where it is not known.

    A metric over no events is 0 for sums, costs and counts, and not known otherwise. It is
    not known either where no source of the account reports one of its kinds, or where an
    event that counts does not say the quantity: what is not known is never taken for 0.

    Args:
        metrics: What a rule set declares.
        events: The account's events in any order, without those that were reversed.
        reported: The kinds of event that some source of the account reports.
        at: The decision's clock, with a time zone. Later events are not seen.
    """
    known = list(events)
    with localcontext(prec=_DIGITS):
        return {
            metric.name: as_measured(_value(metric, known, at))
            if reported_all(metric, reported)
            else None
            for metric in metrics
        }


def reported_all(metric: Metric, reported: Collection[str]) -> bool:
    """Return whether every kind that *metric* looks at is among the *reported* ones."""
    return all(kind in reported for kind in metric.kinds)


def as_measured(value: Decimal | float | None) -> float | None:
    """Return *value* as the facts' door makes it; past 2^53 nothing exact is known."""
    if value is None:
        return None
    number = float(value)
    return six_places(number) if abs(number) <= LARGEST_EXACT else None


def _value(metric: Metric, events: Sequence[Event], at: datetime) -> Decimal | float | None:
    match metric:
        case Costed():
            return _cost(metric, events, at)
        case Measured():
            return _aggregate(metric, events, at)
        case unknown:
            assert_never(unknown)


def counted(metric: Metric, events: Sequence[Event], at: datetime) -> list[Event]:
    """Return the events that *metric* is made of at the clock *at*, in no order."""
    found = [
        event
        for kind in metric.kinds
        for event in _within(events, kind, window=metric.window, at=at)
    ]
    return [one for one in found if isinstance(metric, Costed) or _counts(one, metric)]


def _cost(metric: Costed, events: Sequence[Event], at: datetime) -> Decimal | None:
    total = Decimal(0)
    for kind, rates in metric.rates.items():
        for event in _within(events, kind, window=metric.window, at=at):
            for name, rate in rates.items():
                quantity = NUMBER.read(event.quantities.get(name))
                if not isinstance(quantity, Decimal):
                    return None
                total += rate * quantity
    return total


def _aggregate(metric: Measured, events: Sequence[Event], at: datetime) -> Decimal | float | None:
    seen = list(_within(events, metric.event, window=metric.window, at=at))
    counted = [event for event in seen if _counts(event, metric)]
    if metric.quantity is None:
        if metric.aggregation == "share":
            return len(counted) / len(seen) if seen else None
        return float(len(counted))
    if metric.aggregation == "last":
        counted = [max(counted, key=_when)] if counted else []
    declared = metric.quantities[metric.quantity]
    values = [declared.read(event.quantities.get(metric.quantity)) for event in counted]
    said = [value for value in values if value is not None]
    if len(said) < len(values):
        return None
    if metric.aggregation == "distinct":
        return float(len(set(said)))
    return _of_numbers(metric, [value for value in said if isinstance(value, Decimal)])


def _of_numbers(metric: Measured, values: Sequence[Decimal]) -> Decimal | float | None:
    if metric.aggregation == "sum":
        return sum(values, Decimal(0))
    if not values:
        return None
    match metric.aggregation:
        case "mean":
            return float(sum(values)) / len(values)
        case "min":
            return min(values)
        case "max":
            return max(values)
        case _:
            return values[-1]


def _within(
    events: Iterable[Event], kind: str, *, window: Window | None, at: datetime
) -> Iterator[Event]:
    start = BEGINNING if window is None else window.start(at)
    for event in events:
        if event.kind == kind and start < event.at <= at:
            yield event


def _when(event: Event) -> tuple[datetime, str, str]:
    return event.at, event.source, event.id


def _counts(event: Event, metric: Measured) -> bool:
    """Return whether *event* counts: where the condition is unknown it does not."""
    if metric.where is None:
        return True
    known = Known(
        values=_facts(event, metric, metric.where),
        attributes=metric.where.attributes,
        today=event.at.astimezone(UTC).date(),
        is_open=False,
    )
    return evaluate.truth(metric.where.node, known) is YES


def _facts(event: Event, metric: Measured, where: Where) -> dict[str, Fact]:
    read = {
        name: metric.quantities[name].read(event.quantities.get(name)) for name in where.attributes
    }
    return {name: _plain(value) for name, value in read.items() if value is not None}


def _plain(value: Quantity) -> Fact:
    return six_places(float(value)) if isinstance(value, Decimal) else value
