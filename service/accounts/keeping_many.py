"""Keep what is said about many accounts at once: each for itself, all in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import many_store, store
from service.accounts.due_store import Cause, mark_due
from service.accounts.identifying import IdentityTaken
from service.accounts.keeping import (
    Editor,
    TooManyAttributes,
    change_some,
    merge_into,
)
from service.accounts.merging import NOTHING_KNOWN, Merged, News, Ranks, is_news
from service.accounts.store import Account
from service.storage import append_audit
from service.web import Fault, Refusal

__all__ = ["Ending", "Line", "keep_many"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is said about the account of *key*, and under which ids other systems know it.

    *at* is the pointer to it in what was sent.
    """

    key: str
    news: News
    identities: tuple[tuple[str, str], ...] = ()
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of a line; *outdated* are the attributes of which another word stands."""

    state: Literal["created", "changed", "unchanged"]
    outdated: tuple[str, ...]


@dataclass(slots=True)
class _Book:
    """The accounts of one call as they are now, and as they were before.

    *united* are those that were changed for a group that they stand for.
    """

    before: Mapping[str, Account]
    now: dict[str, Account]
    grouped: frozenset[str]
    ranks: Ranks
    editor: Editor
    united: set[UUID] = field(default_factory=set)


async def keep_many(
    connection: AsyncConnection,
    lines: Sequence[Line],
    editor: Editor,
    *,
    cause: Cause = "import",
) -> list[Ending | Refusal]:
    """Make or change the account of each line, and return what became of it, in order.

    A line that cannot be kept is refused alone. There is one entry in the audit for all.
    """
    endings, changed = await _keep_all(connection, lines, editor)
    await mark_due(connection, changed, cause=cause)
    return endings


async def _keep_all(
    connection: AsyncConnection, lines: Sequence[Line], editor: Editor
) -> tuple[list[Ending | Refusal], set[UUID]]:
    """Keep all lines; return also the ids of accounts of which something else is known now."""
    ranks = await store.prepare_to_write(connection)
    await many_store.take_turns(connection)
    keys = sorted({line.key for line in lines})
    before, grouped = await _look_up(connection, keys, editor)
    book = _Book(before=before, now=dict(before), grouped=grouped, ranks=ranks, editor=editor)
    bearers = await many_store.find_bearers(
        connection, [identity for line in lines for identity in line.identities]
    )
    endings: list[Ending | Refusal] = []
    attributes: set[str] = set()
    for line in lines:
        try:
            _check_identities(line, bearers)
            merged, state = await _keep_one(connection, line, book)
        except (TooManyAttributes, IdentityTaken) as refusal:
            endings.append(_placed(refusal, line))
            continue
        bearers |= dict.fromkeys(line.identities, line.key)
        attributes.update(merged.changed)
        endings.append(Ending(state=state, outdated=merged.outdated))
    changed, lost = await _write(connection, lines, endings, book)
    if lost:
        # Somebody else made these between our look and our insert, and has committed by now.
        again = [place for place, line in enumerate(lines) if line.key in lost]
        told, others = await _keep_all(connection, [lines[place] for place in again], editor)
        changed |= others
        for place, ending in zip(again, told, strict=True):
            endings[place] = ending
    ours = [one for one, line in zip(endings, lines, strict=True) if line.key not in lost]
    await _tell(connection, ours, attributes, editor)
    return endings, changed


async def _look_up(
    connection: AsyncConnection, keys: Sequence[str], editor: Editor
) -> tuple[dict[str, Account], frozenset[str]]:
    """Return the accounts of *keys*, locked, made where there were none; and which are grouped."""
    locked = await many_store.lock_singles(connection, keys)
    missing = [key for key in keys if key not in locked]
    there = await many_store.find_keys(connection, missing)
    fresh = [
        Account(
            id=editor.new_uuid(editor.now),
            key=key,
            known=NOTHING_KNOWN,
            row_version=0,
            created_at=editor.now,
            updated_at=editor.now,
        )
        for key in missing
        if key not in there
    ]
    return locked | {one.key: one for one in fresh}, frozenset(there)


async def _keep_one(
    connection: AsyncConnection, line: Line, book: _Book
) -> tuple[Merged, Literal["created", "changed", "unchanged"]]:
    if line.key in book.grouped:
        kept = await change_some(connection, line.key, news=line.news, editor=book.editor)
        if kept.is_changed:
            book.united.add(kept.account.id)
        return kept.merged, "changed" if kept.merged.changed else "unchanged"
    account = book.now[line.key]
    news = line.news
    is_new = account.row_version == 0
    if not news.is_dated and not is_new and news.at <= account.updated_at:
        news = replace(news, at=account.updated_at + timedelta(microseconds=1))
    merged = merge_into(account.known, news, book.ranks)
    if not is_new and merged.known == account.known:
        return merged, "unchanged"
    book.now[line.key] = replace(
        account,
        known=merged.known,
        row_version=account.row_version + 1,
        updated_at=max(book.editor.now, account.updated_at if news.is_dated else news.at),
    )
    return merged, "created" if is_new else "changed" if merged.changed else "unchanged"


async def _write(
    connection: AsyncConnection,
    lines: Sequence[Line],
    endings: Sequence[Ending | Refusal],
    book: _Book,
) -> tuple[set[UUID], set[str]]:
    """Write what changed; return whose that was, and the keys that others made accounts of."""
    changed = [one for key, one in book.now.items() if one is not book.before[key]]
    fresh = [one for one in changed if book.before[one.key].row_version == 0]
    added = await many_store.add_accounts(connection, fresh)
    await many_store.change_accounts(
        connection, [one for one in changed if book.before[one.key].row_version > 0]
    )
    given = {
        identity: line.key
        for line, ending in zip(lines, endings, strict=True)
        if isinstance(ending, Ending)
        for identity in line.identities
    }
    named = await many_store.add_identities(connection, given, now=book.editor.now)
    lost = {one.key for one in fresh} - added
    told = {
        one.id
        for one in changed
        if one.key not in lost
        and (
            book.before[one.key].row_version == 0 or is_news(one.known, book.before[one.key].known)
        )
    }
    return book.united | named | told, lost


def _check_identities(line: Line, bearers: Mapping[tuple[str, str], str]) -> None:
    for place, identity in enumerate(line.identities):
        bearer = bearers.get(identity, line.key)
        if bearer != line.key:
            words = "another account bears this identity; take it away there, or merge the two"
            fault = Fault(
                code="identity_taken", message=words, pointer=f"{line.at}/identities/{place}"
            )
            raise IdentityTaken(words, faults=[fault], members={"account": bearer})


def _placed(refusal: Refusal, line: Line) -> Refusal:
    """Return *refusal* with its places in what was sent."""
    if isinstance(refusal, TooManyAttributes):
        faults = [replace(one, pointer=f"{line.at}{one.pointer}") for one in refusal.faults]
        return TooManyAttributes(refusal.detail, faults=faults)
    return refusal


async def _tell(
    connection: AsyncConnection,
    endings: Sequence[Ending | Refusal],
    attributes: set[str],
    editor: Editor,
) -> None:
    states = [ending.state for ending in endings if isinstance(ending, Ending)]
    if set(states) <= {"unchanged"}:
        return
    await append_audit(
        connection,
        at=editor.now,
        actor=editor.person,
        action="accounts.keep_many",
        subject="accounts",
        payload={
            "created": states.count("created"),
            "changed": states.count("changed"),
            "attributes": sorted(attributes),
        },
    )
