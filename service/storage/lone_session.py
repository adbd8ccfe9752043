"""One database session outside the pool, for whoever writes all the time.

It is in autocommit: each statement is a transaction of its own. It is opened when first
needed, asked whether it lives after a rest, and opened again once it broke.
"""

import asyncio
import select
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import psycopg

from service.storage.deadlines import cut_off_after
from service.storage.engine import SessionLimits, connect_raw, database_refusals
from service.storage.refusals import DatabaseUnavailable

__all__ = ["LoneSession"]

_TRUSTED_S: Final = 1.0
_PING_WITHIN: Final = timedelta(seconds=0.5)


class LoneSession:
    """Runs one statement at a time, each within *limits*' transaction time."""

    def __init__(self, url: str, *, limits: SessionLimits | None = None) -> None:
        self._url = url
        self._limits = limits or SessionLimits()
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._used_s = 0.0

    async def fetch_all(
        self, statement: bytes, parameters: Sequence[object]
    ) -> list[tuple[Any, ...]]:
        """Run *statement*, prepared after its first time, and return its rows once committed.

        Raises:
            DatabaseUnavailable: If the database is; whether the statement was committed is
                then unknown.
            DatabaseNotMigrated: If the schema or the role is missing.
            psycopg.Error: If the statement is at fault; it holds no values.
        """
        connection = await self._living()
        with database_refusals(), cut_off_after(connection, self._limits.transaction):
            cursor = await connection.execute(statement, parameters, prepare=True)
            rows = await cursor.fetchall()
        self._used_s = asyncio.get_running_loop().time()
        return rows

    async def close(self) -> None:
        """End the session; it is opened again if it is needed again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _living(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        """Return the session, which answered a moment ago."""
        connection = self._connection
        now_s = asyncio.get_running_loop().time()
        if connection is not None and not connection.closed:
            is_trusted = now_s - self._used_s < _TRUSTED_S and not _has_news(connection)
            if is_trusted or await _answers(connection):
                return connection
            await connection.close()
        self._connection = None
        try:
            # libpq alone would wait two seconds at least for a server that says nothing.
            async with asyncio.timeout(self._limits.connect.total_seconds()):
                self._connection = await connect_raw(self._url, limits=self._limits)
        except TimeoutError:
            words = "the database does not answer in time; try again in a second"
            raise DatabaseUnavailable(words) from None
        return self._connection


def _has_news(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> bool:
    """Return whether the server said something unasked: as a rule, that it is leaving."""
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    return bool(line.poll(0))


async def _answers(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> bool:
    try:
        with cut_off_after(connection, _PING_WITHIN):
            await connection.execute(b"SELECT 1")
    except psycopg.Error:
        return False
    return True
