"""Two statements beside each other, in the database: SQL only."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, Row, Select, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from service.portfolio.attributing import SCORES, SIXTHS, Together, Why, why_of
from service.portfolio.kept_store import kept_rows
from service.portfolio.movements import Flow, Moves, Place
from service.portfolio.reading import Statement
from service.portfolio.slicing import Slice
from service.portfolio.store import in_slices
from service.portfolio.summing import Sums
from service.portfolio.view_store import band
from service.rules.compare import CAUSES, Cause
from service.storage.tables import PositionRow, ScenarioAccount

__all__ = ["list_kept", "list_moved", "read_moves", "sum_causes"]


async def read_moves(
    connection: AsyncConnection, before: Statement, after: Statement, *, slices: Sequence[Slice]
) -> Moves:
    """Return every account of either statement in its flow, by the thresholds of *after*.

    An account is in a slice by its later position, where it has one.
    """
    ends = _ends(before, after, slices=slices).subquery()
    keys = [ends.c[name] for name in _PLACES]
    later = ends.c
    query = select(
        *keys,
        func.count(),
        func.count().filter(later.certain),
        func.count().filter(later.is_measured),
        func.coalesce(func.sum(later.revenue), 0),
        func.coalesce(func.sum(later.cost), 0),
    ).group_by(*keys)
    flows = []
    for row in await kept_rows(connection, after.id, query):
        was_there, is_there, *places = row[:8]
        accounts, certain, measured, revenue, cost = row[8:]
        flows.append(
            Flow(
                Place(*places[0::2]) if was_there else None,
                Place(*places[1::2]) if is_there else None,
                Sums(
                    accounts=accounts,
                    certain=certain,
                    measured=measured,
                    revenue=revenue,
                    cost=cost,
                ),
            )
        )
    return Moves(tuple(flows))


async def list_moved(
    connection: AsyncConnection,
    before: Statement,
    after: Statement,
    *,
    slices: Sequence[Slice],
    among: UUID | None = None,
    following: tuple[Decimal, UUID] | None = None,
    limit: int | None = None,
) -> Sequence[Row[Any]]:
    """Return who is in both statements and not where they were, those of most revenue first.

    *among* is the scenario that has found all who moved, where there is one: a page of them
    takes milliseconds then.
    """
    ends = _ends(before, after, slices=slices, among=among).subquery()
    query: Select[Any] = select(ends).where(
        ends.c.was_there,
        ends.c.is_there,
        or_(
            *(
                ends.c[f"{name}_before"].is_distinct_from(ends.c[f"{name}_after"])
                for name in ("outcome", "value", "growth")
            )
        ),
    )
    if following is not None:
        revenue, account_id = following
        query = query.where(
            or_(
                ends.c.revenue < revenue,
                and_(ends.c.revenue == revenue, ends.c.account_id > account_id),
            )
        )
    query = query.order_by(ends.c.revenue.desc(), ends.c.account_id).limit(limit)
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows


async def list_kept(
    connection: AsyncConnection, scenario_id: UUID, accounts: Sequence[UUID]
) -> dict[UUID, Why]:
    """Return why these *accounts* moved, as it was worked out."""
    query = select(ScenarioAccount.account_id, ScenarioAccount.moves).where(
        ScenarioAccount.scenario_id == scenario_id, ScenarioAccount.account_id.in_(list(accounts))
    )
    return {row.account_id: why_of(row.moves) for row in await connection.execute(query)}


async def sum_causes(
    connection: AsyncConnection, scenario: Row[Any], *, slices: Sequence[Slice]
) -> dict[tuple[str | None, str | None], Together]:
    """Return what the causes did to all that moved, by the groups before and after.

    An account is in a slice by its later position.
    """
    kept: Any = ScenarioAccount
    sums = [
        func.coalesce(func.sum(cast(kept.moves[part][cause].astext, Numeric)), 0)
        for part in ("group", *SCORES)
        for cause in CAUSES
    ]
    unknown = func.count().filter(kept.moves.has_key("unknown"))
    query: Select[Any] = (
        select(kept.before, kept.after, func.count(), unknown, *sums)
        .where(kept.scenario_id == scenario.id)
        .group_by(kept.before, kept.after)
    )
    if slices:
        query = query.join(
            PositionRow,
            and_(
                PositionRow.statement_id == scenario.statement_id,
                PositionRow.account_id == kept.account_id,
            ),
        ).where(*in_slices(slices))
    return {
        (row[0], row[1]): Together(
            accounts=row[2],
            unknown=row[3],
            groups=_causes(row[4:7], SIXTHS),
            scores={
                score: _causes(row[7 + 3 * place : 10 + 3 * place])
                for place, score in enumerate(SCORES)
            },
        )
        for row in await kept_rows(connection, scenario.statement_id, query)
    }


def _causes(sums: Sequence[Decimal], parts: int = 1) -> dict[Cause, Fraction]:
    return {cause: Fraction(total) / parts for cause, total in zip(CAUSES, sums, strict=True)}


_PLACES = (
    "was_there",
    "is_there",
    "outcome_before",
    "outcome_after",
    "value_before",
    "value_after",
    "growth_before",
    "growth_after",
)


def _ends(
    before: Statement, after: Statement, *, slices: Sequence[Slice], among: UUID | None = None
) -> Select[Any]:
    """Return a row for each account of either statement."""
    old: Any = _of(before, among)
    new: Any = _of(after, among)
    is_there, was_there = new.account_id.is_not(None), old.account_id.is_not(None)

    def later(name: str) -> ColumnElement[Any]:
        return case((is_there, getattr(new, name)), else_=getattr(old, name)).label(name)

    slices_of: Any = case((is_there, new.slices), else_=old.slices)
    limits = {"value": after.terms.value_from, "growth": after.terms.growth_from}
    return (
        select(
            later("account_id"),
            later("key"),
            later("name"),
            later("certain"),
            later("is_measured"),
            later("revenue"),
            later("cost"),
            was_there.label("was_there"),
            is_there.label("is_there"),
            old.decision_id.label("decision_before"),
            new.decision_id.label("decision_after"),
            old.outcome.label("outcome_before"),
            new.outcome.label("outcome_after"),
            *(
                band(score, limit, of=one).label(f"{score}_{when}")
                for score, limit in limits.items()
                for one, when in ((old, "before"), (new, "after"))
            ),
        )
        .select_from(old)
        .join(new, new.account_id == old.account_id, full=True)
        .where(*(func.coalesce(slices_of[one.name].astext, "") == one.value for one in slices))
    )


def _of(statement: Statement, among: UUID | None) -> Any:  # noqa: ANN401 - an alias has the columns of its table
    positions = select(PositionRow).where(PositionRow.statement_id == statement.id)
    if among is not None:
        moved = select(ScenarioAccount.account_id).where(ScenarioAccount.scenario_id == among)
        positions = positions.where(PositionRow.account_id.in_(moved))
    return aliased(PositionRow, positions.subquery())
