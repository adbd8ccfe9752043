"""Suspend a rule for the accounts of a group, and end that: each with an entry in the audit.

While it lasts the part counts as no in every decision about an account of the group: its
whole condition, whatever it would have said, known or not. The decision says so, keeps which
suspension it was, and keeps the trace it would have had without, so that whoever counts who
meets the condition counts the same before and after.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import mark_due
from service.decisions import suspension_store
from service.rulesets import Editor
from service.storage import append_audit, to_text
from service.web import Refusal, rfc3339

__all__ = ["Suspending", "SuspensionEnded", "SuspensionNotFound", "end_suspension"]
__all__ += ["existing_suspension", "suspend"]


class SuspensionNotFound(Refusal):
    """No suspension has this id."""

    code: ClassVar[str] = "suspension_not_found"

    def __init__(self) -> None:
        super().__init__("there is no suspension with this id; GET /v1/suspensions lists them")


class SuspensionEnded(Refusal):
    """A suspension is not in force any more."""

    code: ClassVar[str] = "suspension_ended"

    def __init__(self) -> None:
        super().__init__("the suspension has ended already; GET it to see by whom and why")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspending:
    """What to suspend, for whom, and why.

    *part* is a rule's or gate's id, or `outcome:` and an outcome's. An empty *slice* with an
    empty *value* is all accounts. *until* None is until somebody ends it.
    """

    rule_set: str
    part: str
    slice: str
    value: str
    cause: str
    until: datetime | None = None
    evidence: Mapping[str, Any] | None = None


async def suspend(
    connection: AsyncConnection,
    suspending: Suspending,
    *,
    editor: Editor,
    accounts: Collection[UUID] = (),
) -> UUID | None:
    """Suspend a part from the editor's instant on; return the suspension's id.

    *accounts* are those of the group, to be assessed anew.
    None where one of the same part and group has not ended; nothing is changed then.
    """
    suspension_id = editor.fresh_id()
    values = {
        "id": suspension_id,
        "rule_set": suspending.rule_set,
        "part": suspending.part,
        "slice": suspending.slice,
        "value": suspending.value,
        "cause": suspending.cause,
        "evidence": None if suspending.evidence is None else dict(suspending.evidence),
        "made_by": editor.person,
        "since": editor.at,
        "until": suspending.until,
    }
    if not await suspension_store.add(connection, values):
        return None
    until = suspending.until
    told = {
        "rule_set": suspending.rule_set,
        "part": suspending.part,
        "slice": suspending.slice,
        "value": suspending.value,
        "until": None if until is None else rfc3339(until),
    }
    await _note(connection, "decisions.suspend", suspension_id, editor, told)
    await mark_due(connection, accounts)
    return suspension_id


async def end_suspension(
    connection: AsyncConnection, suspension_id: UUID, *, reason: str, editor: Editor
) -> None:
    """End a suspension, so that the part counts again from the editor's instant on.

    Whoever stands by a decision that was made under it is assessed anew.

    Raises:
        SuspensionNotFound: If there is none.
        SuspensionEnded: If it has ended, or its time is over.
    """
    row = await existing_suspension(connection, suspension_id)
    is_left = row.until is None or row.until > editor.at
    if not is_left or not await suspension_store.end(
        connection, suspension_id, by=editor.person, at=editor.at, reason=reason
    ):
        raise SuspensionEnded
    told = {"rule_set": row.rule_set, "part": row.part, "slice": row.slice, "value": row.value}
    await _note(connection, "decisions.end_suspension", suspension_id, editor, told)
    await mark_due(connection, await suspension_store.list_accounts_under(connection, row))


async def existing_suspension(connection: AsyncConnection, suspension_id: UUID) -> Row[Any]:
    """Return a suspension.

    Raises:
        SuspensionNotFound: If there is none.
    """
    row = await suspension_store.find(connection, suspension_id)
    if row is None:
        raise SuspensionNotFound
    return row


async def _note(
    connection: AsyncConnection,
    action: str,
    suspension_id: UUID,
    editor: Editor,
    payload: Mapping[str, Any],
) -> None:
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action=action,
        subject=to_text("sus", suspension_id),
        payload=dict(payload),
    )
