"""Tell endpoints of decisions, in the transaction that writes them: ids and outcomes, no facts."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import telling_store
from service.decisions.deciding import Record
from service.delivery import Announcement, EventType, announce, who_hears
from service.storage import to_text
from service.web import rfc3339

__all__ = ["tell", "tell_staged"]

_KINDS: Final = (EventType.DECISION_CREATED, EventType.ACCOUNT_OUTCOME_CHANGED)


async def tell(connection: AsyncConnection, records: Sequence[Record]) -> None:
    """Announce *records*, and the accounts whose outcome they changed.

    One statement where no endpoint takes such events.
    """
    if records and (heard := await who_hears(connection, _KINDS)):
        await _tell(connection, records, heard)


async def tell_staged(connection: AsyncConnection) -> None:
    """Announce the decisions in `staged_decision`, as `tell` does."""
    if heard := await who_hears(connection, _KINDS):
        await _tell(connection, await telling_store.list_staged(connection), heard)


async def _tell(
    connection: AsyncConnection,
    records: Sequence[Record] | Sequence[Row[Any]],
    heard: AbstractSet[EventType],
) -> None:
    ids = [one.account_id for one in records if one.account_id is not None]
    keys = await telling_store.keys_of(connection, ids) if ids else {}
    announcements = []
    if EventType.DECISION_CREATED in heard:
        announcements += [_created(one, keys) for one in records]
    if EventType.ACCOUNT_OUTCOME_CHANGED in heard and ids:
        moved = await telling_store.list_moved(connection, [one.id for one in records])
        announcements += [_changed(row, keys) for row in moved]
    await announce(connection, *announcements)


def _created(record: Record | Row[Any], keys: Mapping[UUID, str]) -> Announcement:
    key = None if record.account_id is None else keys.get(record.account_id)
    return Announcement.caused_by(
        record.id,
        EventType.DECISION_CREATED,
        at=record.decided_at,
        about=key or record.external_id,
        outcome=record.outcome,
        data={
            "decision": to_text("dec", record.id),
            "rule_set": record.rule_set,
            "version": record.version,
            "subject": record.subject,
            "account": key,
            "external_id": record.external_id,
            "verdict": record.verdict,
            "outcome": record.outcome,
            "certain": record.certain,
            "final": record.final,
            "scores": orjson.Fragment(record.scores),
            "source": record.source,
        },
    )


def _changed(row: Row[Any], keys: Mapping[UUID, str]) -> Announcement:
    key = keys.get(row.account_id)
    return Announcement.caused_by(
        row.decision_id,
        EventType.ACCOUNT_OUTCOME_CHANGED,
        at=row.at,
        about=key,
        outcome=row.outcome,
        data={
            "account": key,
            "rule_set": row.rule_set,
            "decision": to_text("dec", row.decision_id),
            "version": row.version,
            "verdict": row.verdict,
            "outcome": row.outcome,
            "before": {
                "decision": to_text("dec", row.previous_decision_id),
                "version": row.previous_version,
                "verdict": row.previous_verdict,
                "outcome": row.previous_outcome,
                "at": rfc3339(row.previous_at),
            },
        },
    )
