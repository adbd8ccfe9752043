"""A limit on waiting that holds even where the server has stopped answering altogether.

Postgres's own timeouts need a backend that runs, and a cancelled psycopg call waits for
the server to confirm. So the socket is shut down here, on our side: the driver reads an
end of file and raises as if the server had gone.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg

__all__ = ["cut_off_after"]


@contextmanager
def cut_off_after(connection: psycopg.AsyncConnection[Any], limit: timedelta) -> Iterator[None]:
    """Shut *connection* down if the block takes longer than *limit*; whoever waits in it raises.

    The connection is of no use afterwards. Costs about a microsecond where all goes well.
    """
    handle = asyncio.get_running_loop().call_later(limit.total_seconds(), _shut_down, connection)
    try:
        yield
    finally:
        handle.cancel()


def _shut_down(connection: psycopg.AsyncConnection[Any]) -> None:
    """End the conversation without closing the descriptor, which the driver still holds."""
    if connection.closed:
        return
    line = socket.socket(fileno=os.dup(connection.fileno()))
    with contextlib.suppress(OSError), line:  # the server may have hung up first
        line.shutdown(socket.SHUT_RDWR)
