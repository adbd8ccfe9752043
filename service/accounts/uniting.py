"""Two accounts that are one company: united by reference, so that parting them is exact.

Nothing moves. Facts, identities and events stay with the account they were told of; one
account stands for the group, and what is known of it is combined from all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import identity_store, store
from service.accounts.declaring import read_ranks
from service.accounts.due_store import mark_due
from service.accounts.keeping import not_found
from service.accounts.merging import Ranks, combine
from service.accounts.recording import Clerk
from service.accounts.store import Account
from service.storage import append_audit, to_text
from service.web import Refusal

__all__ = ["CannotUnite", "MergeNotFound", "MergeUndone", "United", "part", "unite"]


class CannotUnite(Refusal):
    """Both keys lead to one account already."""

    code: ClassVar[str] = "already_merged"


class MergeNotFound(Refusal):
    """No merge has this id."""

    code: ClassVar[str] = "merge_not_found"


class MergeUndone(Refusal):
    """The merge was undone already."""

    code: ClassVar[str] = "merge_undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class United:
    """What two accounts come to together. *merge* is None where it was only tried."""

    account: Account
    merge: Row[Any] | None
    changed: tuple[str, ...]


async def unite(
    connection: AsyncConnection,
    key: str,
    *,
    into: str,
    reason: str,
    is_dry: bool,
    clerk: Clerk,
) -> United:
    """Let the account of *into* stand for that of *key* as well, or only say what would be.

    Raises:
        AccountNotFound: If one of them is not there.
        CannotUnite: If both keys lead to one account already.
    """
    joining, standing, members = await _lock_both(connection, key, into)
    ranks = await read_ranks(connection)
    after = _regrouped(members, {one.id: standing.id for one in members}, ranks)
    united = after[standing.id]
    changed = tuple(
        sorted(
            name
            for name in united.known.facts
            if united.known.facts[name] != standing.known.facts.get(name)
        )
    )
    if is_dry:
        return United(account=united, merge=None, changed=changed)
    merge_id = clerk.new_uuid(clerk.now)
    await identity_store.add_merge(
        connection,
        {
            "id": merge_id,
            "account_id": joining.id,
            "into_id": standing.id,
            "reason": reason,
            "merged_at": clerk.now,
            "merged_by": clerk.person,
        },
    )
    kept = await _keep(connection, members, after, clerk)
    pair = (joining.id, standing.id)
    await _tell(connection, "accounts.merge", merge_id, pair=pair, clerk=clerk)
    await mark_due(connection, [standing.id])
    merge = await existing_merge(connection, merge_id)
    return United(account=kept[standing.id], merge=merge, changed=changed)


async def part(
    connection: AsyncConnection, merge_id: UUID, *, reason: str, clerk: Clerk
) -> Row[Any]:
    """Let two accounts be two again, each as if they had never been one.

    What was told of either of them meanwhile, by its own key or identity, stays with it.

    Raises:
        MergeNotFound: If there was no such merge.
        MergeUndone: If it was undone before.
    """
    merge = await existing_merge(connection, merge_id)
    members = await _lock_group_of(connection, merge.account_key)
    is_ended = await identity_store.end_merge(
        connection,
        merge_id,
        undone_at=clerk.now,
        undone_by=clerk.person,
        undone_reason=reason,
    )
    if not is_ended:
        raise MergeUndone("this merge was undone already; the two are accounts of their own")
    ids = [one.id for one in members]
    edges = dict(await identity_store.merges_in_force(connection, ids))
    after = _regrouped(
        members, {one: _end_of(one, edges) for one in ids}, await read_ranks(connection)
    )
    await _keep(connection, members, after, clerk)
    pair = (merge.account_id, merge.into_id)
    await _tell(connection, "accounts.part", merge_id, pair=pair, clerk=clerk)
    await mark_due(connection, ids)
    return await existing_merge(connection, merge_id)


async def _lock_group_of(connection: AsyncConnection, key: str) -> Sequence[Account]:
    """Return the account of *key* and everybody it is united with, locked."""
    await store.change_groups(connection)
    standing = await store.find_account(connection, key)
    if standing is None:
        raise not_found()
    return await store.lock_group(connection, standing.id)


async def existing_merge(connection: AsyncConnection, merge_id: UUID) -> Row[Any]:
    """Return the merge of this id.

    Raises:
        MergeNotFound: If there is none.
    """
    row = await identity_store.find_merge(connection, merge_id)
    if row is None:
        raise MergeNotFound("there was no merge with this id; GET /v1/account-merges")
    return row


async def _lock_both(
    connection: AsyncConnection, key: str, into: str
) -> tuple[Account, Account, Sequence[Account]]:
    """Return the accounts that stand for two keys, and everybody they stand for, locked."""
    await store.change_groups(connection)
    joining = await store.find_account(connection, key)
    standing = await store.find_account(connection, into)
    if joining is None or standing is None:
        raise not_found()
    if joining.id == standing.id:
        words = "both keys lead to one account already; GET it"
        raise CannotUnite(words, members={"account": standing.key})
    members = await store.lock_group(connection, joining.id, standing.id)
    locked = {one.id: one for one in members}
    return locked[joining.id], locked[standing.id], members


def _end_of(account_id: UUID, edges: Mapping[UUID, UUID]) -> UUID:
    """Follow merges from one account to the one that stands for it."""
    while account_id in edges:
        account_id = edges[account_id]
    return account_id


def _regrouped(
    members: Iterable[Account], stands: Mapping[UUID, UUID], ranks: Ranks
) -> dict[UUID, Account]:
    """Return *members* as they are once each is stood for by the account *stands* names."""
    own = {one.id: one.own or one.known for one in members}
    after: dict[UUID, Account] = {}
    for one in members:
        group = [other for other, by in stands.items() if by == stands[one.id]]
        if group == [one.id]:
            after[one.id] = replace(one, merged_into=None, own=None, known=own[one.id])
        elif stands[one.id] == one.id:
            known = combine((own[other] for other in group), ranks=ranks)
            after[one.id] = replace(one, merged_into=None, own=own[one.id], known=known)
        else:
            after[one.id] = replace(
                one, merged_into=stands[one.id], own=own[one.id], known=own[one.id]
            )
    return after


async def _keep(
    connection: AsyncConnection,
    before: Iterable[Account],
    after: Mapping[UUID, Account],
    clerk: Clerk,
) -> dict[UUID, Account]:
    kept: dict[UUID, Account] = {}
    for one in before:
        changed = after[one.id]
        if changed != one:
            now = max(clerk.now, one.updated_at)
            changed = replace(changed, row_version=one.row_version + 1, updated_at=now)
            await store.change_account(connection, changed)
        kept[one.id] = changed
    return kept


async def _tell(
    connection: AsyncConnection,
    action: str,
    merge_id: UUID,
    *,
    pair: tuple[UUID, UUID],
    clerk: Clerk,
) -> None:
    account, into = (to_text("acc", one) for one in pair)
    await append_audit(
        connection,
        at=clerk.now,
        actor=clerk.person,
        action=action,
        subject=to_text("mrg", merge_id),
        payload={"account": account, "into": into},
    )
