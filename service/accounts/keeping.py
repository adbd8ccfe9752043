"""Keep what is said about accounts: fetch, judge, keep, tell."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import store
from service.accounts.due_store import mark_due
from service.accounts.merging import (
    NOTHING_KNOWN,
    Known,
    Merged,
    News,
    Ranks,
    combine,
    compare,
    is_news,
    merge,
)
from service.accounts.store import Account
from service.storage import append_audit, to_text
from service.web import Clash, Fault, Refusal, check_match, etag_of

__all__ = [
    "AccountNotFound",
    "Editor",
    "Kept",
    "TooManyAttributes",
    "change_some",
    "existing_account",
    "keep_everything",
    "keep_some",
    "merge_into",
    "not_found",
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
    """An account after a change, what the change came to, and whether it made the account.

    *is_changed* says whether it may be judged otherwise now.
    """

    account: Account
    merged: Merged
    is_new: bool
    is_changed: bool


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
    ranks = await store.prepare_to_write(connection)
    # Twice at most: whoever made it between our look and our insert has committed by then.
    for _ in range(2):
        group = await _lock(connection, key)
        _check_condition(group, editor)
        if group is not None:
            return await _marked(
                connection, await _change(connection, group, news=news, editor=editor, ranks=ranks)
            )
        merged = merge_into(NOTHING_KNOWN, news, ranks)
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
            return await _marked(connection, Kept(account, merged, is_new=True, is_changed=True))
    raise AssertionError("an account that cannot be inserted is there to be found")


async def keep_some(connection: AsyncConnection, key: str, *, news: News, editor: Editor) -> Kept:
    """Change the account of *key* by *news*, and have it assessed.

    Raises:
        AccountNotFound: If there is none.
        Clash: If the editor's condition does not hold.
        TooManyAttributes: If more than 256 attributes would be known, removed ones included.
    """
    return await _marked(connection, await change_some(connection, key, news=news, editor=editor))


async def change_some(connection: AsyncConnection, key: str, *, news: News, editor: Editor) -> Kept:
    """Change the account of *key* by *news*, as one of several; it is not marked to be assessed.

    Raises: As `keep_some`.
    """
    ranks = await store.prepare_to_write(connection)
    group = await _lock(connection, key)
    if group is None:
        raise not_found()
    _check_condition(group, editor)
    return await _change(connection, group, news=news, editor=editor, ranks=ranks)


async def existing_account(connection: AsyncConnection, key: str) -> Account:
    """Return the account of *key*, or the one it was merged into.

    Raises:
        AccountNotFound: If there is none.
    """
    account = await store.find_account(connection, key)
    if account is None:
        raise not_found()
    return account


@dataclass(frozen=True, slots=True)
class _Group:
    """The account that news are about, the one that stands for it, and whoever else it stands for.

    Mostly they are one and the same.
    """

    named: Account
    standing: Account
    members: tuple[Account, ...]


async def _lock(connection: AsyncConnection, key: str) -> _Group | None:
    """Return the account of *key* with its group, all of them locked; None if there is none.

    Nobody unites or parts accounts meanwhile.
    """
    single = await store.lock_single(connection, key)
    if single is not None:
        return _Group(single, single, (single,))
    found = await store.find_named(connection, key)
    if found is None:
        return None
    stands = found.merged_into or found.id
    members = {one.id: one for one in await store.lock_group(connection, stands)}
    return _Group(members[found.id], members[stands], tuple(members.values()))


async def _change(
    connection: AsyncConnection, group: _Group, *, news: News, editor: Editor, ranks: Ranks
) -> Kept:
    account = group.standing
    if not news.is_dated and news.at <= account.updated_at:
        # Two who speak within one tick of our clock: the later heard is the later said.
        news = replace(news, at=account.updated_at + timedelta(microseconds=1))
    now = max(editor.now, account.updated_at if news.is_dated else news.at)
    if account.own is None:
        merged = merge_into(account.known, news, ranks)
    else:
        merged, account = await _change_own(connection, group, news=news, now=now, ranks=ranks)
    if merged.known == group.standing.known:
        return Kept(account, merged, is_new=False, is_changed=False)
    row_version = account.row_version + 1
    changed = replace(account, known=merged.known, row_version=row_version, updated_at=now)
    await store.change_account(connection, changed)
    if merged.changed:
        await _tell(connection, "accounts.change", changed, merged, editor)
    is_changed = is_news(merged.known, group.standing.known)
    return Kept(changed, merged, is_new=False, is_changed=is_changed)


async def _marked(connection: AsyncConnection, kept: Kept) -> Kept:
    """Have an account assessed that was changed; return *kept*."""
    if kept.is_changed:
        await mark_due(connection, [kept.account.id])
    return kept


async def _change_own(
    connection: AsyncConnection, group: _Group, *, news: News, now: datetime, ranks: Ranks
) -> tuple[Merged, Account]:
    """Keep *news* with the one account they name, and return what the whole group comes to."""
    own = {one.id: one.own or one.known for one in group.members}
    after = merge(own[group.named.id], news, ranks=ranks).known
    combined = combine((own | {group.named.id: after}).values(), ranks=ranks)
    merged = compare(group.standing.known, combined, news=news)
    _check_size(merged)
    if after == own[group.named.id]:
        return merged, group.standing
    named = replace(group.named, own=after)
    if named.id == group.standing.id:
        await store.change_account(connection, named)
        return merged, named
    row_version = named.row_version + 1
    await store.change_account(connection, replace(named, row_version=row_version, updated_at=now))
    return merged, group.standing


def merge_into(known: Known, news: News, ranks: Ranks) -> Merged:
    """Return what is known once *news* are heard.

    Raises:
        TooManyAttributes: If that were more than 256 attributes, removed ones included.
    """
    merged = merge(known, news, ranks=ranks)
    _check_size(merged)
    return merged


def _check_size(merged: Merged) -> None:
    if merged.known.names > _ATTRIBUTES:
        words = (
            f"an account has at most {_ATTRIBUTES} attributes, and remembers when one was removed; "
            "PUT the account to leave only those it needs"
        )
        fault = Fault(code="too_many_attributes", message=words, pointer="/facts")
        raise TooManyAttributes(words, faults=[fault])


def _check_condition(group: _Group | None, editor: Editor) -> None:
    """Hold the editor to the state that If-Match or If-None-Match named.

    Raises:
        Clash: If the present state is another.
    """
    if group is None:
        if editor.if_match is not None:
            raise Clash("there is no account with this key; send it without If-Match to make it")
        return
    current = etag_of(group.standing.row_version)
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


def not_found() -> AccountNotFound:
    """Return the refusal that says so."""
    return AccountNotFound("there is no account with this key; make it with PUT")
