"""Notice by itself that what is decided or sent has moved, and that it is over again.

Every serving process looks every few minutes; whoever comes first looks at a rule set, and
the others leave it. A notice stays open while it lasts. One that a person closed does not
come back until it was over for as long as the recent past is.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import drift_store
from service.decisions.drift_words import payload_of
from service.decisions.drifting import VERDICTS, Drift, Held, Sampled, State, drifts_of
from service.decisions.notices import BY_ITSELF, close_row, open_drift
from service.rulesets import LiveRules, NotLive, Running, VersionNotFound
from service.storage import transaction
from service.web import Chore, House, looked_after

__all__ = ["Horizon", "notice_drifts", "noticing"]

_EVERY_S: Final = 300.0
_LONG: Final = timedelta(seconds=30)
_VERSIONS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """The *recent* past, what lies *before* it, and how many decisions of each are sampled."""

    recent: timedelta = timedelta(hours=24)
    before: timedelta = timedelta(days=28)
    most: int = 20_000


def noticing(house: House, live: LiveRules) -> AbstractAsyncContextManager[None]:
    """Look again and again until the block ends."""

    async def look() -> None:
        await notice_drifts(house, live)

    return looked_after(Chore("notices", _EVERY_S, look))


async def notice_drifts(house: House, live: LiveRules, *, horizon: Horizon | None = None) -> None:
    """Look once at every rule set that is live, and open, renew and close its notices."""
    at = house.clock()
    async with transaction(house.engine) as connection:
        slugs = await drift_store.list_live(connection, at)
    for slug in slugs:
        try:
            running = await live.version_at(slug, at)
        except NotLive:  # its first release is a moment away
            continue
        await _look_at(running, house, live, at=at, horizon=horizon or Horizon())


async def _look_at(
    running: Running, house: House, live: LiveRules, *, at: datetime, horizon: Horizon
) -> None:
    """Fetch, compare, keep; leave it where another process is at it."""
    slug = running.slug
    async with transaction(house.engine, within=_LONG) as connection:
        if not await drift_store.take_turn(connection, slug):
            return
        sampled = await drift_store.count_sampled(
            connection,
            slug,
            until=at,
            recent=horizon.recent,
            before=horizon.before,
            most=horizon.most,
        )
        declared = await _declared_by(running, sampled, live)
        since = at - horizon.recent - horizon.before
        lately = await drift_store.list_lately(connection, slug, since=since)
        held = {
            topic: _held_against(rows, running, at=at, horizon=horizon)
            for topic, rows in lately.items()
        }
        newest = {topic: rows[-1] for topic, rows in lately.items()}
        drifts = drifts_of(sampled, live=running.version, declared=declared, held=held)
        for drift in drifts:
            known = newest.pop(drift.topic, None)
            await _keep(
                connection,
                drift,
                known,
                running=running,
                house=house,
                at=at,
                horizon=horizon,
            )
        for row in newest.values():
            if row.closed_at is None:
                words = "the live version does not declare the attribute any more"
                await close_row(connection, row, at=at, by=BY_ITSELF, reason=words)


async def _declared_by(
    running: Running, sampled: list[Sampled], live: LiveRules
) -> Mapping[int, frozenset[str]]:
    """Return what the newest versions among *sampled* declare, the live one's always."""
    declared = {running.version: frozenset(running.rules.attributes)}
    for number in sorted({one.version for one in sampled}, reverse=True)[:_VERSIONS]:
        try:
            declared[number] = frozenset(
                (await live.version(running.slug, number)).rules.attributes
            )
        except VersionNotFound:
            continue
    return declared


async def _keep(
    connection: AsyncConnection,
    drift: Drift,
    known: Row[Any] | None,
    *,
    running: Running,
    house: House,
    at: datetime,
    horizon: Horizon,
) -> None:
    """Open, renew or close the notice of one topic, as it stands now."""
    is_open = known is not None and known.closed_at is None
    if known is not None and is_open:
        words = _why_over(known, drift, running, at=at, horizon=horizon)
        if words is not None:
            await close_row(connection, known, at=at, by=BY_ITSELF, reason=words)
            return
    if drift.found.state is not State.MOVED:
        return
    if known is None or not _lasts(known, running, at=at, horizon=horizon):
        await open_drift(connection, drift, running=running, house=house, at=at)
        return
    begun = known.payload["since"]
    payload = payload_of(drift, version=running.version, at=at, since=begun)
    renewed = {"payload": payload} if is_open else {}
    await drift_store.change_notice(connection, known.id, only_open=False, last_at=at, **renewed)


def _why_over(
    known: Row[Any], drift: Drift, running: Running, *, at: datetime, horizon: Horizon
) -> str | None:
    """Return why an open notice is to be closed; None where it is not."""
    if _is_of_another(known, running):
        return f"version {running.version} is live now"
    if at - _since(known) > horizon.before:
        return "it has been so for so long that it is what is usual now"
    return "the shares are again as they were" if drift.found.state is State.OVER else None


def _held_against(
    rows: Sequence[Row[Any]], running: Running, *, at: datetime, horizon: Horizon
) -> Held:
    """Return what a topic with these notices, the oldest first, is held against."""
    newest = rows[-1]
    if _lasts(newest, running, at=at, horizon=horizon):
        mix = newest.payload["mix"]
        return Held(before={one["name"]: one["count_before"] for one in mix})
    ended = [(_since(row), row.closed_at) for row in rows if row.closed_by == BY_ITSELF]
    # What lasted so long that it became usual is no exception any more.
    return Held(left_out=tuple(e for e in ended if e[1] - e[0] <= horizon.before))


def _lasts(known: Row[Any], running: Running, *, at: datetime, horizon: Horizon) -> bool:
    """Return whether a notice is open, or a person closed it and what it tells of goes on."""
    if _is_of_another(known, running):
        return False
    if known.closed_at is None:
        return True
    return bool(known.closed_by != BY_ITSELF and at - known.last_at <= horizon.recent)


def _is_of_another(known: Row[Any], running: Running) -> bool:
    """Return whether a notice is of a mix of verdicts that another version made."""
    return known.topic == VERDICTS and bool(known.payload["version"] != running.version)


def _since(known: Row[Any]) -> datetime:
    return datetime.fromisoformat(known.payload["since"])
