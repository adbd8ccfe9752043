"""What a serving process does beside its requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.web import begun_after

pytestmark = pytest.mark.anyio
PAUSE_S = 0.02


@asynccontextmanager
async def told(
    log: list[str], name: str, begun: asyncio.Event | None = None
) -> AsyncIterator[None]:
    """Write down when the block begins and ends."""
    log.append(f"{name} begins")
    if begun is not None:
        begun.set()
    try:
        yield
    finally:
        log.append(f"{name} ends")


@asynccontextmanager
async def begun_unless(error: Exception | None) -> AsyncIterator[None]:
    """Fail to begin where there is an error to fail with."""
    if error is not None:
        raise error
    yield


async def test_work_beside_begins_after_the_first_requests() -> None:
    """It leaves the processor to them, begins by itself, and ends with the block."""
    log: list[str] = []
    begun = asyncio.Event()
    async with begun_after(PAUSE_S, [told(log, "one"), told(log, "other", begun)]):
        log.append("served")
        async with asyncio.timeout(5):
            await begun.wait()
    assert log == ["served", "one begins", "other begins", "other ends", "one ends"]


async def test_who_leaves_at_once_begins_nothing() -> None:
    """A server that is stopped during the pause does not begin what it would have to stop."""
    log: list[str] = []
    async with begun_after(60, [told(log, "one")]):
        await asyncio.sleep(0)
    assert log == []


async def test_one_that_cannot_begin_keeps_nobody_from_it() -> None:
    """A bug in one kind of work leaves the others."""
    log: list[str] = []
    begun = asyncio.Event()
    work = [begun_unless(LookupError()), told(log, "other", begun)]
    async with begun_after(PAUSE_S, work), asyncio.timeout(5):
        await begun.wait()
    assert log == ["other begins", "other ends"]


async def test_without_a_pause_it_has_begun_already() -> None:
    """Callers without a server find everything at work."""
    log: list[str] = []
    async with begun_after(0, [told(log, "one")]):
        log.append("served")
    assert log == ["one begins", "served", "one ends"]
