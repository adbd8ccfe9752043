"""For support and product: who takes the hours, and who asks for what."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final, Literal

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import alignment_store
from service.portfolio.alignment_store import Period
from service.portfolio.bands import FIT, score_bands
from service.portfolio.reading import Span, Statement
from service.portfolio.slicing import Slice
from service.rules import RuleSet

__all__ = ["Feature", "Product", "Served", "Support", "product", "support"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Accounts that are alike, and what serving them takes. *value* is None if not known."""

    value: str | None
    verdict: str | None
    accounts: int
    measured: int
    hours: Decimal
    support_cost: Decimal
    cost: Decimal
    revenue: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Hours and cost by outcome and by the band of the score `fit`; exact."""

    every: Served
    outcomes: Sequence[Served]
    fit: Sequence[Served]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature that was asked for or built, and how many accounts share the wish.

    *inside* the profile are those the rules qualify for certain, *outside* those they
    disqualify for certain; the others are neither yet.
    """

    feature: str
    requests: int
    requests_inside: int
    requests_outside: int
    custom_hours: Decimal
    accounts: int
    inside: int
    outside: int

    @property
    def need(self) -> Literal["one_off", "shared", "outside_only", "unclear"]:
        """One account's wish; a need of two inside or more; of those outside only; or unclear."""
        if self.accounts == 1:
            return "one_off"
        if self.inside > 1:
            return "shared"
        return "outside_only" if self.outside == self.accounts else "unclear"


_FEATURE: Final = tuple(one.name for one in fields(Feature))


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """All features, those that most accounts inside the profile share first.

    Attributes:
        outside: The share of requests from outside the profile, at least and at most: requests
            of accounts of which it is not known may be either.
    """

    requests: int
    requests_inside: int
    requests_outside: int
    outside: tuple[float, float] | None
    features: Sequence[Feature]


async def support(
    connection: AsyncConnection,
    statement: Statement,
    *,
    rules: RuleSet,
    slices: Sequence[Slice],
) -> Support:
    """Return what serving the accounts of *statement* takes."""
    rows = await alignment_store.read_service(connection, statement.id, score=FIT, slices=slices)
    score = next((one for one in rules.model.scores if one.name == FIT), None)
    by_fit: list[Served] = []
    if score is not None and score.floor is not None and score.ceiling is not None:
        bands = score_bands(score.floor, score.ceiling)
        by_fit = _served(
            rows,
            lambda row: (None if not row.scores else bands.name_of_span(Span(*row.scores)), None),
        )
    return Support(
        every=(_served(rows, lambda _: (None, None)) or [_nothing()])[0],
        outcomes=_served(rows, lambda row: (row.outcome, row.verdict)),
        fit=by_fit,
    )


async def product(
    connection: AsyncConnection, statement: Statement, period: Period, *, slices: Sequence[Slice]
) -> Product:
    """Return which features the accounts of *statement* asked for in *period*."""
    rows = await alignment_store.read_asked_features(connection, statement, period, slices=slices)
    features = [Feature(**{name: getattr(row, name) for name in _FEATURE}) for row in rows]
    features.sort(key=lambda one: (-one.inside, -one.accounts, -one.requests, one.feature))
    requests = sum(one.requests for one in features)
    inside = sum(one.requests_inside for one in features)
    outside = sum(one.requests_outside for one in features)
    share = (outside / requests, (requests - inside) / requests) if requests else None
    return Product(
        requests=requests,
        requests_inside=inside,
        requests_outside=outside,
        outside=share,
        features=features,
    )


def _served(
    rows: Iterable[Row[Any]], part_of: Callable[[Row[Any]], tuple[str | None, str | None]]
) -> list[Served]:
    parts: dict[tuple[str | None, str | None], list[Row[Any]]] = {}
    for row in rows:
        parts.setdefault(part_of(row), []).append(row)
    served = [
        Served(
            value=value,
            verdict=verdict,
            accounts=sum(row.accounts for row in part),
            measured=sum(row.measured for row in part),
            hours=sum((row.hours for row in part), Decimal(0)),
            support_cost=sum((row.support_cost for row in part), Decimal(0)),
            cost=sum((row.cost for row in part), Decimal(0)),
            revenue=sum((row.revenue for row in part), Decimal(0)),
        )
        for (value, verdict), part in parts.items()
    ]
    return sorted(served, key=lambda one: (one.value is None, one.value or ""))


def _span_of(row: Row[Any]) -> Span | None:
    return Span(*row.scores) if row.scores else None


def _nothing() -> Served:
    zero = Decimal(0)
    return Served(
        value=None, verdict=None, accounts=0, measured=0, hours=zero, support_cost=zero,
        cost=zero, revenue=zero,
    )  # fmt: skip
