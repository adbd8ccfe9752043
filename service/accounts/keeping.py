"""Keep what is said about accounts: fetch, judge, keep, tell."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import store
from service.accounts.merging import NOTHING_KNOWN, Merged, News, merge
from service.accounts.store import Account
from service.storage import append_audit, to_text
from service.web import Clash, Fault, Refusal, check_match, etag_of

__all__ = [
    "AccountNotFound",
    "Kept",
    "TooManyAttributes",
    "existing_account",
    "keep_everything",
    "keep_some",
]

_ATTRIBUTES: Final = 256


class AccountNotFound(Refusal):
    """No account has this key."""

    code: ClassVar[str] = "account_not_found"


class TooManyAttributes(Refusal):
    """An account would hold more attributes than any rule set may ask for."""

    code: ClassVar[str] = "validation_failed"


@dataclass(frozen=True, slots=True)
class Kept:
    """An account after a change, what the change came to, and whether it made the account."""

    account: Account
    merged: Merged
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """Who changes an account, when, and under which condition on its present state."""

    person: str
    now: datetime
    new_uuid: Callable[[datetime], UUID]
    if_match: str | None = None
    if_none_match: str | None = None


async def keep_everything(
    connection: AsyncConnection, key: str, *, news: News, editor: Editor
) -> Kept:
    """Make the account of *key* what *news* say it is, or make it in the first place.

    Raises:
        Clash: If the editor's condition does not hold.
        TooManyAttributes: If more than 256 attributes would be known, removed ones included.
    """
    # Twice at most: whoever made it between our look and our insert has committed by then.
    for _ in range(2):
        known = await store.find_account(connection, key, to_change=True)
        _check_condition(known, editor)
        if known is not None:
            return await _change(connection, known, news=news, editor=editor)
        merged = _merge_into(None, news)
        account = Account(
            id=editor.new_uuid(editor.now),
            key=key,
            known=merged.known,
            row_version=1,
            created_at=editor.now,
            updated_at=editor.now,
        )
        if await store.add_account(connection, account):
            await _tell(connection, "accounts.create", account, merged, editor)
            return Kept(account, merged, is_new=True)
    raise AssertionError("an account that cannot be inserted is there to be found")


async def keep_some(connection: AsyncConnection, key: str, *, news: News, editor: Editor) -> Kept:
    """Change the account of *key* by *news*.

    Raises:
        AccountNotFound: If there is none.
        Clash: If the editor's condition does not hold.
        TooManyAttributes: If more than 256 attributes would be known, removed ones included.
    """
    known = await store.find_account(connection, key, to_change=True)
    if known is None:
        raise _not_found()
    _check_condition(known, editor)
    return await _change(connection, known, news=news, editor=editor)


async def existing_account(connection: AsyncConnection, key: str) -> Account:
    """Return the account of *key*.

    Raises:
        AccountNotFound: If there is none.
    """
    account = await store.find_account(connection, key)
    if account is None:
        raise _not_found()
    return account


async def _change(
    connection: AsyncConnection, account: Account, *, news: News, editor: Editor
) -> Kept:
    merged = _merge_into(account, news)
    if merged.known == account.known:
        return Kept(account, merged, is_new=False)
    changed = replace(
        account,
        known=merged.known,
        row_version=account.row_version + 1,
        updated_at=editor.now,
    )
    await store.change_account(connection, changed)
    if merged.changed:
        await _tell(connection, "accounts.change", changed, merged, editor)
    return Kept(changed, merged, is_new=False)


def _merge_into(account: Account | None, news: News) -> Merged:
    merged = merge(NOTHING_KNOWN if account is None else account.known, news)
    if len(merged.known.provenance) > _ATTRIBUTES + 1:  # one is of everything
        words = (
            f"an account has at most {_ATTRIBUTES} attributes, and remembers when one was removed; "
            "PUT the account to leave only those it needs"
        )
        fault = Fault(code="too_many_attributes", message=words, pointer="/facts")
        raise TooManyAttributes(words, faults=[fault])
    return merged


def _check_condition(account: Account | None, editor: Editor) -> None:
    """Hold the editor to the state that If-Match or If-None-Match named.

    Raises:
        Clash: If the present state is another.
    """
    if account is None:
        if editor.if_match is not None:
            raise Clash("there is no account with this key; send it without If-Match to make it")
        return
    current = etag_of(account.row_version)
    if editor.if_none_match is not None and editor.if_none_match.strip() == "*":
        words = "there is an account with this key already; send it without If-None-Match"
        raise Clash(words, headers={"ETag": current})
    if editor.if_match is not None:
        check_match(editor.if_match, current)


async def _tell(
    connection: AsyncConnection, action: str, account: Account, merged: Merged, editor: Editor
) -> None:
    """Add the change to the audit chain, by attribute names: values may be somebody's."""
    await append_audit(
        connection,
        at=editor.now,
        actor=editor.person,
        action=action,
        subject=to_text("acc", account.id),
        payload={"row_version": account.row_version, "attributes": list(merged.changed)},
    )


def _not_found() -> AccountNotFound:
    return AccountNotFound("there is no account with this key; make it with PUT")
