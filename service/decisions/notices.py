"""Notices as they are opened, read and closed: each time with an entry in the audit."""

from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import drift_store
from service.decisions.drift_words import payload_of
from service.decisions.drifting import Drift
from service.rulesets import Editor, Running
from service.storage import append_audit, to_text
from service.web import House, Refusal

__all__ = ["BY_ITSELF", "NoticeClosed", "NoticeNotFound", "close_notice", "close_row"]
__all__ += ["existing_notice", "open_drift"]

BY_ITSELF: Final = "goodfit"
"""Who opens notices, and closes those that are over."""


class NoticeNotFound(Refusal):
    """No notice has this id."""

    code: ClassVar[str] = "notice_not_found"

    def __init__(self) -> None:
        super().__init__("there is no notice with this id; GET /v1/notices lists them")


class NoticeClosed(Refusal):
    """A notice is closed already."""

    code: ClassVar[str] = "notice_closed"

    def __init__(self) -> None:
        super().__init__("the notice is closed already; GET it to see by whom and why")


async def close_notice(
    connection: AsyncConnection, notice_id: UUID, *, reason: str, editor: Editor
) -> Row[Any]:
    """Close a notice, as a person who looked at it, and return it.

    Raises:
        NoticeNotFound: If there is none.
        NoticeClosed: If it is closed already.
    """
    row = await existing_notice(connection, notice_id)
    if not await close_row(connection, row, at=editor.at, by=editor.person, reason=reason):
        raise NoticeClosed
    return await existing_notice(connection, notice_id)


async def existing_notice(connection: AsyncConnection, notice_id: UUID) -> Row[Any]:
    """Return a notice.

    Raises:
        NoticeNotFound: If there is none.
    """
    row = await drift_store.find_notice(connection, notice_id)
    if row is None:
        raise NoticeNotFound
    return row


async def open_drift(
    connection: AsyncConnection, drift: Drift, *, running: Running, house: House, at: datetime
) -> None:
    """Open a notice of a topic that moved."""
    notice_id = house.new_uuid(at)
    values = {
        "id": notice_id,
        "kind": drift_store.DRIFTED,
        "rule_set": running.slug,
        "topic": drift.topic,
        "payload": payload_of(drift, version=running.version, at=at, since=None),
        "first_at": at,
        "last_at": at,
    }
    await drift_store.add_notice(connection, values)
    await append_audit(
        connection,
        at=at,
        actor=BY_ITSELF,
        action="decisions.notice",
        subject=to_text("ntc", notice_id),
        payload={"rule_set": running.slug, "topic": drift.topic, "version": running.version},
    )


async def close_row(
    connection: AsyncConnection, row: Row[Any], *, at: datetime, by: str, reason: str
) -> bool:
    """Close a notice; return whether it was open."""
    is_ours = await drift_store.change_notice(
        connection, row.id, only_open=True, closed_at=at, closed_by=by, closed_reason=reason
    )
    if is_ours:
        await append_audit(
            connection,
            at=at,
            actor=by,
            action="decisions.close_notice",
            subject=to_text("ntc", row.id),
            payload={"rule_set": row.rule_set, "topic": row.topic, "reason": reason},
        )
    return is_ours
