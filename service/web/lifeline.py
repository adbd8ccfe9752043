"""The line between a process and whoever started it: each learns of the other's end by it."""

import asyncio
import contextlib
import socket
from typing import Final

__all__ = ["live"]

_EVERY_S: Final = 1.0


async def live(line: socket.socket) -> None:
    """Say `ready` on *line*, then every second that we live; return when the line breaks."""
    line.setblocking(False)  # noqa: FBT003 - the socket's own signature
    loop = asyncio.get_running_loop()
    word = b"ready\n"
    with contextlib.suppress(OSError):
        while True:
            await loop.sock_sendall(line, word)
            word = b"alive\n"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    if not await loop.sock_recv(line, 1):
                        break
