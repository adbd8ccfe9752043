"""Long work that waits in a table, done by a process of its own, at low priority.

A serving process claims a row and starts `service.worker` for it. That one lets go of it when
this end of its line closes, so it never outlives the process that started it; and where it
dies itself, the row is claimed again at once.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    Prefix,
    leases,
    to_text,
    transaction,
)
from service.web.house import House
from service.web.journal import journal

__all__ = ["LEASE", "Errand", "run_as_they_come", "run_claimed", "run_next"]

LEASE: Final = timedelta(seconds=30)
# Of this installation, whatever folder the server was started in.
_HOME: Final = str(Path(__file__).resolve().parents[2])
# What is loaded stays: to look through it again and again meanwhile takes a seventh of the time.
# It is not frozen: DuckDB's would then never be let go of, of which it complains at the end.
_PROGRAM: Final = (
    "import gc, sys; gc.disable(); sys.path.insert(0, sys.argv.pop(1));"
    " from service.worker import main; gc.enable(); main()"
)
_ATTEMPTS: Final = 5
_LETS_GO_WITHIN_S: Final = 5.0
_log = journal("errands")


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One kind of work.

    Attributes:
        name: What the worker is told to do, and what the journal says.
        table: Of rows with a lease; see `service.storage.leases`.
        claim_next: Takes the lease of the row that is next; None where none is.
    """

    name: str
    prefix: Prefix
    table: type[Any]
    claim_next: Callable[[AsyncConnection], Awaitable[Row[Any] | None]]


@asynccontextmanager
async def run_as_they_come(house: House, errand: Errand) -> AsyncIterator[None]:
    """Have whatever waits worked on until the block ends."""
    task = asyncio.create_task(_run_for_ever(house, errand), name=errand.name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def run_next(house: House, errand: Errand) -> bool:
    """Have the row that is next worked on to its end; return whether there was one.

    One that was taken up too often without getting anywhere has failed.

    Raises:
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction.
    """
    async with transaction(house.engine) as connection:
        row = await errand.claim_next(connection)
    if row is None:
        return False
    if row.attempts > _ATTEMPTS:
        await _fail(house, errand, row)
        return True
    return await run_claimed(house, errand, row)


async def run_claimed(house: House, errand: Errand, row: Row[Any]) -> bool:
    """Have a row that was claimed worked on to its end; return whether it came to one.

    Whatever happens its lease is let go of. Raises as `run_next`.
    """
    try:
        code = await _run(house, errand, row)
    finally:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            async with transaction(house.engine) as connection:
                await leases.set_columns(connection, errand.table, row, lease_until=None)
    if code != 0:
        about = to_text(errand.prefix, row.id)
        _log.warning("work interrupted", errand=errand.name, about=about, code=code)
    return code == 0


async def _run_for_ever(house: House, errand: Errand) -> None:
    while True:
        was_one = False
        try:
            was_one = await run_next(house, errand)
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("work delayed", errand=errand.name, why=str(error))
        except OSError as error:
            kind = type(error).__qualname__
            _log.error("no process to work with", errand=errand.name, kind=kind)
        if not was_one:
            await house.pulse.until_open(errand.table)


async def _run(house: House, errand: Errand, row: Row[Any]) -> int:
    """Return the exit code of the process that works on *row*; it ends with this task."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", _PROGRAM, _HOME),
        stdin=PIPE,
        start_new_session=True,  # Ctrl-C is for the server; it hears of it from here
    )
    task = {
        "database_url": house.engine.url.render_as_string(hide_password=False),
        "errand": errand.name,
        "row": str(row.id),
        "generation": row.generation,
    }
    try:
        if process.stdin is not None:
            process.stdin.write(orjson.dumps(task) + b"\n")
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """Tell the process to let go and end, at once where it has not begun; else kill it."""
    if process.stdin is not None:
        process.stdin.close()
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_LETS_GO_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _fail(house: House, errand: Errand, row: Row[Any]) -> None:
    async with transaction(house.engine) as connection:
        await leases.set_columns(
            connection,
            errand.table,
            row,
            state="failed",
            failure="the work stopped too often at the same place",
            lease_until=None,
            finished_at=house.clock(),
        )
