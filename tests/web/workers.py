"""The processes that work for the server of this process, and where they wait."""

import asyncio
from typing import Final

import psutil
import psycopg

from service.storage import libpq_url

__all__ = ["until_waiting", "workers"]

_PATIENCE_S: Final = 30.0
_WAITING: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND query LIKE %s AND datname = current_database()
"""


def workers() -> list[psutil.Process]:
    """Return those that work now."""
    return [one for one in psutil.Process().children() if _is_worker(one)]


def _is_worker(process: psutil.Process) -> bool:
    """Return whether it works for a server; one that ended meanwhile does not."""
    try:
        return "service.worker" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # also where it is a zombie, which nobody waited for yet
        return False


async def until_waiting(url: str, statement: str) -> None:
    """Wait until a session waits for a lock with a statement that is like *statement*."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        async with asyncio.timeout(_PATIENCE_S):
            while connection.execute(_WAITING, [statement]).fetchone() == (0,):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
