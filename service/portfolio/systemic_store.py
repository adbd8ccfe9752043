"""Counts of who meets which criterion, policies and examinations in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.kept_store import kept_rows
from service.portfolio.reading import Statement
from service.portfolio.systemic import Group
from service.portfolio.systemic_criteria import Criterion
from service.storage.tables import (
    ExaminationRow,
    PositionRow,
    StatementRow,
    SystemicPolicyRow,
)

__all__ = ["accounts_of", "add_examination", "count_letters", "count_shared", "find_earlier"]
__all__ += ["find_examination", "find_policy", "find_unexamined", "put_policy", "take_turn"]

_LETTERS: Final = {"gate": "gates", "points": "rules", "outcome": "outcomes"}
_LONG: Final = text("SET LOCAL statement_timeout = '60s'")


async def count_letters(
    connection: AsyncConnection,
    statement: Statement,
    criteria: Sequence[Criterion],
    slices: Sequence[str],
) -> Sequence[Row[Any]]:
    """Return how many accounts of each group have which letters: y, n or u, one a criterion.

    The trace is the one before suspensions, so that nothing counts otherwise for having been
    called systemic. Whom a grace period decided is left out: nothing is said of them. Where
    another version decided, nothing is known.
    """
    read = " || ".join(
        f"coalesce(substr(found ->> '{_LETTERS[one.kind]}', {one.place + 1}, 1), 'u')"
        for one in criteria
    )
    names = {f"slice_{place}": name for place, name in enumerate(slices)}
    groups = ", ".join(["('', '')", *(f"(:{name}, slices ->> :{name})" for name in names)])
    query = f"""
        WITH judged AS MATERIALIZED (
            SELECT slices, coalesce(letters -> 'before', letters) AS found
            FROM position WHERE statement_id = :statement AND NOT in_grace
        ), told AS MATERIALIZED (SELECT slices, {read} AS letters FROM judged)
        SELECT slice, value, letters, count(*) AS accounts
        FROM told, LATERAL (VALUES {groups}) AS "group" (slice, value)
        WHERE value IS NOT NULL GROUP BY slice, value, letters
    """  # noqa: S608 - places and our own words; names of slices are parameters
    await connection.execute(_LONG)
    given = {"statement": statement.id, **names}
    return (await connection.execute(text(query), given)).all()


async def count_shared(
    connection: AsyncConnection, statement_id: UUID, pairs: Sequence[tuple[Group, Group]]
) -> list[int]:
    """Return how many accounts are in both groups of each pair, among those that count."""
    if not pairs:
        return []
    slices: Any = PositionRow.slices
    both = [
        func.count().filter(*(slices[group.slice].astext == group.value for group in pair))
        for pair in pairs
    ]
    query = select(*both).where(PositionRow.statement_id == statement_id, ~PositionRow.in_grace)
    (row,) = await kept_rows(connection, statement_id, query)
    return list(row)


async def accounts_of(
    connection: AsyncConnection, statement_id: UUID, group: Group
) -> Sequence[UUID]:
    """Return the accounts of a group in a statement."""
    statement = select(PositionRow.account_id).where(PositionRow.statement_id == statement_id)
    if group.slice:
        statement = statement.where(PositionRow.slices[group.slice].astext == group.value)
    return (await connection.execute(statement)).scalars().all()


async def find_policy(connection: AsyncConnection, rule_set: str) -> Mapping[str, Any] | None:
    """Return the policy of a rule set as it is kept."""
    statement = select(SystemicPolicyRow.policy).where(SystemicPolicyRow.rule_set == rule_set)
    found: Mapping[str, Any] | None = (await connection.execute(statement)).scalar_one_or_none()
    return found


async def put_policy(
    connection: AsyncConnection,
    rule_set: str,
    policy: Mapping[str, Any],
    *,
    by: str,
    at: datetime,
) -> None:
    """Keep the policy of a rule set."""
    values = {"policy": dict(policy), "changed_by": by, "changed_at": at}
    statement = insert(SystemicPolicyRow).values(rule_set=rule_set, **values)
    statement = statement.on_conflict_do_update(index_elements=["rule_set"], set_=values)
    await connection.execute(statement)


async def find_unexamined(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the newest statement of each rule set that is done, where nobody examined it."""
    newest = (
        select(StatementRow.__table__)
        .ext(distinct_on(StatementRow.rule_set))
        .where(StatementRow.state == "done")
        .order_by(StatementRow.rule_set, StatementRow.at.desc(), StatementRow.id.desc())
        .subquery()
    )
    statement = (
        select(newest)
        .outerjoin(ExaminationRow, ExaminationRow.statement_id == newest.c.id)
        .where(ExaminationRow.statement_id.is_(None))
    )
    return (await connection.execute(statement)).all()


async def add_examination(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Keep an examination; False where somebody else has. Waits for whoever is at it."""
    statement = (
        insert(ExaminationRow)
        .values(**values)
        .on_conflict_do_nothing()
        .returning(ExaminationRow.statement_id)
    )
    return (await connection.execute(statement)).first() is not None


async def find_examination(connection: AsyncConnection, statement_id: UUID) -> Row[Any] | None:
    """Return what was counted in a statement."""
    statement = select(ExaminationRow.__table__).where(ExaminationRow.statement_id == statement_id)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def find_earlier(
    connection: AsyncConnection, rule_set: str, *, until: datetime
) -> Row[Any] | None:
    """Return the newest examination of a statement of *until* or before."""
    statement = (
        select(ExaminationRow.__table__)
        .where(ExaminationRow.rule_set == rule_set, ExaminationRow.at <= until)
        .order_by(ExaminationRow.at.desc(), ExaminationRow.statement_id.desc())
        .limit(1)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def take_turn(connection: AsyncConnection, rule_set: str) -> None:
    """Let nobody else examine a rule set's statements until the transaction ends."""
    turn = func.pg_advisory_xact_lock(func.hashtextextended(f"systemic {rule_set}", 0))
    await connection.execute(select(turn))
