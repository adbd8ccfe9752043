"""What positions say of who would be better off elsewhere, in the database: SQL only.

The conditions are those of `better_off`, over the same stored letters.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, case, false, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.better_off import Criteria, Lot
from service.portfolio.ranging import Amount
from service.portfolio.reading import Statement
from service.portfolio.slicing import Slice
from service.portfolio.store import in_slices
from service.storage.tables import PositionRow

__all__ = ["lots_of"]

_SOME: Final = literal("some")
_ALL: Final = literal("all")
_NONE: Final = literal("none")
_MOST: Final = 255
"""How often a regular expression of Postgres repeats something."""
_ANY: Final = f".{{{_MOST}}}"


async def lots_of(
    connection: AsyncConnection,
    statement: Statement,
    criteria: Criteria,
    *,
    slices: Sequence[Slice],
    part: ColumnElement[Any] | None,
) -> list[Lot]:
    """Return the positions in *slices*, together where they are alike, taken apart by *part*."""
    revenue = PositionRow.revenue
    alike = (
        select(
            (literal(None) if part is None else part).label("part"),
            _must_have(criteria).label("must_have"),
            _sends(criteria).label("sends"),
            PositionRow.outcome,
            PositionRow.in_grace,
            revenue,
        )
        .where(PositionRow.statement_id == statement.id, *in_slices(slices))
        .subquery()
    )
    keys = [alike.c[name] for name in ("part", "must_have", "sends", "outcome", "in_grace")]
    query = select(
        *keys,
        func.count(),
        func.coalesce(func.sum(alike.c.revenue), 0),
        func.coalesce(func.sum(alike.c.revenue).filter(alike.c.revenue > 0), 0),
        func.coalesce(func.sum(alike.c.revenue).filter(alike.c.revenue < 0), 0),
    ).group_by(*keys)
    rows = (await connection.execute(query)).all()
    return [Lot(*row[:6], Amount(row[6], row[7], row[8])) for row in rows]


def _must_have(criteria: Criteria) -> ColumnElement[str]:
    if criteria.must_have is None:
        return literal("y")
    letter: Any = func.substr(_letters("rules"), criteria.must_have.place + 1, 1)
    return case((letter.in_(("y", "n")), letter), else_=literal("u"))


def _sends(criteria: Criteria) -> ColumnElement[str]:
    if not criteria.transitions:
        return _NONE
    gates, outcomes = _letters("gates"), _letters("outcomes")
    # Up to the first that is certainly yes; a gate that is decides before any outcome.
    until: Any = func.regexp_replace(gates, "y.*", "y")
    then: Any = case(
        (gates.contains("y"), literal("")), else_=func.regexp_replace(outcomes, "y.*", "y")
    )
    ids = criteria.ids
    inside, outside = [
        or_(
            _holds(until, [g for g, id_ in enumerate(criteria.gates) if (id_ in ids) is wanted]),
            _holds(then, [o for o, id_ in enumerate(criteria.outcomes) if (id_ in ids) is wanted]),
        )
        for wanted in (True, False)
    ]
    return case(
        (
            PositionRow.certain & PositionRow.outcome.is_not(None),
            case((PositionRow.outcome.in_(ids), _ALL), else_=_NONE),
        ),
        (PositionRow.letters.is_(None), _SOME),
        (~inside, _NONE),
        (~outside, _ALL),
        else_=_SOME,
    )


def _holds(text: Any, places: Collection[int]) -> ColumnElement[bool]:  # noqa: ANN401 - an expression
    """Return whether a letter at one of *places* is not no."""
    if not places:
        return false()
    before = "|".join(f"{_ANY * (place // _MOST)}.{{{place % _MOST}}}" for place in places)
    found: ColumnElement[bool] = text.regexp_match(f"^({before})[yu]")
    return found


def _letters(part: str) -> Any:  # noqa: ANN401 - SQLAlchemy's own word for an expression
    return PositionRow.letters[part].astext
