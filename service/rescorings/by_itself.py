"""Ask for rescorings that nobody asks for: after a release, and as time passes.

Every serving process looks every half minute; what is asked for is a row, added under the lock of
whoever adds one, so exactly one is asked for. A rescoring is worked off as any other.

Where more accounts are due than the task that assesses them should take one by one, a rescoring
does it by columns. Their marks are put off meanwhile and taken away once every rule set has been
rescored as of an instant after the change; if that does not happen, they are simply due again.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import count_due, forget_before, last_declared_at, postpone_due
from service.rescorings import store
from service.rescorings.asking import RescoringRunning, ask_for
from service.rules import RuleSet
from service.rulesets import Editor, LiveRules, LiveSince, NotLive, live_for_accounts
from service.storage import to_text, transaction
from service.web import Chore, House, journal, looked_after

__all__ = ["BY_ITSELF", "asking_by_itself", "look_once"]

BY_ITSELF: Final = "goodfit"
"""Who asks then."""

Cause = Literal["release", "daily", "change", "import"]

_EVERY_S: Final = 30.0
# A rescoring takes seconds to start, whatever the number. Side by side on a busy machine it
# took 25 s for 6,000 accounts that all came out otherwise; one by one they took 37 s, and twice
# that with the rests that are the requests'.
_MOST_ONE_BY_ONE: Final = 5_000
_PUT_OFF: Final = timedelta(minutes=10)
# Longer than any transaction that changes accounts: what bears an older instant is committed.
_SETTLED: Final = timedelta(seconds=15)
_log = journal("rescorings")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signs:
    """What speaks for a rescoring of every rule set alike.

    *declared_at* is when something was said of a source, on which every metric may rest.
    """

    at: datetime
    every: timedelta
    declared_at: datetime | None
    is_flooded: bool


def asking_by_itself(house: House, live: LiveRules) -> AbstractAsyncContextManager[None]:
    """Look again and again until the block ends."""

    async def look() -> None:
        await look_once(house, live)

    return looked_after(Chore("rescorings", _EVERY_S, look))


async def look_once(
    house: House, live: LiveRules, *, most_one_by_one: int = _MOST_ONE_BY_ONE
) -> Mapping[str, Cause]:
    """Ask for what is to be rescored now; return why, by rule set."""
    every = timedelta(hours=house.settings.rescore_every_h)
    at = house.clock()
    async with transaction(house.engine) as connection:
        rule_sets = await live_for_accounts(connection, at)
        if not rule_sets or not await store.has_accounts(connection):
            return {}
        await _forget_rescored(connection, rule_sets)
        waiting = await count_due(connection, only_now=True)
        signs = _Signs(
            at=at,
            every=every,
            declared_at=await last_declared_at(connection),
            is_flooded=waiting.accounts > most_one_by_one,
        )
    asked: dict[str, Cause] = {}
    for one in rule_sets:
        cause = await _ask_where_due(one, signs, house=house, live=live)
        if cause is not None:
            asked[one.slug] = cause
    if signs.is_flooded:
        async with transaction(house.engine) as connection:
            await postpone_due(connection, by=_PUT_OFF)
    return asked


async def _forget_rescored(connection: AsyncConnection, rule_sets: Sequence[LiveSince]) -> None:
    """Take away the marks of changes that every rule set has been rescored after."""
    done = [await store.last_done_at(connection, one.slug) for one in rule_sets]
    instants = [at for at in done if at is not None]
    if len(instants) == len(rule_sets):
        await forget_before(connection, min(instants) - _SETTLED)


async def _ask_where_due(
    one: LiveSince, signs: _Signs, *, house: House, live: LiveRules
) -> Cause | None:
    try:
        running = await live.version_at(one.slug, signs.at)
    except NotLive:  # its first release is a moment away
        return None
    async with transaction(house.engine) as connection:
        await store.take_turn(connection)
        last = await store.find_newest(connection, one.slug)
        cause = _cause(running.rules, last, one, signs)
        if cause is None:
            return None
        editor = Editor(person=BY_ITSELF, at=signs.at, new_uuid=house.new_uuid)
        try:
            row = await ask_for(connection, running, editor=editor, cause=cause)
        except RescoringRunning:  # it is looked at again when that has ended
            return None
    _log.info("rescoring asked for", rescoring=to_text("rsc", row.id), cause=cause)
    return cause


def _cause(rules: RuleSet, last: Row[Any] | None, live: LiveSince, signs: _Signs) -> Cause | None:
    """Return why a rule set is to be rescored now, where it is.

    *last* is the newest rescoring that was asked for, whatever became of it: one that was
    cancelled or failed is not asked for again before there is another reason.
    """
    if last is None or last.at < live.since:
        return "release"
    if signs.declared_at is not None and rules.metrics:
        settled = signs.declared_at + _SETTLED
        if last.at < settled <= signs.at:
            return "change"
    if signs.is_flooded and last.at < signs.at - _SETTLED:
        return "import"
    is_old = bool(signs.every) and signs.at - last.at >= signs.every
    return "daily" if is_old and rules.moves_by_time else None
