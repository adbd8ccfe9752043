"""One serving process: the application behind a listening socket that somebody else holds.

`goodfit serve` has as many as it was asked for, children of `service.nursery`, each with the
listening socket and a line. On that line it says that it is ready and then, every second,
that it lives; when the line breaks, nobody looks after the process any more, and it ends.

It ends without an error that a client could see. It stops accepting (the socket stays
open elsewhere), answers what was asked, says `Connection: close` on each connection's
next answer, and closes a connection that stays silent.
"""

import asyncio
import contextlib
import signal
import socket
from typing import Final

import uvicorn

from service.app import open_app
from service.connection import Connection
from service.settings import read_settings
from service.web import live

__all__ = ["Server", "configuration", "main"]

_BACKLOG: Final = 2_048
_KEEP_ALIVE_S: Final = 75
# What a client sends within this time is still answered; pooled connections that carry
# traffic at all have then heard that they close.
_SILENT_S: Final = 3.0
_LOOK_S: Final = 0.05


def configuration(*, shutdown_s: float) -> uvicorn.Config:
    """Return how the application is served; running requests have *shutdown_s* at the end."""
    return uvicorn.Config(
        open_app,
        factory=True,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(shutdown_s)),
    )


class Server(uvicorn.Server):
    """A server that tells *line* when it accepts requests, and takes leave of its clients."""

    def __init__(self, config: uvicorn.Config, *, line: socket.socket) -> None:
        super().__init__(config)
        self._line = line
        self._living: asyncio.Task[None] | None = None
        self._is_hurried = False

    def handle_exit(self, sig: int, frame: object) -> None:
        """End: at once for those who only wait, where a person at a terminal waits for it."""
        self._is_hurried = sig == signal.SIGINT
        super().handle_exit(sig, None)
        del frame

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual, then tell, and end when nobody listens any more."""
        await super().startup(sockets=sockets)
        self._living = asyncio.create_task(self._live())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take leave, then stop as usual whatever is left."""
        for server in self.servers:
            server.close()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await self._take_leave()
        except TimeoutError:
            self.config.timeout_graceful_shutdown = 0
        if self._living is not None:
            self._living.cancel()
        await super().shutdown(sockets=sockets)

    async def _take_leave(self) -> None:
        """Wait until every connection is closed; those that stay silent are closed here."""
        loop = asyncio.get_running_loop()
        told_s = loop.time()
        while self.server_state.connections and not self.force_exit:
            silent_s = loop.time() - (0.0 if self._is_hurried else _SILENT_S)
            for connection in self._connections():
                connection.leave()
                if silent_s >= told_s and connection.is_silent_since(silent_s):
                    connection.transport.close()
            await asyncio.sleep(_LOOK_S)

    def _connections(self) -> list[Connection]:
        open_ones = list(self.server_state.connections)
        return [one for one in open_ones if isinstance(one, Connection)]

    async def _live(self) -> None:
        """Say that we live until nobody listens any more."""
        await live(self._line)
        self.should_exit = True


def main(line: socket.socket, listener: socket.socket) -> int:
    """Serve on *listener* until SIGTERM, SIGINT, or the end of *line*; 1 where it could not."""
    settings = read_settings()
    server = Server(configuration(shutdown_s=settings.shutdown_s), line=line)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0 if server.started else 1
