"""Say of whom we have erased that they came again: by what is new since the day before.

It is looked for once a day and beside everything else, so that no decision waits for it.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import accounts, decisions
from service.privacy import store
from service.privacy.marking import mark_of
from service.web import journal

__all__ = ["look_again"]

_log = journal("erasures")


async def look_again(
    connection: AsyncConnection, row: Row[Any], *, since: datetime, key: bytes, most: int
) -> Mapping[str, Any]:
    """Look at some of what is new since then, and count on the erasures whoever came again."""
    place = None if row.position_at is None else (row.position_at, row.position_id)
    seen: Counter[bytes] = Counter()
    if place is None:
        keys, identities = await accounts.list_new_names(connection, since=since)
        seen.update(mark_of("account", one, key=key) for one in keys)
        seen.update(mark_of("identity", "\0".join(one), key=key) for one in identities)
    found = await decisions.list_names(connection, after=place, since=since, most=most)
    for one in found:
        seen.update({mark_of("email", email, key=key) for email in one.emails})
        if one.external_id is not None:
            seen[mark_of("external_id", one.external_id, key=key)] += 1
    times = await store.note_seen(connection, seen)
    if times:
        _log.warning("erased subjects came again", times=times)
    if len(found) == most:
        last = found[-1]
        return {"position_at": last.decided_at, "position_id": last.id}
    return {"position_at": None, "position_id": None, "step": "decisions"}
