"""One database session outside the pool, for whoever writes all the time.

It is in autocommit: each statement is a transaction of its own. It is opened when first
needed, asked whether it lives after a rest, and opened again once it broke.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import psycopg

from service.storage.deadlines import cut_off_after
from service.storage.engine import SessionLimits, connect_raw, database_refusals
from service.storage.refusals import DatabaseUnavailable
from service.storage.wire import Wire

__all__ = ["LoneSession"]

_TRUSTED_S: Final = 1.0
_PING_WITHIN: Final = timedelta(seconds=0.5)


class LoneSession:
    """Runs one statement at a time, each within *limits*' transaction time."""

    def __init__(self, url: str, *, limits: SessionLimits | None = None) -> None:
        self._url = url
        self._limits = limits or SessionLimits()
        self._wire: Wire | None = None
        self._used_s = 0.0

    async def fetch_all(
        self, statement: bytes, parameters: Sequence[object]
    ) -> list[tuple[Any, ...]]:
        """Run *statement*, prepared after its first time, and return its rows once committed.

        Its parameters are `$1`, `$2` and so on, each with its type.

        Raises:
            DatabaseUnavailable: If the database is; whether the statement was committed is
                then unknown.
            DatabaseNotMigrated: If the schema or the role is missing.
            psycopg.Error: If the statement is at fault; it holds no values.
        """
        wire = await self._living()
        with database_refusals(), cut_off_after(wire.connection, self._limits.transaction):
            rows = await wire.fetch_all(statement, parameters)
        self._used_s = asyncio.get_running_loop().time()
        return rows

    async def close(self) -> None:
        """End the session; it is opened again if it is needed again."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def _living(self) -> Wire:
        """Return the session, which answered a moment ago."""
        wire = self._wire
        now_s = asyncio.get_running_loop().time()
        if wire is not None:
            if not wire.is_closed:
                is_trusted = now_s - self._used_s < _TRUSTED_S and not wire.has_news
                if is_trusted or await _answers(wire):
                    return wire
            await self.close()
        try:
            # libpq alone would wait two seconds at least for a server that says nothing.
            async with asyncio.timeout(self._limits.connect.total_seconds()):
                self._wire = Wire(await connect_raw(self._url, limits=self._limits))
        except TimeoutError:
            words = "the database does not answer in time; try again in a second"
            raise DatabaseUnavailable(words) from None
        return self._wire


async def _answers(wire: Wire) -> bool:
    try:
        with cut_off_after(wire.connection, _PING_WITHIN):
            await wire.fetch_all(b"SELECT 1")
    except psycopg.Error:
        return False
    return True
