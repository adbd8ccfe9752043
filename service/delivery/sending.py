"""Send what waits: many at a time, a few to each endpoint, each under a lease and a generation.

A dead or slow endpoint holds up nobody else: it has its few places, one where it fails, and
whoever is next has theirs.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import Row

from service.delivery import claim_store, endpoints, event_store
from service.delivery.endpoints import Hand, seal_name
from service.delivery.reaching import Reach, Reply, Unreachable, open_client, post, reach_of
from service.delivery.schedule import pause_before, retry_after
from service.delivery.signing import headers_of
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    Sealer,
    SealingKeyUnusable,
    sealer_of,
    to_text,
    transaction,
)
from service.web import Chore, House, journal, looked_after

__all__ = ["Sender", "forgetting_events", "recover", "sending"]

_EACH: Final = 8
_WRITERS: Final = 2
_AGAIN_S: Final = 0.2
_GATHER_S: Final = 0.02  # those that end together are followed by one claim
_EXCERPT: Final = 1_000
_AT_ONCE: Final = 1_000
_BY_ITSELF: Final = "goodfit"
_TEXT: Final = re.compile(r"(text/|application/([a-z.+-]*\+)?(json|xml)\b)", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_log = journal("delivery")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How an attempt went: a reply, or why there was none."""

    reply: Reply | None = None
    problem: str | None = None

    @property
    def is_success(self) -> bool:
        """2xx and nothing else; a redirect is a failure and is not followed."""
        return self.reply is not None and 200 <= self.reply.status < 300


@dataclass(slots=True, kw_only=True)
class Sender:
    """What one process sends. *running* holds the endpoint of each attempt that is being made."""

    house: House
    reach: Reach
    client: httpx.AsyncClient
    sealer: Sealer
    luck: Callable[[], float] = random.random
    running: dict[asyncio.Task[None], UUID] = field(default_factory=dict)
    pen: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_WRITERS))
    """Held to write: what ends together must not take every session of this process."""

    @property
    def budget(self) -> int:
        """How many attempts each delivery has."""
        return len(self.house.settings.delivery_pauses_s) + 1

    @property
    def lease(self) -> timedelta:
        """How long a claim lasts."""
        return timedelta(seconds=self.house.settings.delivery_lease_s)

    async def take_some(self) -> int:
        """Claim what is due and begin to send it; return how many."""
        free = self.house.settings.deliveries_at_once - len(self.running)
        if free <= 0:
            return 0
        async with transaction(self.house.engine) as connection:
            rows = await claim_store.claim(
                connection,
                busy=Counter(self.running.values()),
                each=_EACH,
                most=free,
                budget=self.budget,
                lease=self.lease,
            )
        for row in rows:
            task = asyncio.create_task(self.deliver(row), name="delivery")
            self.running[task] = row.endpoint_id
            task.add_done_callback(lambda task: self.running.pop(task, None) and None)
        return len(rows)

    async def deliver(self, row: Row[Any]) -> None:
        """Make the attempt of a claim, and keep how it went.

        Where that cannot be kept before the lease runs out, it is sent again under the same id.
        """
        began = time.monotonic()
        outcome = await self._attempt(row)
        took_ms = round((time.monotonic() - began) * 1_000)
        is_kept = False
        while not is_kept and time.monotonic() < began + self.lease.total_seconds():
            try:
                async with self.pen:
                    await self._keep(row, outcome, took_ms=took_ms)
                is_kept = True
            except (DatabaseUnavailable, DatabaseNotMigrated) as error:
                _log.warning("delivery not kept yet", kind=type(error).__qualname__)
                await asyncio.sleep(_AGAIN_S)

    async def _attempt(self, row: Row[Any]) -> _Outcome:
        about = seal_name(row.endpoint_id)
        sealed = [one for one in (row.secret, row.old_secret) if one is not None]
        try:
            secrets = [self.sealer.open(one, about=about).decode() for one in sealed]
            headers = headers_of(
                row.body, message=to_text("msg", row.event_id), at=row.now, secrets=secrets
            )
            reply = await post(
                self.client, row.url, body=row.body, headers=headers, reach=self.reach
            )
        except SealingKeyUnusable as error:
            _log.error("secret unusable", endpoint=to_text("whe", row.endpoint_id), why=str(error))
            return _Outcome(problem="secret")
        except Unreachable:
            return _Outcome(problem="address")
        except (TimeoutError, httpx.TimeoutException):
            return _Outcome(problem="timeout")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            return _Outcome(problem="connection")
        return _Outcome(reply=reply)

    async def _keep(self, row: Row[Any], outcome: _Outcome, *, took_ms: int) -> None:
        reply = outcome.reply
        async with transaction(self.house.engine) as connection:
            made = row.attempts - row.base
            state, pause = "delivered", timedelta(0)
            is_gone = reply is not None and reply.status == 410
            if not outcome.is_success:
                is_last = is_gone or made >= self.budget
                state, pause = (
                    ("failed", pause) if is_last else ("waiting", self._pause(made, reply))
                )
            is_ours = await claim_store.keep_outcome(
                connection,
                row,
                state=state,
                pause=pause,
                took_ms=took_ms,
                status=None if reply is None else reply.status,
                problem=outcome.problem,
                excerpt=None if reply is None else excerpt_of(reply),
            )
            if is_ours and state == "failed":
                await self._switch_off(connection, row, because="gone" if is_gone else "failing")

    def _pause(self, made: int, reply: Reply | None) -> timedelta:
        now = self.house.clock()
        asked = None if reply is None else retry_after(reply.headers.get("retry-after"), at=now)
        pauses_s = self.house.settings.delivery_pauses_s
        return pause_before(made + 1, pauses_s=pauses_s, luck=self.luck(), asked=asked)

    async def _switch_off(self, connection: Any, row: Row[Any], *, because: str) -> None:  # noqa: ANN401 - SQLAlchemy's connection
        """Switch off an endpoint that is gone, or did not take one delivery in a whole schedule."""
        endpoint = await endpoints.existing(connection, row.endpoint_id, to_change=True)
        recovered = endpoint.recovered_at
        if because == "failing" and recovered is not None and recovered > row.first_attempt_at:
            return
        house = self.house
        hand = Hand(
            person=_BY_ITSELF, at=house.clock(), new_uuid=house.new_uuid, sealer=self.sealer
        )
        if await endpoints.switch_off(connection, row.endpoint_id, because=because, hand=hand):
            _log.error("endpoint off", endpoint=to_text("whe", row.endpoint_id), because=because)


@asynccontextmanager
async def sending(house: House, *, reach: Reach | None = None) -> AsyncIterator[Sender]:
    """Send what waits until the block ends; what is being sent then may come to its end."""
    reach = reach or reach_of(house.settings)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(reach))
        sender = Sender(house=house, reach=reach, client=client, sealer=sealer_of(house.settings))
        giving_up = Chore(
            "deliveries cut off", sender.lease.total_seconds() / 4, partial(recover, sender)
        )
        await stack.enter_async_context(looked_after(giving_up))
        task = asyncio.create_task(_send_for_ever(sender), name="deliveries")
        try:
            yield sender
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if sender.running:
                _, late = await asyncio.wait(sender.running, timeout=house.settings.shutdown_s)
                for one in late:
                    one.cancel()


@asynccontextmanager
async def forgetting_events(house: House) -> AsyncIterator[None]:
    """Forget events, with their deliveries, that are older than the settings say, once an hour."""

    async def forget() -> None:
        older = timedelta(days=house.settings.events_kept_days)
        are_more = True
        while are_more:
            async with transaction(house.engine) as connection:
                count = await event_store.forget_old(connection, older=older, most=_AT_ONCE)
            are_more = count == _AT_ONCE

    async with looked_after(Chore("old events", 3_600.0, forget)):
        yield


def excerpt_of(reply: Reply) -> str | None:
    """Return how an answer begins, where it is text: no more than 1,000 bytes, no controls."""
    if not reply.body or not _TEXT.match(reply.headers.get("content-type", "")):
        return None
    words = reply.body[:_EXCERPT].decode("utf-8", "replace")
    return _CONTROLS.sub(" ", words).encode()[:_EXCERPT].decode("utf-8", "ignore")


async def _send_for_ever(sender: Sender) -> None:
    every_s = sender.house.settings.deliver_every_s
    while True:
        begun = 0
        try:
            begun = await sender.take_some()
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("deliveries delayed", kind=type(error).__qualname__)
        running = set(sender.running)
        if not running:
            await asyncio.sleep(0 if begun else every_s)
        else:
            # Whoever ends makes room; an endpoint that had its few places may have more waiting.
            await asyncio.wait(running, timeout=every_s, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(_GATHER_S)


async def recover(sender: Sender) -> None:
    """Let what was cut off be sent again, and end what has no attempt left."""
    async with transaction(sender.house.engine) as connection:
        count = await claim_store.give_up(connection, budget=sender.budget)
        await claim_store.let_go(connection)
    if count:
        _log.warning("deliveries given up", count=count, because="no attempt left, or erased")
