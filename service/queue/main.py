"""The front door of the process that works on the queue: `goodfit worker`, or beside `serve`.

Beside `serve` it is a child of `service.nursery` and has a line, on which it says that it is
ready and then that it lives; it ends when the line breaks.
"""

import asyncio
import signal
import socket
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from service.decisions import open_desk, shadowing
from service.delivery import sending
from service.queue.registered import works_of
from service.queue.running import running_jobs
from service.settings import InvalidSettings, Settings, read_settings
from service.storage import open_engine, session_limits
from service.web import configure_logs, journal, live, open_house

__all__ = ["attend", "main"]

_log = journal("worker")


def main(line: socket.socket | None = None) -> int:
    """Work until SIGTERM, SIGINT, or the end of *line*; return the exit code."""
    return asyncio.run(_work(line))


async def _work(line: socket.socket | None) -> int:
    try:
        settings = read_settings()
    except InvalidSettings as error:
        _log.error("settings cannot be used", why=str(error))
        return 2
    if settings.database_url is None:
        _log.error("no database; set DATABASE_URL, or start with `goodfit serve`")
        return 2
    configure_logs(level=settings.log_level, style=settings.log_format)
    ends = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ends.set)
    async with AsyncExitStack() as stack:
        await attend(stack, settings, settings.database_url)
        waiting: set[asyncio.Task[Any]] = {asyncio.create_task(ends.wait())}
        if line is not None:
            waiting.add(asyncio.create_task(live(line)))
        _log.info("working", lease_s=settings.job_lease_s, at_once=settings.jobs_at_once)
        _, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
    return 0


async def attend(stack: AsyncExitStack, settings: Settings, url: str) -> None:
    """Begin everything that this process does, until *stack* is left."""
    engine = open_engine(url, limits=session_limits(settings))
    stack.push_async_callback(engine.dispose)
    house = open_house(settings, engine, clock=partial(datetime.now, UTC))
    desk = open_desk(house, timer=time.monotonic)
    stack.push_async_callback(desk.writer.close)
    # Left after the jobs: what they decided is held against shadows, and written down.
    await stack.enter_async_context(shadowing(desk.shadows))
    await stack.enter_async_context(running_jobs(house, works_of(desk)))
    await stack.enter_async_context(sending(house))
