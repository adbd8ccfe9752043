"""Have the rescorings that wait worked off by a process of their own, at low priority.

A serving process claims a rescoring and starts `service.worker` for it. That one lets go of
it when this end of its line closes, so it never outlives the process that started it; and
where it dies itself, the rescoring is claimed again at once.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Row

from service.rescorings import store
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, to_text, transaction
from service.web import House, journal

__all__ = ["work_on_next", "working"]

# Of this installation, whatever folder the server was started in.
_HOME: Final = str(Path(__file__).resolve().parents[2])
_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from service.worker import main; main()"
)
_LOOK_AGAIN_S: Final = 1.0
_LEASE: Final = timedelta(seconds=30)
_ATTEMPTS: Final = 5
_LETS_GO_WITHIN_S: Final = 5.0
_log = journal("rescorings")


@asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    """Have whatever rescorings wait worked on until the block ends."""
    task = asyncio.create_task(_work_for_ever(house), name="rescorings")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def work_on_next(house: House) -> bool:
    """Have the oldest rescoring that waits worked on to its end; return whether one was.

    There is one at a time in a deployment. One that was taken up too often without finishing
    a slice has failed.

    Raises:
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction.
    """
    async with transaction(house.engine) as connection:
        row = await store.claim_next(connection, lease=_LEASE)
    if row is None:
        return False
    if row.attempts > _ATTEMPTS:
        await _fail(house, row)
        return True
    try:
        code = await _run(house, row)
    finally:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            async with transaction(house.engine) as connection:
                await store.give_back(connection, row)
    if code != 0:
        _log.warning("rescoring interrupted", rescoring=to_text("rsc", row.id), code=code)
    return code == 0


async def _work_for_ever(house: House) -> None:
    while True:
        was_one = False
        try:
            was_one = await work_on_next(house)
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("rescorings delayed", why=str(error))
        except OSError as error:
            _log.error("no process to rescore with", kind=type(error).__qualname__)
        if not was_one:
            await asyncio.sleep(_LOOK_AGAIN_S)


async def _run(house: House, row: Row[Any]) -> int:
    """Return the exit code of the process that works on *row*; it ends with this task."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", _PROGRAM, _HOME),
        stdin=PIPE,
        start_new_session=True,  # Ctrl-C is for the server; it hears of it from here
    )
    task = {
        "database_url": house.engine.url.render_as_string(hide_password=False),
        "rescoring": str(row.id),
        "generation": row.generation,
    }
    try:
        if process.stdin is not None:
            process.stdin.write(orjson.dumps(task) + b"\n")
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """Close the line, on which the process lets go and ends; else it is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_LETS_GO_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _fail(house: House, row: Row[Any]) -> None:
    async with transaction(house.engine) as connection:
        await store.set_columns(
            connection,
            row,
            state="failed",
            failure="the work stopped too often at the same place",
            lease_until=None,
            finished_at=house.clock(),
        )
