"""Give accounts their ids in other systems, and take them away."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import identity_store, store
from service.accounts.due_store import mark_due
from service.accounts.keeping import existing_account, not_found
from service.storage import append_audit, to_text
from service.web import Refusal

__all__ = ["IdentityNotFound", "IdentityTaken", "forget", "identify"]


class IdentityTaken(Refusal):
    """Another account bears this identity."""

    code: ClassVar[str] = "identity_taken"


class IdentityNotFound(Refusal):
    """The account does not bear this identity."""

    code: ClassVar[str] = "identity_not_found"


async def identify(
    connection: AsyncConnection,
    key: str,
    *,
    identity: tuple[str, str],
    person: str,
    now: datetime,
) -> bool:
    """Let the account of *key* be found by *identity*; return whether that is new.

    Raises:
        AccountNotFound: If there is no such account.
        IdentityTaken: If it is another account's.
    """
    account = await store.find_named(connection, key)
    if account is None:
        raise not_found()
    if await identity_store.add_identity(connection, identity, account_id=account.id, now=now):
        await _tell(connection, "accounts.identify", key, identity, person=person, now=now)
        await mark_due(connection, [account.id])
        return True
    bearer = await identity_store.find_identity(connection, identity)
    if bearer is None or bearer.stands != (account.merged_into or account.id):
        members = {} if bearer is None else {"account": bearer.key}
        words = "another account bears this identity; take it away there, or merge the two"
        raise IdentityTaken(words, members=members)
    return False


async def forget(
    connection: AsyncConnection,
    key: str,
    *,
    identity: tuple[str, str],
    person: str,
    now: datetime,
) -> None:
    """Let the account of *key* no longer be found by *identity*.

    Raises:
        AccountNotFound: If there is no such account.
        IdentityNotFound: If it is not one of its own.
    """
    account = await existing_account(connection, key)
    bearer = await identity_store.find_identity(connection, identity)
    if bearer is None or bearer.stands != account.id:
        raise IdentityNotFound("the account has no such identity; GET its identities")
    await identity_store.remove_identity(connection, identity)
    await _tell(connection, "accounts.forget_identity", key, identity, person=person, now=now)
    await mark_due(connection, [account.id])


async def _tell(
    connection: AsyncConnection,
    action: str,
    key: str,
    identity: tuple[str, str],
    *,
    person: str,
    now: datetime,
) -> None:
    account = await existing_account(connection, key)
    await append_audit(
        connection,
        at=now,
        actor=person,
        action=action,
        subject=to_text("acc", account.id),
        payload={"system": identity[0]},
    )
