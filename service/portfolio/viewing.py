"""A view: fetch what the positions of a statement add up to, and say what that is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Query
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import view_store
from service.portfolio.concentration import BURDENS, PERCENTS, Concentration, Top, how_many
from service.portfolio.matrix import Matrix, matrix_of
from service.portfolio.reading import Statement, read_statement
from service.portfolio.slicing import (
    MOST_SLICES,
    BadSlice,
    Slice,
    check_slices,
    listed,
    read_slices,
)
from service.portfolio.summing import NOTHING, Sums, total
from service.portfolio.whale_curve import ENDS, Ranked, WhaleCurve, every
from service.rulesets import Live, SlugInPath
from service.storage import transaction
from service.storage.tables import PositionRow
from service.web import InHouse, Instant

__all__ = ["Looking", "Segment", "Viewed", "concentration", "group_sums", "matrix", "segments"]
__all__ += ["whale_curve"]

MOST_SEGMENTS: Final = 200

AtParameter = Annotated[
    Instant | None,
    Query(alias="at", description="The newest statement then or before; the newest by default."),
]
SliceParameter = Annotated[
    list[str],
    Query(
        alias="slice",
        max_length=MOST_SLICES,
        description="A name and a text, `segment:core`; several narrow each other. `segment:` is "
        "for accounts of which nobody told it.",
    ),
]


@dataclass(frozen=True, slots=True)
class Looking:
    """Which part of which statement somebody looks at, and the transaction they look in."""

    connection: AsyncConnection
    statement: Statement
    slices: Sequence[Slice]


@dataclass(frozen=True, slots=True)
class Asking:
    """What was asked for, before anything was looked up."""

    slug: str
    at: datetime | None
    slices: tuple[Slice, ...]
    house: InHouse
    live: Live

    @asynccontextmanager
    async def looking(self, *, within: timedelta | None = None) -> AsyncIterator[Looking]:
        """Open a transaction with the statement in it; *within* as `transaction` has it.

        Raises:
            RuleSetNotFound, StatementNotFound: If there is none.
            BadSlice: If it cannot be taken apart so.
        """
        await self.live.check_there(self.slug, self.house.clock())
        async with transaction(self.house.engine, within=within) as connection:
            statement = await read_statement(connection, self.slug, at=self.at)
            check_slices(statement.slices, self.slices)
            await view_store.allow_sorting(connection)
            yield Looking(connection, statement, self.slices)


async def _asking(
    slug: SlugInPath,
    house: InHouse,
    live: Live,
    at: AtParameter = None,
    slices: SliceParameter = [],  # noqa: B006 - FastAPI copies it
) -> Asking:
    return Asking(slug, at, read_slices(slices), house, live)


Viewed = Annotated[Asking, Depends(_asking)]


async def _sums(looking: Looking, *keys: Any) -> list[tuple[tuple[Any, ...], Sums]]:  # noqa: ANN401 - columns
    return await view_store.sums_by(
        looking.connection, looking.statement, *keys, slices=looking.slices
    )


async def matrix(looking: Looking) -> Matrix:
    """Return value by growth, with the statement's own thresholds."""
    terms = looking.statement.terms
    value = view_store.band("value", terms.value_from)
    growth = view_store.band("growth", terms.growth_from)
    return matrix_of((*places, sums) for places, sums in await _sums(looking, value, growth))


async def group_sums(looking: Looking) -> list[tuple[str | None, bool, Sums]]:
    """Return sums by outcome and whether a grace period decided."""
    columns = (PositionRow.outcome, PositionRow.in_grace)
    return [(*places, sums) for places, sums in await _sums(looking, *columns)]


@dataclass(frozen=True, slots=True)
class Segment:
    """The accounts that share a text, by outcome; a text of None is not known."""

    value: str | None
    outcomes: tuple[tuple[str | None, Sums], ...]

    @property
    def sums(self) -> Sums:
        """All of them together."""
        return total(sums for _, sums in self.outcomes)


async def segments(looking: Looking, by: str) -> tuple[list[Segment], Sums]:
    """Return the segments of most revenue, and what all others add up to.

    Raises:
        BadSlice: If the statement cannot be taken apart by this name.
    """
    if by not in looking.statement.slices:
        words = f"the statement cannot be taken apart so; it has {listed(looking.statement.slices)}"
        raise BadSlice(words, parameter="by")
    found: dict[str | None, list[tuple[str | None, Sums]]] = {}
    for (value, outcome), sums in await _sums(
        looking, view_store.slice_of(by), PositionRow.outcome
    ):
        found.setdefault(value, []).append((outcome, sums))
    every_one = [Segment(value, tuple(_in_order(each))) for value, each in found.items()]
    every_one.sort(key=lambda one: (-one.sums.revenue, -one.sums.accounts, one.value or ""))
    listed_ones, others = every_one[:MOST_SEGMENTS], every_one[MOST_SEGMENTS:]
    return listed_ones, total(one.sums for one in others) if others else NOTHING


def _in_order(outcomes: list[tuple[str | None, Sums]]) -> list[tuple[str | None, Sums]]:
    return sorted(outcomes, key=lambda each: (-each[1].accounts, each[0] or ""))


async def whale_curve(looking: Looking) -> WhaleCurve:
    """Return the whale curve."""
    given: dict[str, Any] = {"slices": looking.slices}
    ends = await view_store.whale_ends(looking.connection, looking.statement, **given)
    points = await view_store.curve_points(
        looking.connection,
        looking.statement,
        every=every(ends.accounts),
        also=(ends.makers, ends.accounts),
        **given,
    )
    most, least = await view_store.ends_of(
        looking.connection, looking.statement, limit=ENDS, **given
    )
    return WhaleCurve(
        accounts=ends.accounts,
        measured=ends.measured,
        makers=ends.makers,
        takers=ends.takers,
        peak=ends.peak,
        taken=ends.taken,
        points=tuple(points),
        most=tuple(_ranked(row) for row in most),
        least=tuple(_ranked(row) for row in least),
    )


def _ranked(row: Row[Any]) -> Ranked:
    return Ranked(row.key, row.name, row.outcome, row.revenue, row.cost)


async def concentration(looking: Looking) -> tuple[int, list[Concentration]]:
    """Return how many accounts there are, and of each burden how few cause how much."""
    given: dict[str, Any] = {"slices": looking.slices}
    sums = await view_store.burdens_of(looking.connection, looking.statement, **given)
    numbers = [how_many(sums.accounts, percent) for percent in PERCENTS]
    found = []
    for burden in BURDENS:
        whole = getattr(sums, burden)
        tops = await view_store.top_of(
            looking.connection, looking.statement, burden, numbers=numbers, **given
        )
        found.append(
            Concentration(
                burden,
                whole,
                tuple(
                    Top(
                        percent=percent,
                        accounts=number,
                        amount=amount,
                        of=whole,
                        revenue=revenue,
                        margin=margin,
                        of_margin=sums.margin,
                    )
                    for percent, number, (amount, revenue, margin) in zip(
                        PERCENTS, numbers, tops, strict=True
                    )
                ),
            )
        )
    return sums.accounts, found
