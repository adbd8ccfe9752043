"""Long work in a process of its own, and nothing that answers requests.

A serving process starts it for a row that it claimed, and says on standard input which. When
that line closes, or on SIGTERM, the work stops: a rescoring at its last slice, a
backtest at its last chunk, a statement as if it had not begun.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.backtests.column_working import carry_out as try_on_the_past
from service.backtests.keeping import TakenAway as BacktestTakenAway
from service.bulk import EnginesDisagree, importing
from service.bulk.rescoring import TakenAway
from service.bulk.rescoring_working import LIMITS, carry_out
from service.portfolio import taking
from service.portfolio.foreseeing import foresee
from service.portfolio.scenario_working import work_out
from service.portfolio.taking import take
from service.rules.sql import Untranslatable
from service.rulesets import INQUIRY_LIMITS, LiveRules, Running, answer_inquiry
from service.settings import read_settings
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    SessionLimits,
    leases,
    open_engine,
    transaction,
)
from service.storage.tables import (
    BacktestRow,
    ImportRow,
    InquiryRow,
    RescoringRow,
    ScenarioRow,
    StatementRow,
)
from service.web import configure_logs, journal

__all__ = ["main"]

_NICE: Final = 10
"""Below the requests, whose processors these are."""
_log = journal("worker")


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
    """Which row, under which claim, in which database."""

    database_url: str = field(repr=False)
    errand: str
    row: str
    generation: int


@dataclass(frozen=True, slots=True)
class _Errand:
    """One kind of work: where its rows are, and how one is carried out."""

    table: type[Any]
    limits: SessionLimits
    carry_out: Callable[[Row[Any], AsyncEngine, str], Awaitable[object]]


async def _rescore(row: Row[Any], engine: AsyncEngine, url: str) -> None:
    running = await _rules_of(row, engine)
    await carry_out(row, running, engine=engine, url=url, clock=_clock, tell=lambda *_: None)


async def _backtest(row: Row[Any], engine: AsyncEngine, url: str) -> None:
    del url
    live = LiveRules(engine, timer=time.monotonic)
    await try_on_the_past(row, live, engine=engine, clock=_clock, timer=time.monotonic)


async def _state(row: Row[Any], engine: AsyncEngine, url: str) -> None:
    del url
    live = LiveRules(engine, timer=time.monotonic)
    running = await live.version(row.rule_set, row.version)
    await take(row, running, engine=engine, clock=_clock)
    await foresee(row.rule_set, row.id, engine=engine, live=live)


async def _suppose(row: Row[Any], engine: AsyncEngine, url: str) -> None:
    del url
    live = LiveRules(engine, timer=time.monotonic)
    await work_out(row, live, engine=engine, clock=_clock)


async def _import(row: Row[Any], engine: AsyncEngine, url: str) -> None:
    del url
    await importing.carry_out(row, engine=engine, clock=_clock)


async def _answer(row: Row[Any], engine: AsyncEngine, url: str) -> None:
    del url
    await answer_inquiry(row, engine=engine, clock=_clock)


async def _rules_of(row: Row[Any], engine: AsyncEngine) -> Running:
    live = LiveRules(engine, timer=time.monotonic)
    return await live.version(row.rule_set, row.version)


_ERRANDS: Final[Mapping[str, _Errand]] = {
    "rescoring": _Errand(RescoringRow, LIMITS, _rescore),
    "backtest": _Errand(BacktestRow, LIMITS, _backtest),
    "statement": _Errand(StatementRow, taking.LIMITS, _state),
    "scenario": _Errand(ScenarioRow, taking.LIMITS, _suppose),
    "import": _Errand(ImportRow, LIMITS, _import),
    "inquiry": _Errand(InquiryRow, INQUIRY_LIMITS, _answer),
}


async def _work(task: _Task) -> int:
    errand = _ERRANDS[task.errand]
    engine = open_engine(task.database_url, limits=errand.limits)
    work = asyncio.create_task(_work_on(engine, task, errand))
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


async def _work_on(engine: AsyncEngine, task: _Task, errand: _Errand) -> int:
    row = None
    try:
        async with transaction(engine) as connection:
            row = await leases.find_row(connection, errand.table, UUID(task.row))
        if row is None or (row.state, row.generation) != ("running", task.generation):
            return 0
        await errand.carry_out(row, engine, task.database_url)
    except (TakenAway, BacktestTakenAway, taking.TakenAway, importing.TakenAway):
        return 0
    except (EnginesDisagree, Untranslatable) as error:
        _log.error("work failed", errand=task.errand, why=str(error))
    except (DatabaseUnavailable, DatabaseNotMigrated, psycopg.Error) as error:
        _log.warning("work delayed", errand=task.errand, kind=type(error).__qualname__)
        return 1
    except Exception as error:  # noqa: BLE001 - the front door of this work: a bug ends it, in words
        _log.error("work failed", errand=task.errand, kind=type(error).__qualname__)
        if row is not None:
            async with transaction(engine) as connection:
                failed = {"state": "failed", "failure": "something went wrong on our side"}
                ended = {"lease_until": None, "finished_at": _clock()}
                await leases.set_columns(connection, errand.table, row, **failed, **ended)
    return 0


def _clock() -> datetime:
    return datetime.now(UTC)
