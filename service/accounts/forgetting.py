"""Forget what an account says of a person who is not the account.

The company stays as it is known; whatever attribute holds one of the person's addresses goes,
with what other sources said of it, and so do those that a rule set declares personal.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import store
from service.accounts.due_store import mark_due
from service.accounts.merging import Known
from service.accounts.store import Account

__all__ = ["forget_mentions", "read_mentions"]


async def forget_mentions(
    connection: AsyncConnection,
    ids: Sequence[UUID],
    *,
    emails: Sequence[str],
    personal: Collection[str],
    at: datetime,
) -> int:
    """Take from accounts *ids* what names a person, and have them assessed; return how many.

    *personal* are attributes that go in any case. An account whose key is an address is
    called otherwise from then on.
    """
    await store.change_groups(connection)
    held = [one for one in await store.lock_group(connection, *ids) if one.id in set(ids)]
    pattern = _pattern_of(emails)
    changed = []
    for account in held:
        left = replace(
            account,
            key=f"erased-{account.id}" if pattern.search(account.key) else account.key,
            known=_without(account.known, pattern, personal),
            own=None if account.own is None else _without(account.own, pattern, personal),
        )
        if left != account:
            version, now = account.row_version + 1, max(at, account.updated_at)
            await store.change_account(
                connection, replace(left, row_version=version, updated_at=now)
            )
            changed.append(left)
    await store.rename_accounts(connection, {one.id: one.key for one in changed})
    await mark_due(connection, sorted({_standing(one) for one in changed}))
    return len(changed)


async def read_mentions(
    connection: AsyncConnection,
    ids: Sequence[UUID],
    *,
    emails: Sequence[str],
    personal: Collection[str],
) -> list[dict[str, Any]]:
    """Return what `forget_mentions` would take from accounts *ids*: their key and those facts."""
    pattern = _pattern_of(emails)
    told = []
    for account in await store.list_accounts_of(connection, ids):
        left = _without(account.known, pattern, personal)
        names = account.known.provenance.keys() - left.provenance.keys()
        if names:
            said = {name: account.known.facts.get(name) for name in sorted(names)}
            sources = {name: account.known.provenance[name] for name in sorted(names)}
            told.append({"key": account.key, "facts": said, "provenance": sources})
    return told


def _standing(account: Account) -> UUID:
    return account.merged_into or account.id


def _without(known: Known, pattern: re.Pattern[str], personal: Collection[str]) -> Known:
    """Return what is known but for attributes of which any source's word names the person."""
    gone = {
        name
        for name, told in known.provenance.items()
        if name in personal
        or _names(known.facts.get(name), pattern)
        or _names(told.get("others", {}), pattern)
    }
    gone |= {name for name, value in known.facts.items() if _names(value, pattern)}
    return Known(
        {name: value for name, value in known.facts.items() if name not in gone},
        {name: told for name, told in known.provenance.items() if name not in gone},
    )


def _names(value: Any, pattern: re.Pattern[str]) -> bool:  # noqa: ANN401 - what JSON may hold
    match value:
        case str():
            return pattern.search(value) is not None
        case list():
            return any(_names(one, pattern) for one in value)
        case dict():
            return any(_names(one, pattern) for one in value.values())
        case _:
            return False


def _pattern_of(emails: Sequence[str]) -> re.Pattern[str]:
    """Return what finds an address that is no part of a longer one."""
    one_of = "|".join(re.escape(email) for email in emails)
    after = r"(?![a-z0-9]|[.-]+[a-z0-9])"
    return re.compile(rf"(?<![a-z0-9._%+-])(?:{one_of}){after}", re.IGNORECASE)
