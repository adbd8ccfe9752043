"""Counts of who meets which criterion, policies and examinations in the database: SQL only.

What is counted in a statement is kept with it, as everything that is summed of one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.kept_store import kept_rows
from service.portfolio.reading import Statement
from service.portfolio.slicing import Slice
from service.portfolio.store import in_slices
from service.portfolio.systemic import Group
from service.portfolio.systemic_criteria import Criterion
from service.storage.tables import (
    ExaminationRow,
    PositionRow,
    StatementRow,
    SystemicPolicyRow,
)

__all__ = ["accounts_of", "add_examination", "count_alike", "count_criteria", "count_shared"]
__all__ += ["find_earlier", "find_examination", "find_policy", "find_unexamined", "put_policy"]
__all__ += ["take_turn"]

_LETTERS: Final = {"gate": "gates", "points": "rules", "outcome": "outcomes"}
_LONG: Final = text("SET LOCAL statement_timeout = '60s'")


async def count_criteria(
    connection: AsyncConnection,
    statement: Statement,
    criteria: Sequence[Criterion],
    names: Sequence[str],
    *,
    slices: Sequence[Slice] = (),
) -> Sequence[Any]:
    """Return of each criterion, by its place, how many accounts of each group are y, known, all.

    Groups are made by *names*; the one without a name is everybody. Only accounts in all
    *slices* are counted. The trace is the one before suspensions, so that nothing counts
    otherwise for having been called systemic. Whom a grace period decided is left out: nothing
    is said of them. Where another version decided, nothing is known.
    """
    read = " || ".join(
        f"coalesce(substr(found ->> '{_LETTERS[one.kind]}', {one.place + 1}, 1), 'u')"
        for one in criteria
    )
    given: dict[str, Any] = {f"slice_{place}": name for place, name in enumerate(names)}
    groups = ", ".join(["('', '')", *(f"(:{name}, slices ->> :{name})" for name in given)])
    conditions = []
    for place, one in enumerate(slices):
        given |= {f"name_{place}": one.name, f"value_{place}": one.value}
        told = f"slices ->> CAST(:name_{place} AS text)"
        conditions.append(f"AND coalesce({told}, '') = :value_{place}")
    query = f"""
        WITH judged AS MATERIALIZED (
            SELECT slices, coalesce(letters -> 'before', letters) AS found
            FROM position WHERE statement_id = :statement AND NOT in_grace {" ".join(conditions)}
        ), told AS MATERIALIZED (SELECT slices, {read} AS letters FROM judged),
        grouped AS MATERIALIZED (
            SELECT slice, value, letters, count(*) AS accounts
            FROM told, LATERAL (VALUES {groups}) AS "group" (slice, value)
            WHERE value IS NOT NULL GROUP BY slice, value, letters
        )
        SELECT slice, value, place,
            CAST(coalesce(sum(accounts) FILTER (WHERE letter = 'y'), 0) AS bigint) AS yes,
            CAST(coalesce(sum(accounts) FILTER (WHERE letter IN ('y', 'n')), 0) AS bigint) AS known,
            CAST(sum(accounts) AS bigint) AS accounts
        FROM grouped, LATERAL string_to_table(letters, NULL) WITH ORDINALITY AS one (letter, place)
        GROUP BY slice, value, place ORDER BY slice, value, place
    """  # noqa: S608 - places and our own words; names and texts of slices are parameters
    await connection.execute(_LONG)
    given["statement"] = statement.id
    return await kept_rows(connection, statement.id, text(query), given)


async def count_alike(
    connection: AsyncConnection, statement: Statement, slices: Sequence[Slice]
) -> int:
    """Return how many slices by the names of *slices* there are; 1 where there is none."""
    if not slices:
        return 1
    told: Any = PositionRow.slices
    parts = [func.coalesce(told[name].astext, "") for name in sorted({one.name for one in slices})]
    of_it = PositionRow.statement_id == statement.id, ~PositionRow.in_grace
    different = select(*parts).where(*of_it).distinct().subquery()
    query = select(func.count()).select_from(different)
    (row,) = await kept_rows(connection, statement.id, query)
    return max(1, int(row[0]))


async def count_shared(
    connection: AsyncConnection,
    statement_id: UUID,
    pairs: Sequence[tuple[Group, Group]],
    *,
    slices: Sequence[Slice] = (),
) -> list[int]:
    """Return how many accounts in *slices* are in both groups of each pair, if they count."""
    if not pairs:
        return []
    told: Any = PositionRow.slices
    both = [
        func.count().filter(*(told[group.slice].astext == group.value for group in pair))
        for pair in pairs
    ]
    of_it = PositionRow.statement_id == statement_id, ~PositionRow.in_grace
    query = select(*both).where(*of_it, *in_slices(slices))
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
