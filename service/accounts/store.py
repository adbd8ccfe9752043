"""Accounts and assessments in the database. SQL only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Row,
    ScalarSelect,
    and_,
    func,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts.merging import Known
from service.storage.tables import AccountIdentity, AccountRow, AssessmentRow
from service.storage.tables.accounts import SEARCHED

__all__ = [
    "SHOWN",
    "Account",
    "account_of",
    "add_account",
    "change_account",
    "change_groups",
    "find_account",
    "find_named",
    "keep_as_current",
    "keep_as_previous",
    "list_accounts",
    "list_accounts_of",
    "list_assessments",
    "list_changed",
    "lock_group",
    "lock_single",
    "prepare_to_write",
    "rename_accounts",
]

_LARGEST: Final = 2**63
# Any number that no other lock has: "accounts" in ASCII.
_GROUPS: Final = int.from_bytes(b"accounts", "big")
_PREPARE: Final = text(f"""
    WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared({_GROUPS}))
    SELECT name, rank FROM held LEFT JOIN account_source ON rank <> 0
""")  # noqa: S608 - a number of ours
_SIMPLE: Final[ColumnElement[Any]] = literal_column("'simple'::regconfig")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One stored account.

    *own* is what was said of this very account, where it is one of a merged group: then
    *known* of the account that stands for the group is what is known of all of them.
    """

    id: UUID
    key: str
    known: Known
    row_version: int
    created_at: datetime
    updated_at: datetime
    merged_into: UUID | None = None
    own: Known | None = None


SHOWN: Final[Sequence[ColumnElement[Any]]] = [
    column for column in AccountRow.__table__.columns if column.name != "facts_erased_at"
]


async def find_account(connection: AsyncConnection, key: str) -> Account | None:
    """Return the account that stands for *key*: its own, or the one it was merged into."""
    standing = AccountRow.__table__.alias("standing")
    statement = (
        select(*(standing.c[column.name] for column in SHOWN))
        .select_from(AccountRow)
        .join(standing, standing.c.id == func.coalesce(AccountRow.merged_into, AccountRow.id))
        .where(AccountRow.key == key)
    )
    return _first(await connection.execute(statement))


async def find_named(connection: AsyncConnection, key: str) -> Account | None:
    """Return the account that bears *key* itself, merged or not."""
    return _first(await connection.execute(select(*SHOWN).where(AccountRow.key == key)))


async def prepare_to_write(connection: AsyncConnection) -> dict[str, int]:
    """Let nobody unite or part accounts until the transaction ends; return the ranks of sources.

    Comes before any lock on an account.
    """
    return {row.name: row.rank for row in await connection.execute(_PREPARE) if row.rank}


async def change_groups(connection: AsyncConnection) -> None:
    """Be the only one who writes accounts until the transaction ends, to unite or part some."""
    await connection.execute(select(func.pg_advisory_xact_lock(_GROUPS)))


async def lock_single(connection: AsyncConnection, key: str) -> Account | None:
    """Return the account of *key*, locked until the transaction ends; None if it has a group."""
    statement = select(*SHOWN).where(AccountRow.key == key, AccountRow.own_facts.is_(None))
    return _first(await connection.execute(statement.with_for_update()))


async def lock_group(connection: AsyncConnection, *standing: UUID) -> list[Account]:
    """Return accounts and all that were merged into them, locked until the transaction ends.

    They are locked by id, so that two who lock the same do not wait for each other in a
    circle.
    """
    statement = (
        select(*SHOWN)
        .where(or_(AccountRow.id.in_(standing), AccountRow.merged_into.in_(standing)))
        .order_by(AccountRow.id)
        .with_for_update()
    )
    return [account_of(row) for row in await connection.execute(statement)]


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
    """Write *account*, which the transaction holds locked."""
    own = account.own
    await connection.execute(
        update(AccountRow)
        .where(AccountRow.id == account.id)
        .values(
            facts=dict(account.known.facts),
            provenance=dict(account.known.provenance),
            row_version=account.row_version,
            updated_at=account.updated_at,
            merged_into=account.merged_into,
            own_facts=None if own is None else dict(own.facts),
            own_provenance=None if own is None else dict(own.provenance),
        )
    )


async def rename_accounts(connection: AsyncConnection, keys: Mapping[UUID, str]) -> None:
    """Call accounts, which the transaction holds locked, by other keys."""
    for account_id, key in keys.items():
        await connection.execute(
            update(AccountRow).where(AccountRow.id == account_id).values(key=key)
        )


async def list_accounts(
    connection: AsyncConnection,
    *,
    words: Sequence[str] = (),
    identity: tuple[str, str] | None = None,
    after: UUID | None,
    limit: int,
) -> list[Account]:
    """Return up to *limit* accounts that are merged into none, the newest first.

    With *words*, those of which each word begins one of the key, the names or the domain;
    with *identity*, the one that another system calls so.
    """
    statement = (
        select(*SHOWN)
        .where(AccountRow.merged_into.is_(None))
        .order_by(AccountRow.id.desc())
        .limit(limit)
    )
    if words:
        statement = statement.where(SEARCHED.op("@@")(func.to_tsquery(_SIMPLE, _query(words))))
    if identity is not None:
        statement = statement.where(AccountRow.id == _standing_for(identity))
    if after is not None:
        statement = statement.where(AccountRow.id < after)
    return [account_of(row) for row in await connection.execute(statement)]


async def list_accounts_of(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Account]:
    """Return those of the accounts *ids* that stand for themselves and were not erased."""
    statement = select(*SHOWN).where(
        AccountRow.id.in_(ids),
        AccountRow.merged_into.is_(None),
        AccountRow.facts_erased_at.is_(None),
    )
    return [account_of(row) for row in await connection.execute(statement)]


async def list_changed(
    connection: AsyncConnection,
    *,
    since: datetime,
    until: datetime,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Account]:
    """Return up to *limit* accounts that are merged into none and last changed from *since* on.

    And before *until*; the longest unchanged first.
    """
    order = (AccountRow.updated_at, AccountRow.id)
    statement = (
        select(*SHOWN)
        .where(
            AccountRow.merged_into.is_(None),
            AccountRow.updated_at >= since,
            AccountRow.updated_at < until,
        )
        .order_by(*order)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    return [account_of(row) for row in await connection.execute(statement)]


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


def _standing_for(identity: tuple[str, str]) -> ScalarSelect[UUID]:
    system, external_id = identity
    return (
        select(func.coalesce(AccountRow.merged_into, AccountRow.id))
        .join(AccountIdentity, AccountIdentity.account_id == AccountRow.id)
        .where(AccountIdentity.system == system, AccountIdentity.external_id == external_id)
        .scalar_subquery()
    )


def _query(words: Sequence[str]) -> str:
    """Return the text-search query for beginnings of *words*, whatever stands in them."""
    quoted = (word.replace("\\", "\\\\").replace("'", "''") for word in words)
    return " & ".join(f"'{word}':*" for word in quoted)


def _first(result: CursorResult[Any]) -> Account | None:
    row = result.first()
    return None if row is None else account_of(row)


def account_of(row: Row[Any]) -> Account:
    """Return the account that a row of `SHOWN` columns is."""
    own = None if row.own_facts is None else _known(row.own_facts, row.own_provenance)
    return Account(
        id=row.id,
        key=row.key,
        known=_known(row.facts, row.provenance),
        row_version=row.row_version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        merged_into=row.merged_into,
        own=own,
    )


def _known(facts: Mapping[str, Any], provenance: Mapping[str, Any]) -> Known:
    return Known({name: _as_sent(value) for name, value in facts.items()}, provenance)


def _as_sent(value: object) -> object:
    """Undo what jsonb does to a double past 64 bits: 1e300 comes back as 301 digits."""
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return float(value)
    return value
