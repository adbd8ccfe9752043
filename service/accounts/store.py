"""Accounts and assessments in the database. SQL only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts.merging import Known
from service.storage.tables import AccountRow, AssessmentRow

__all__ = [
    "Account",
    "add_account",
    "change_account",
    "find_account",
    "keep_as_current",
    "keep_as_previous",
    "list_accounts",
    "list_assessments",
]

_LARGEST: Final = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One stored account."""

    id: UUID
    key: str
    known: Known
    row_version: int
    created_at: datetime
    updated_at: datetime


_SHOWN: Final[Sequence[ColumnElement[Any]]] = [
    column for column in AccountRow.__table__.columns if column.name != "facts_erased_at"
]


async def find_account(
    connection: AsyncConnection, key: str, *, to_change: bool = False
) -> Account | None:
    """Return the account of *key*, locked until the transaction ends where it is *to_change*."""
    statement = select(*_SHOWN).where(AccountRow.key == key)
    if to_change:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).first()
    return None if row is None else _account(row)


async def add_account(connection: AsyncConnection, account: Account) -> bool:
    """Insert *account*; False where somebody else has just made one with its key."""
    statement = (
        insert(AccountRow)
        .values(
            id=account.id,
            key=account.key,
            facts=dict(account.known.facts),
            provenance=dict(account.known.provenance),
            row_version=account.row_version,
            created_at=account.created_at,
            updated_at=account.updated_at,
        )
        .on_conflict_do_nothing(index_elements=[AccountRow.key])
        .returning(AccountRow.id)
    )
    return (await connection.execute(statement)).first() is not None


async def change_account(connection: AsyncConnection, account: Account) -> None:
    """Write what is known of *account*, which the transaction holds locked."""
    await connection.execute(
        update(AccountRow)
        .where(AccountRow.id == account.id)
        .values(
            facts=dict(account.known.facts),
            provenance=dict(account.known.provenance),
            row_version=account.row_version,
            updated_at=account.updated_at,
        )
    )


async def list_accounts(
    connection: AsyncConnection, *, after: UUID | None, limit: int
) -> list[Account]:
    """Return up to *limit* accounts, the newest first."""
    statement = select(*_SHOWN).order_by(AccountRow.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(AccountRow.id < after)
    return [_account(row) for row in await connection.execute(statement)]


async def keep_as_current(connection: AsyncConnection, values: Mapping[str, object]) -> bool:
    """Make a decision the current one, and the current one the one before.

    False where a later one is current already, or this very one.
    """
    row = insert(AssessmentRow).values(**values)
    statement = row.on_conflict_do_update(
        index_elements=[AssessmentRow.account_id, AssessmentRow.rule_set],
        set_={
            "decision_id": row.excluded.decision_id,
            "version": row.excluded.version,
            "verdict": row.excluded.verdict,
            "outcome": row.excluded.outcome,
            "at": row.excluded.at,
            "previous_decision_id": AssessmentRow.decision_id,
            "previous_version": AssessmentRow.version,
            "previous_verdict": AssessmentRow.verdict,
            "previous_outcome": AssessmentRow.outcome,
            "previous_at": AssessmentRow.at,
        },
        where=tuple_(row.excluded.at, row.excluded.decision_id)
        > tuple_(AssessmentRow.at, AssessmentRow.decision_id),
    ).returning(AssessmentRow.account_id)
    return (await connection.execute(statement)).first() is not None


async def keep_as_previous(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Make a late decision the one before, where it lies between the two that are kept."""
    late = tuple_(values["at"], values["decision_id"])
    await connection.execute(
        update(AssessmentRow)
        .where(
            and_(
                AssessmentRow.account_id == values["account_id"],
                AssessmentRow.rule_set == values["rule_set"],
                late < tuple_(AssessmentRow.at, AssessmentRow.decision_id),
                func.coalesce(
                    late > tuple_(AssessmentRow.previous_at, AssessmentRow.previous_decision_id),
                    True,
                ),
            )
        )
        .values(
            previous_decision_id=values["decision_id"],
            previous_version=values["version"],
            previous_verdict=values["verdict"],
            previous_outcome=values["outcome"],
            previous_at=values["at"],
        )
    )


async def list_assessments(
    connection: AsyncConnection, account_id: UUID, *, rule_set: str | None
) -> list[Row[Any]]:
    """Return an account's assessments, or the one under *rule_set*, by rule set."""
    statement = (
        select(*AssessmentRow.__table__.columns)
        .where(AssessmentRow.account_id == account_id)
        .order_by(AssessmentRow.rule_set)
    )
    if rule_set is not None:
        statement = statement.where(AssessmentRow.rule_set == rule_set)
    return list((await connection.execute(statement)).all())


def _account(row: Row[Any]) -> Account:
    facts = {name: _as_sent(value) for name, value in row.facts.items()}
    return Account(
        id=row.id,
        key=row.key,
        known=Known(facts, row.provenance),
        row_version=row.row_version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _as_sent(value: object) -> object:
    """Undo what jsonb does to a double past 64 bits: 1e300 comes back as 301 digits."""
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return float(value)
    return value
