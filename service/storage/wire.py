"""One open session asked by libpq's own calls, where the driver's take longer than the answer.

psycopg opens the session, writes parameters and reads rows; between them stand a cursor, two
generators and a watch on the descriptor that is set up and taken down again for each wait. A
session that asks thousands of times a second by itself needs none of that: its descriptor is
watched once, and what comes is read where it comes.

Statements name their parameters `$1`, `$2` and so on, and say of what type each is: bytes go as
they are, everything else as text.
"""

import asyncio
import os
import select
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

__all__ = ["Wire"]

_Rows = list[tuple[Any, ...]]
_FAILED: Final = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})


class Wire:
    """Asks *connection*, which nobody else may use from now on, one statement at a time."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._adapt = Transformer(connection)
        self._names: dict[bytes, bytes] = {}
        self._loop = asyncio.get_running_loop()
        # Of our own: libpq closes its descriptor in the middle of reading that it is the last.
        self._line = os.dup(connection.fileno())
        self._news = select.poll()
        self._news.register(self._line, select.POLLIN)
        self._was_told = False
        self._is_open = True
        self._result: PGresult | None = None
        self._asked: asyncio.Future[PGresult] | None = None
        self._loop.add_reader(self._line, self._hear)

    @property
    def connection(self) -> psycopg.AsyncConnection[Any]:
        """The session, for whoever has to cut it off."""
        return self._connection

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return not self._is_open or self._connection.closed

    @property
    def has_news(self) -> bool:
        """Whether the server said something unasked: as a rule, that it is leaving."""
        return self._was_told or bool(self._news.poll(0))

    async def fetch_all(self, statement: bytes, parameters: Sequence[object] = ()) -> _Rows:
        """Run *statement*, prepared once, and return its rows.

        Whoever stops waiting leaves a session of which nobody knows what it says next: it is
        closed.

        Raises:
            psycopg.Error: As the driver does.
        """
        try:
            name = self._names.get(statement) or await self._prepare(statement)
            formats = [PyFormat.BINARY if _is_raw(one) else PyFormat.TEXT for one in parameters]
            given = self._adapt.dump_sequence(parameters, formats)
            self._libpq.send_query_prepared(name, given, self._adapt.formats)
            result = await self._answer()
        except (asyncio.CancelledError, psycopg.OperationalError):
            if not self._is_idle():
                await self.close()
            raise
        self._adapt.set_pgresult(result)
        return self._adapt.load_rows(0, result.ntuples, tuple)

    async def close(self) -> None:
        """End the session, and whatever is being asked."""
        self._let_go()
        await self._connection.close()

    async def _prepare(self, statement: bytes) -> bytes:
        name = b"goodfit_%d" % len(self._names)
        self._libpq.send_prepare(name, statement)
        await self._answer()
        self._names[statement] = name
        return name

    async def _answer(self) -> PGresult:
        """Return what the server says to what was sent just now."""
        self._result = None
        self._asked = self._loop.create_future()
        if self._libpq.flush():
            self._loop.add_writer(self._line, self._send_rest)
        return await self._asked

    def _send_rest(self) -> None:
        """Send what did not fit, as far as it fits now."""
        try:
            if self._libpq.flush():
                return
        except psycopg.Error as error:
            self._fail(error)
            return
        self._loop.remove_writer(self._line)

    def _hear(self) -> None:
        """Read what came; the answer is whole once there is no more of it."""
        libpq = self._libpq
        try:
            libpq.consume_input()
            if self._asked is None:
                self._was_told = True
                return
            while not libpq.is_busy():
                result = libpq.get_result()
                if result is None:
                    self._end()
                    return
                if self._result is None or self._result.status not in _FAILED:
                    self._result = result
        except psycopg.Error as error:
            self._fail(error)

    def _end(self) -> None:
        """Tell who asked what was answered."""
        asked, result = self._asked, self._result
        self._asked = self._result = None
        self._was_told = False
        if asked is None or asked.done():
            return
        if result is None:
            asked.set_exception(psycopg.OperationalError("the server gave no answer"))
        elif result.status in _FAILED:
            asked.set_exception(error_from_result(result))
        else:
            asked.set_result(result)

    def _fail(self, error: psycopg.Error) -> None:
        """Take note that the session broke; what the server said before tells more of why."""
        self._let_go()
        if self._result is not None and self._result.status in _FAILED:
            error = error_from_result(self._result)
        asked, self._asked = self._asked, None
        if asked is not None and not asked.done():
            asked.set_exception(error)

    def _let_go(self) -> None:
        """Watch the descriptor no more."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._line)
            self._loop.remove_writer(self._line)
            os.close(self._line)

    def _is_idle(self) -> bool:
        """Return whether the session waits for the next statement."""
        return not self.is_closed and self._asked is None


def _is_raw(parameter: object) -> bool:
    return isinstance(parameter, bytes | bytearray)
