"""One rescoring in a process of its own: columns, and nothing that answers requests.

A serving process starts it for a rescoring that it claimed, and says on standard input
which. When that line closes, or on SIGTERM, the work stops at its last slice.
"""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk import EnginesDisagree
from service.bulk.rescoring import TakenAway
from service.bulk.rescoring_working import LIMITS, carry_out, fail
from service.rescorings import store
from service.rules.sql import Untranslatable
from service.rulesets import LiveRules
from service.settings import read_settings
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, open_engine, transaction
from service.web import configure_logs, journal

__all__ = ["main"]

_NICE: Final = 10
"""Below the requests, whose processors these are."""
_log = journal("rescorings")


def main() -> None:
    """Work on the rescoring that was claimed; 0 where nothing is left to do about it."""
    os.nice(_NICE)
    settings = read_settings()
    configure_logs(level=settings.log_level, style=settings.log_format)
    told = sys.stdin.readline()
    if told:
        sys.exit(asyncio.run(_work(_Task(**json.loads(told)))))


@dataclass(frozen=True, slots=True)
class _Task:
    """Which rescoring, under which claim, in which database."""

    database_url: str = field(repr=False)
    rescoring: str
    generation: int


async def _work(task: _Task) -> int:
    engine = open_engine(task.database_url, limits=LIMITS)
    work = asyncio.create_task(_work_on(engine, task))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, work.cancel)
    line, _ = await loop.connect_read_pipe(lambda: _Line(work), sys.stdin)
    try:
        return await work
    except asyncio.CancelledError:
        return 0
    finally:
        line.close()
        await engine.dispose()


class _Line(asyncio.Protocol):
    """Stops the work where nobody is at the other end any more."""

    def __init__(self, work: asyncio.Task[int]) -> None:
        self._work = work

    def connection_lost(self, error: Exception | None) -> None:
        """Stop."""
        del error
        self._work.cancel()


async def _work_on(engine: AsyncEngine, task: _Task) -> int:
    row = None
    try:
        async with transaction(engine) as connection:
            row = await store.find(connection, UUID(task.rescoring))
        if row is None or (row.state, row.generation) != ("running", task.generation):
            return 0
        live = LiveRules(engine, timer=time.monotonic)
        running = await live.version(row.rule_set, row.version)
        await carry_out(
            row, running, engine=engine, url=task.database_url, clock=_clock, tell=lambda *_: None
        )
    except TakenAway:
        return 0
    except (EnginesDisagree, Untranslatable) as error:
        _log.error("rescoring failed", why=str(error))
    except (DatabaseUnavailable, DatabaseNotMigrated, psycopg.Error) as error:
        _log.warning("rescoring delayed", kind=type(error).__qualname__)
        return 1
    except Exception as error:  # noqa: BLE001 - the front door of this work: a bug ends the rescoring, in words
        _log.error("rescoring failed", kind=type(error).__qualname__)
        if row is not None:
            await fail(row, "something went wrong on our side", engine=engine, at=_clock())
    return 0


def _clock() -> datetime:
    return datetime.now(UTC)
