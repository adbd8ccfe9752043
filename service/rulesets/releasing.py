"""Say which version is live from when on. Rolling back is releasing an older version.

A release takes effect `LEAD` after it is written at the earliest, so that every process
has learnt of it by then and no two answer by different versions at one instant. Only the
first release of a rule set counts at once: until then nobody could decide anything.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import store
from service.rulesets.drafting import Editor
from service.rulesets.live import RuleSetNotFound, VersionNotFound
from service.storage import append_audit, read_clock
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
) -> Row[Any]:
    """Make *version* of *slug* the live one from *since* on, or as soon as may be.

    A *since* that is closer than `LEAD` moves there.

    Raises:
        RuleSetNotFound: If there is no such rule set.
        VersionNotFound: If it has no such version.
        ReleaseInPast: If *since* has passed.
    """
    if await store.lock_rule_set(connection, slug) is None:
        raise RuleSetNotFound
    found = await store.find_version(connection, slug, number=version)
    if found is None:
        raise VersionNotFound
    is_first = not await store.has_release(connection, slug)
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="rulesets.release",
        subject=slug,
        digest=found.digest,
        payload={
            "version": version,
            "mode": "live",
            "from": None if since is None else rfc3339(since),
            "reason": reason,
        },
    )
    # Read last: whatever this transaction had to wait for lies before it.
    now = await read_clock(connection)
    if since is not None and since < now - _SLACK:
        words = "a release begins now or later; decisions of the past keep their version"
        fault = Fault(code="in_past", message=words, pointer="/from")
        raise ReleaseInPast(words, faults=[fault])
    earliest = now + (_AT_ONCE if is_first else LEAD)
    return await store.add_release(
        connection,
        {
            "id": editor.fresh_id(),
            "rule_set": slug,
            "version": version,
            "mode": "live",
            "effective_at": max(earliest, since) if since is not None else earliest,
            "created_at": now,
            "released_by": editor.person,
            "reason": reason,
        },
    )
