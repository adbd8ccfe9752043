"""What every room finds when a request comes in: settings, database, clock, counters.

Built once by a front door and put into the application's state; rooms read it, none
writes it. The clock and randomness come in here, so that tests can bring their own.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from service.settings import Settings
from service.storage import RANDOM_BYTES, LoneSession, make_uuid, session_limits, transaction
from service.web.caller import Caller
from service.web.crowd import Crowd
from service.web.key_store import find_caller
from service.web.keyring import KeyRing
from service.web.limiter import per_minute
from service.web.metrics import Metrics
from service.web.pulse import Pulse
from service.web.turns import Turns
from service.web.visit import Clock, Visit, visit_of

__all__ = ["House", "InHouse", "Visiting", "WithKey", "open_house"]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The floors under the rooms, for one process."""

    settings: Settings
    engine: AsyncEngine
    clock: Clock
    keys: KeyRing
    metrics: Metrics
    turns: Turns
    crowd: Crowd
    pulse: Pulse
    randomness: Callable[[int], bytes] = field(default=os.urandom)

    def new_uuid(self, at: datetime) -> UUID:
        """Return a fresh UUIDv7 of the instant *at*."""
        return make_uuid(at, self.randomness(RANDOM_BYTES))


def open_house(settings: Settings, engine: AsyncEngine, *, clock: Clock) -> House:
    """Return the floors of this process; it remembers keys, counts, and keeps turns by itself."""

    async def find(sha256: bytes) -> Caller | None:
        async with transaction(engine) as connection:
            return await find_caller(connection, sha256)

    keys = KeyRing(find, clock=clock, timer=time.monotonic)
    url = engine.url.render_as_string(hide_password=False)
    session = LoneSession(url, limits=session_limits(settings))
    return House(
        settings=settings,
        engine=engine,
        clock=clock,
        keys=keys,
        pulse=Pulse(session, keys=keys, timer=time.monotonic),
        metrics=Metrics(),
        turns=Turns(),
        crowd=Crowd(
            clock=clock,
            by_key=per_minute(settings.publishable_requests_per_minute),
            by_address=per_minute(settings.address_requests_per_minute),
        ),
    )


async def _house_of(request: Request) -> House:
    house: House = request.app.state.house
    return house


async def _visit_of(request: Request) -> Visit:
    return visit_of(request.scope)


async def _caller_of(request: Request) -> Caller:
    caller = visit_of(request.scope).caller
    if caller is None:
        raise AssertionError("a route that needs a caller stands in the table as open")
    return caller


InHouse = Annotated[House, Depends(_house_of)]
Visiting = Annotated[Visit, Depends(_visit_of)]
WithKey = Annotated[Caller, Depends(_caller_of)]
