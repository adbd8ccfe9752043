"""What shadows found, in the database: SQL only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.comparing import Disagreement
from service.decisions.shadow_counting import Cell, Findings
from service.storage import instant_of
from service.storage.tables import DecisionRow, ShadowDisagreement, ShadowMovement, ShadowTally

__all__ = [
    "MOST_KEPT",
    "Position",
    "Sought",
    "add_findings",
    "find_disagreement",
    "list_disagreements",
    "read_changes",
    "read_movements",
    "read_tallies",
    "start_transaction",
    "was_committed",
]

MOST_KEPT: Final = 1_000
"""Disagreements kept of one kind: from one verdict and outcome to another, or failed."""

# Ordered, so that two processes wait for each other's rows and never in a ring.
_ADD_TALLIES: Final = text(
    "INSERT INTO shadow_tally AS t (release_id, rule_set, version, compared, disagreed, failed,"
    " dropped, shadow_us, first_at, last_at)"
    " SELECT * FROM unnest(CAST(:release_id AS uuid[]), CAST(:rule_set AS text[]),"
    " CAST(:version AS integer[]), CAST(:compared AS bigint[]), CAST(:disagreed AS bigint[]),"
    " CAST(:failed AS bigint[]), CAST(:dropped AS bigint[]), CAST(:shadow_us AS bigint[]),"
    " CAST(:first_at AS timestamptz[]), CAST(:last_at AS timestamptz[])) AS given (release_id)"
    " ORDER BY given.release_id"
    " ON CONFLICT (release_id) DO UPDATE SET compared = t.compared + excluded.compared,"
    " disagreed = t.disagreed + excluded.disagreed, failed = t.failed + excluded.failed,"
    " dropped = t.dropped + excluded.dropped, shadow_us = t.shadow_us + excluded.shadow_us,"
    " first_at = least(t.first_at, excluded.first_at),"
    " last_at = greatest(t.last_at, excluded.last_at)"
    " RETURNING t.release_id, t.failed"
)
_ADD_MOVEMENTS: Final = text(
    "INSERT INTO shadow_movement AS m (release_id, live_version, verdict_before, outcome_before,"
    " verdict_after, outcome_after, decisions, disagreed)"
    " SELECT * FROM unnest(CAST(:release_id AS uuid[]), CAST(:live_version AS integer[]),"
    " CAST(:verdict_before AS text[]), CAST(:outcome_before AS text[]),"
    " CAST(:verdict_after AS text[]), CAST(:outcome_after AS text[]),"
    " CAST(:decisions AS bigint[]), CAST(:disagreed AS bigint[]))"
    " AS given (a, b, c, d, e, f) ORDER BY a, b, c, d, e, f"
    " ON CONFLICT (release_id, live_version, verdict_before, outcome_before, verdict_after,"
    " outcome_after) DO UPDATE SET decisions = m.decisions + excluded.decisions,"
    " disagreed = m.disagreed + excluded.disagreed"
    " RETURNING m.release_id, m.live_version, m.verdict_before, m.outcome_before,"
    " m.verdict_after, m.outcome_after, m.disagreed"
)
_TYPES: Final = {
    "decided_at": "timestamptz",
    "decision_id": "uuid",
    "release_id": "uuid",
    "version": "integer",
    "live_version": "integer",
}
_JSONB: Final = frozenset({"scores", "facts", "tabled", "data_problems"})
_PERSONAL: Final = frozenset({"facts", "tabled"})
_CELL: Final = (
    "release_id",
    "live_version",
    "verdict_before",
    "outcome_before",
    "verdict_after",
    "outcome_after",
)
_COLUMNS: Final = tuple(column.name for column in fields(Disagreement))


def _insert_disagreements() -> str:
    arrays = ", ".join(f"CAST(:{name} AS {_TYPES.get(name, 'text')}[])" for name in _COLUMNS)
    values = ", ".join(_value(name) for name in _COLUMNS)
    names = ", ".join(_COLUMNS)
    # What was erased since it was judged is not written again.
    return (
        f"INSERT INTO shadow_disagreement ({names}, facts_erased_at)"  # noqa: S608 - column names only
        f" SELECT {values}, d.facts_erased_at FROM unnest({arrays}) AS given ({names})"
        " JOIN decision AS d ON d.decided_at = given.decided_at AND d.id = given.decision_id"
        " ORDER BY given.rule_set, given.version, given.decided_at, given.decision_id"
        " ON CONFLICT DO NOTHING"
    )


def _value(name: str) -> str:
    value = f"given.{name}::jsonb" if name in _JSONB else f"given.{name}"
    return f"CASE WHEN d.facts IS NOT NULL THEN {value} END" if name in _PERSONAL else value


_ADD_DISAGREEMENTS: Final = text(_insert_disagreements())

Position = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which disagreements of one shadow to list; *after* may be `failed`."""

    rule_set: str
    version: int
    before: str | None = None
    after: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the filters as a cursor remembers them."""
        return {"disagreements": [self.rule_set, self.version, self.before, self.after]}


async def start_transaction(connection: AsyncConnection) -> str:
    """Return the number of this transaction, by which its end can be found out."""
    number = await connection.execute(text("SELECT CAST(pg_current_xact_id() AS text)"))
    return str(number.scalar_one())


async def was_committed(connection: AsyncConnection, number: str) -> bool | None:
    """Return whether transaction *number* was committed; None while it is running.

    One so long ago that nobody knows counts as committed: nothing is ever counted twice.
    """
    statement = text("SELECT pg_xact_status(CAST(:number AS xid8))")
    status = (await connection.execute(statement, {"number": number})).scalar_one()
    return None if status == "in progress" else status != "aborted"


async def add_findings(
    connection: AsyncConnection, found: Findings, *, most: int = MOST_KEPT
) -> None:
    """Add to the counts; keep the disagreements, up to *most* of each kind over all time."""
    if not found.counts:
        return
    failures = await _add_tallies(connection, found)
    disagreed = await _add_movements(connection, found)
    kept = _room_for(found, failures=failures, disagreed=disagreed, most=most)
    if kept:
        columns = {name: [getattr(one, name) for one in kept] for name in _COLUMNS}
        await connection.execute(_ADD_DISAGREEMENTS, columns)


async def read_tallies(connection: AsyncConnection, rule_set: str) -> dict[int, Row[Any]]:
    """Return the counts of each version of *rule_set* that was ever in the shadow."""
    columns = ("compared", "disagreed", "failed", "dropped", "shadow_us")
    sums = [func.sum(getattr(ShadowTally, name)).label(name) for name in columns]
    statement: Select[Any] = (
        select(ShadowTally.version, *sums, func.max(ShadowTally.last_at).label("last_at"))
        .where(ShadowTally.rule_set == rule_set)
        .group_by(ShadowTally.version)
    )
    return {row.version: row for row in (await connection.execute(statement)).all()}


async def read_changes(connection: AsyncConnection, rule_set: str) -> dict[int, int]:
    """Return, by version, how many decisions would have another verdict."""
    statement = (
        select(ShadowTally.version, func.sum(ShadowMovement.decisions))
        .join(ShadowMovement, ShadowMovement.release_id == ShadowTally.release_id)
        .where(
            ShadowTally.rule_set == rule_set,
            ShadowMovement.verdict_before != ShadowMovement.verdict_after,
        )
        .group_by(ShadowTally.version)
    )
    return {version: int(number) for version, number in await connection.execute(statement)}


async def read_movements(
    connection: AsyncConnection, rule_set: str, version: int
) -> Sequence[Row[Any]]:
    """Return how many decisions went from where to where, by the version that was live."""
    names = ("live_version", "verdict_before", "outcome_before", "verdict_after", "outcome_after")
    columns = [getattr(ShadowMovement, name) for name in names]
    statement: Select[Any] = (
        select(*columns, func.sum(ShadowMovement.decisions).label("decisions"))
        .join(ShadowTally, ShadowTally.release_id == ShadowMovement.release_id)
        .where(ShadowTally.rule_set == rule_set, ShadowTally.version == version)
        .group_by(*columns)
    )
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def list_disagreements(
    connection: AsyncConnection, sought: Sought, *, before: Position | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* disagreements with the live scores, the newest decision first."""
    order = (ShadowDisagreement.decided_at, ShadowDisagreement.decision_id)
    statement = (
        _disagreements()
        .where(
            ShadowDisagreement.rule_set == sought.rule_set,
            ShadowDisagreement.version == sought.version,
        )
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    if sought.before is not None:
        statement = statement.where(ShadowDisagreement.verdict_before == sought.before)
    if sought.after == "failed":
        statement = statement.where(ShadowDisagreement.failure.is_not(None))
    elif sought.after is not None:
        statement = statement.where(ShadowDisagreement.verdict == sought.after)
    if before is not None:
        statement = statement.where(tuple_(*order) < tuple_(*before))
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def find_disagreement(
    connection: AsyncConnection, rule_set: str, version: int, *, decision_id: UUID
) -> Row[Any] | None:
    """Return the disagreement of one shadow on one decision."""
    try:
        decided_at = instant_of(decision_id)
    except OverflowError:  # an id of the year 10000 or later
        return None
    statement = _disagreements().where(
        ShadowDisagreement.rule_set == rule_set,
        ShadowDisagreement.version == version,
        ShadowDisagreement.decided_at == decided_at,
        ShadowDisagreement.decision_id == decision_id,
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


def _disagreements() -> Select[Any]:
    is_same = and_(
        DecisionRow.decided_at == ShadowDisagreement.decided_at,
        DecisionRow.id == ShadowDisagreement.decision_id,
    )
    live = DecisionRow.scores.label("scores_before")
    return select(ShadowDisagreement.__table__, live).join(DecisionRow, is_same)


async def _add_tallies(connection: AsyncConnection, found: Findings) -> dict[UUID, int]:
    """Add to the counts; return how often each shadow release has failed by now."""
    counts = found.counts
    names = ("rule_set", "version", "compared", "disagreed", "failed", "dropped", "shadow_us")
    columns: dict[str, list[Any]] = {
        name: [getattr(count, name) for count in counts.values()]
        for name in (*names, "first_at", "last_at")
    }
    rows = await connection.execute(_ADD_TALLIES, columns | {"release_id": list(counts)})
    return {row.release_id: row.failed for row in rows}


async def _add_movements(connection: AsyncConnection, found: Findings) -> dict[Cell, int]:
    """Add to the movements; return how many disagreements there are of each by now."""
    if not found.moved:
        return {}
    places = zip(*found.moved, strict=True)
    columns: dict[str, list[Any]] = dict(zip(_CELL, map(list, places), strict=True))
    columns["decisions"] = [moved.decisions for moved in found.moved.values()]
    columns["disagreed"] = [moved.disagreed for moved in found.moved.values()]
    rows = await connection.execute(_ADD_MOVEMENTS, columns)
    return {tuple(row[:-1]): row.disagreed for row in rows}


def _room_for(
    found: Findings, *, failures: Mapping[UUID, int], disagreed: Mapping[Cell, int], most: int
) -> list[Disagreement]:
    """Return the disagreements found of whose kind there were few before."""
    room: dict[object, int] = {}
    for cell, moved in found.moved.items():
        room[cell] = most - (disagreed[cell] - moved.disagreed)
    for release_id, count in found.counts.items():
        room[release_id] = most - (failures[release_id] - count.failed)
    kept = []
    for one in found.disagreements:
        kind = _kind_of(one)
        if room[kind] > 0:
            room[kind] -= 1
            kept.append(one)
    return kept


def _kind_of(one: Disagreement) -> Cell | UUID:
    if one.verdict is None or one.outcome is None:
        return one.release_id
    before = (one.verdict_before, one.outcome_before)
    return (one.release_id, one.live_version, *before, one.verdict, one.outcome)
