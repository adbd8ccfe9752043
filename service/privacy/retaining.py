"""Clear what was kept long enough: facts of decisions, and what came from outside as it came.

One retention a day, asked for by whichever process looks first. It begins where the one before
ended, so that a day's work is a day's decisions, whatever is kept.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import decisions
from service.privacy import store
from service.privacy.holdings import HOLDINGS, RAW
from service.privacy.recognising import look_again
from service.rulesets import Editor
from service.settings import Settings
from service.storage.personal import Subject, clear, clear_raw
from service.web import only_tried, rfc3339

__all__ = ["BY_ITSELF", "ask_for_retention", "ask_where_due", "take_step"]

BY_ITSELF: Final = "goodfit"
"""Who asks each day."""

_EVERY: Final = timedelta(days=1)
# Decisions may bear an instant that is older than when they came.
_AGAIN: Final = timedelta(days=7)
_ALL: Final = 2**31 - 1


async def ask_where_due(
    connection: AsyncConnection, settings: Settings, *, editor: Editor
) -> Row[Any] | None:
    """Ask for a retention unless one was within a day, or nothing is to be cleared at all."""
    if not (settings.facts_kept_days or settings.raw_kept_days):
        return None
    await store.take_turn(connection)
    last = await store.newest_retention(connection)
    if last is not None and last.created_at > editor.at - _EVERY:
        return None
    return await ask_for_retention(connection, settings, editor=editor, last=last)


async def ask_for_retention(
    connection: AsyncConnection,
    settings: Settings,
    *,
    editor: Editor,
    dry_run: bool = False,
    last: Row[Any] | None = None,
) -> Row[Any]:
    """Keep a retention for somebody to take up; all of the past where *last* is not given."""
    begin = None
    if last is not None and last.state == "done" and "facts" in last.keeps:
        begin = datetime.fromisoformat(last.keeps["facts"]) - _AGAIN
    days = {"facts": settings.facts_kept_days, "raw": settings.raw_kept_days}
    keeps = {name: rfc3339(editor.at - timedelta(days=kept)) for name, kept in days.items() if kept}
    if begin is not None:
        keeps["begin"] = rfc3339(begin)
    if last is not None:
        keeps["seen"] = rfc3339(last.created_at)
    retention_id = editor.fresh_id()
    await store.add(
        connection,
        {
            "id": retention_id,
            "cause": "retention",
            "known_by": [],
            "keeps": keeps,
            "dry_run": dry_run,
            "state": "queued",
            "step": "decisions" if dry_run else "accounts",
            "generation": 0,
            "attempts": 0,
            "done": 0,
            "tally": {},
            "asked_by": editor.person,
            "created_at": editor.at,
        },
    )
    row = await store.find(connection, retention_id)
    if row is None:
        raise AssertionError("it was added in this transaction")
    return row


async def take_step(
    connection: AsyncConnection, row: Row[Any], *, key: Callable[[], bytes], most: int
) -> Mapping[str, Any]:
    """Look for some of whom we have erased, or clear some of what is old; return how far it is."""
    if row.step == "accounts":
        erased_at = await store.first_erased_at(connection)
        if erased_at is None:
            return {"step": "decisions"}
        since = max(erased_at, _instant(row, "seen") or erased_at)
        return await look_again(connection, row, since=since, key=key(), most=most)
    if row.step == "decisions":
        return await _clear_facts(connection, row, most)
    return await _clear_raw(connection, row, most)


async def _clear_facts(connection: AsyncConnection, row: Row[Any], most: int) -> Mapping[str, Any]:
    old: list[tuple[datetime, UUID]] = []
    before = _instant(row, "facts")
    if before is not None:
        place = None if row.position_at is None else (row.position_at, row.position_id)
        old = await decisions.list_old(
            connection, after=place, since=_instant(row, "begin"), before=before, most=most
        )
    tally = Counter(row.tally)
    subject = Subject(decisions=tuple(decision_id for _, decision_id in old))
    async with only_tried(connection, row.dry_run):
        for holding in HOLDINGS:
            if holding.ages:
                tally[holding.name] += await clear(connection, holding, subject)
    if len(old) == most:
        at, decision_id = old[-1]
        place_now = {"position_at": at, "position_id": decision_id}
        return {**place_now, "done": row.done + len(old), "tally": tally}
    place_now = {"position_at": None, "position_id": None}
    return {**place_now, "step": "clearing", "done": row.done + len(old), "tally": tally}


async def _clear_raw(connection: AsyncConnection, row: Row[Any], most: int) -> Mapping[str, Any]:
    before = _instant(row, "raw")
    tally = Counter(row.tally)
    cleared = 0
    if before is not None:
        async with only_tried(connection, row.dry_run):
            for raw in RAW:
                some = await clear_raw(
                    connection, raw, before=before, most=_ALL if row.dry_run else most
                )
                tally[raw.table.__tablename__] += some
                cleared = max(cleared, some)
    far = {"done": row.done + cleared, "tally": tally}
    is_over = row.dry_run or cleared < most
    return {**far, "state": "done"} if is_over else far


def _instant(row: Row[Any], name: str) -> datetime | None:
    said = row.keeps.get(name)
    return None if said is None else datetime.fromisoformat(said)
