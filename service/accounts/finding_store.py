"""The accounts that a person or company is known by, in the database: SQL only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.personal import any_of, mentions
from service.storage.tables import AccountIdentity, AccountRow

__all__ = ["FoundAccounts", "find_accounts_of", "list_new_names"]


@dataclass(frozen=True, slots=True)
class FoundAccounts:
    """Ids, keys and identities of the accounts that are meant whole.

    And ids of those that hold an address, *mentioning* it.
    """

    ids: tuple[UUID, ...]
    keys: tuple[str, ...]
    identities: tuple[tuple[str, str], ...]
    mentioning: tuple[UUID, ...]


async def find_accounts_of(
    connection: AsyncConnection,
    *,
    emails: Sequence[str],
    keys: Sequence[str],
    identities: Sequence[tuple[str, str]],
) -> FoundAccounts:
    """Return the accounts of *keys* and *identities*, and those that hold one of *emails*.

    Accounts that were merged are one company: one of them stands for all.
    """
    stands = func.coalesce(AccountRow.merged_into, AccountRow.id)
    bearers = select(AccountIdentity.account_id).where(
        tuple_(AccountIdentity.system, AccountIdentity.external_id).in_(identities)
    )
    named = any_of(
        AccountRow.key.in_(keys) if keys else None,
        AccountRow.id.in_(bearers) if identities else None,
    )
    whole: dict[UUID, str] = {}
    if named is not None:
        group = select(stands).where(named)
        statement = select(AccountRow.id, AccountRow.key).where(
            or_(AccountRow.id.in_(group), AccountRow.merged_into.in_(group))
        )
        whole = {row.id: row.key for row in await connection.execute(statement)}
    holds = any_of(
        *(
            mentions(column, emails)
            for column in (
                AccountRow.facts,
                AccountRow.provenance,
                AccountRow.own_facts,
                AccountRow.own_provenance,
                AccountRow.key,
            )
        )
    )
    mentioning: tuple[UUID, ...] = ()
    if holds is not None:
        found = (await connection.execute(select(AccountRow.id).where(holds))).scalars()
        mentioning = tuple(one for one in found if one not in whole)
    names = (AccountIdentity.system, AccountIdentity.external_id)
    borne = select(*names).where(AccountIdentity.account_id.in_(whole))
    known = [(row.system, row.external_id) for row in await connection.execute(borne)]
    known += [one for one in identities if one not in known]
    return FoundAccounts(tuple(whole), tuple(whole.values()), tuple(known), mentioning)


async def list_new_names(
    connection: AsyncConnection, *, since: datetime
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the keys of accounts, and the identities, that are new from then on."""
    keys = select(AccountRow.key).where(AccountRow.created_at >= since)
    names = select(AccountIdentity.system, AccountIdentity.external_id).where(
        AccountIdentity.created_at >= since
    )
    borne = [(row.system, row.external_id) for row in await connection.execute(names)]
    return list((await connection.execute(keys)).scalars()), borne
