"""A metric as its rule set declares it, resolved and typed."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.metrics.kinds import Declared

Aggregation = Literal["sum", "count", "mean", "min", "max", "last", "distinct", "share"]
AGGREGATIONS: Final[tuple[Aggregation, ...]] = (
    "sum", "count", "mean", "min", "max", "last", "distinct", "share",
)  # fmt: skip
OF_ALL: Final[frozenset[Aggregation]] = frozenset({"count", "share"})
"""Those that look at events as a whole; the others look at one quantity of them."""
OF_NUMBERS: Final[frozenset[Aggregation]] = frozenset({"sum", "mean", "min", "max", "last"})

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """How far a metric looks back from the clock."""

    length: int
    unit: Literal["days", "months"]

    def start(self, at: datetime) -> datetime:
        """Return the instant after which events count; those at *at* itself still do.

        A month back from the 31st is the shorter month's last day, at the same time of day.
        """
        at = at.astimezone(UTC)
        if self.unit == "days":
            try:
                return at - timedelta(days=self.length)
            except OverflowError:
                return BEGINNING
        year, month = divmod(12 * at.year + at.month - 1 - self.length, 12)
        if year < 1:
            return BEGINNING
        day = min(at.day, monthrange(year, month + 1)[1])
        return at.replace(year=year, month=month + 1, day=day)

    def __str__(self) -> str:
        """Return it as words: `90 days`, `1 month`."""
        return f"{self.length} {self.unit if self.length > 1 else self.unit[:-1]}"


@dataclass(frozen=True, slots=True)
class Where:
    """The condition for which an event counts: its text, tree, and what it reads of an event."""

    text: str
    node: ast.Node
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One kind of event, brought down to a number.

    Attributes:
        quantity: What of an event enters; None where the event as a whole does.
        quantities: All that such an event says, by name.
    """

    name: str
    aggregation: Aggregation
    event: str
    quantity: str | None
    quantities: Mapping[str, Declared]
    where: Where | None
    window: Window | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of event that have to be reported for the metric to be known."""
        return (self.event,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costed:
    """Activity-based cost: quantities of several kinds of event, each times its rate."""

    name: str
    rates: Mapping[str, Mapping[str, Decimal]]
    window: Window | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of event that have to be reported for the metric to be known."""
        return tuple(self.rates)


Metric = Measured | Costed
