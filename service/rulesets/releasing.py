"""Say which version is live from when on. Rolling back is releasing an older version.

A release takes effect `LEAD` after it is written at the earliest, so that every process
has learnt of it by then and no two answer by different versions at one instant. Only the
first release of a rule set counts at once: until then nobody could decide anything.
A release into the shadow is one too; it changes no answer.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.delivery import Announcement, EventType, announce
from service.rulesets import store
from service.rulesets.drafting import Editor
from service.rulesets.gating import pass_gate
from service.rulesets.live import VersionNotFound
from service.rulesets.missing import no_rule_set
from service.rulesets.shadows import Shadow, check_shadow
from service.storage import append_audit, read_clock, to_text
from service.web import Fault, Refusal, rfc3339

__all__ = ["LEAD", "ReleaseInPast", "release"]

LEAD: Final = timedelta(seconds=2)
_AT_ONCE: Final = timedelta(microseconds=1)
_SLACK: Final = timedelta(seconds=5)


class ReleaseInPast(Refusal):
    """A release would change what earlier decisions were made by."""

    code: ClassVar[str] = "release_in_past"


async def release(
    connection: AsyncConnection,
    slug: str,
    version: int,
    *,
    reason: str,
    since: datetime | None,
    editor: Editor,
    share: float | None = None,
) -> Row[Any]:
    """Make *version* of *slug* the live one from *since* on, or as soon as may be.

    With a *share* it goes into the shadow instead, or leaves it where that is nought. A
    *since* that is closer than `LEAD` moves there.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        VersionNotFound: If it has no such version.
        Frozen: If nothing of the rule set may be released now.
        ReviewRequired, BacktestRequired: If it may not go live, or not yet.
        ReleaseInPast: If *since* has passed.
        NoShadow, TooManyShadows: If it cannot leave the shadow, or enter it.
    """
    mode = "live" if share is None else "shadow"
    rule_set = await store.lock_rule_set(connection, slug)
    if rule_set is None:
        raise await no_rule_set(connection, slug)
    found = await store.find_version(connection, slug, number=version)
    if found is None:
        raise VersionNotFound
    approval = await pass_gate(connection, rule_set, found, mode=mode, since=since, lead=LEAD)
    is_first = mode == "live" and not await store.has_release(connection, slug)
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="rulesets.release",
        subject=slug,
        digest=found.digest,
        payload={
            "version": version,
            "mode": mode,
            "from": None if since is None else rfc3339(since),
            "reason": reason,
            **approval.to_json(),
            **({} if share is None else {"share": share}),
        },
    )
    # Read last: whatever this transaction had to wait for lies before it.
    now = await read_clock(connection)
    effective_at = _begin(since, earliest=now + (_AT_ONCE if is_first else LEAD), now=now)
    release_id = editor.fresh_id()
    if share is not None:
        new = Shadow(
            version=version,
            digest=found.digest,
            release_id=release_id,
            share=share,
            since=effective_at,
        )
        await check_shadow(connection, slug, new=new)
    row = await store.add_release(
        connection,
        {
            "id": release_id,
            "rule_set": slug,
            "version": version,
            "mode": mode,
            "share": share,
            "effective_at": effective_at,
            "created_at": now,
            "released_by": editor.person,
            "reason": reason,
            "approved_by": approval.approved_by,
            "review_id": approval.review_id,
        },
    )
    await announce(connection, _announced(row, digest=found.digest))
    return row


def _announced(row: Row[Any], *, digest: str) -> Announcement:
    return Announcement.caused_by(
        row.id,
        EventType.RULE_SET_RELEASED,
        at=row.created_at,
        data={
            "release": to_text("rel", row.id),
            "rule_set": row.rule_set,
            "version": row.version,
            "digest": digest,
            "mode": row.mode,
            "share": row.share,
            "effective_at": rfc3339(row.effective_at),
            "released_by": row.released_by,
            "approved_by": row.approved_by,
        },
    )


def _begin(since: datetime | None, *, earliest: datetime, now: datetime) -> datetime:
    """Return when a release takes effect that is asked for *since* then."""
    if since is None:
        return earliest
    if since < now - _SLACK:
        words = "a release begins now or later; decisions of the past keep their version"
        fault = Fault(code="in_past", message=words, pointer="/from")
        raise ReleaseInPast(words, faults=[fault])
    return max(earliest, since)
