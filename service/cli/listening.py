"""The HTTP server around the application: its socket, its processes, its end."""

import asyncio
import errno
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from service.cli.screen import NO, USAGE, refuse
from service.settings import Settings

_APPLICATION: Final = "service.app:open_app"
_BACKLOG: Final = 2_048
_KEEP_ALIVE_S: Final = 75
_READY_WITHIN_S: Final = 60.0

WhenReady = Callable[[], Awaitable[None]]


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to *host* and *port*; nobody can connect before a server listens.

    Where the address cannot be had the command ends and says why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        # Listening at once would let clients in before there is an answer; but two servers
        # may be bound to one port as long as neither listens, and the second must be told.
        bound.listen(1)
    except OSError as error:
        bound.close()
        refuse(_why_not(error, host, port), code=NO)
    except OverflowError:
        bound.close()
        refuse(f"there is no port {port}; take one up to 65535", code=USAGE)
    bound.set_inheritable(True)
    return bound


def serve_requests(
    bound: socket.socket, settings: Settings, *, workers: int, when_ready: WhenReady
) -> bool:
    """Answer requests on *bound* until a signal ends it; return whether it ever could.

    *when_ready* runs beside the answering, once every worker accepts requests. Where it
    raises, the server stops and the error comes out here.
    """
    configuration = uvicorn.Config(
        _APPLICATION,
        factory=True,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        workers=workers,
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_s)),
    )
    if workers > 1:
        _Servers(configuration, bound, when_ready).run()
        return True
    server = _Server(configuration, when_ready)
    server.run(sockets=[bound])
    if server.telling is not None and not server.telling.cancelled():
        server.telling.result()
    return server.telling is not None


class _Server(uvicorn.Server):
    """A server that tells when it accepts requests."""

    def __init__(self, config: uvicorn.Config, when_ready: WhenReady) -> None:
        super().__init__(config)
        self.telling: asyncio.Task[None] | None = None
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual, then tell, without keeping anybody waiting."""
        await super().startup(sockets=sockets)
        self.telling = asyncio.create_task(self._tell())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop telling, then stop as usual."""
        if self.telling is not None:
            self.telling.cancel()
        await super().shutdown(sockets=sockets)

    async def _tell(self) -> None:
        try:
            await self._when_ready()
        except Exception:
            # Whatever went wrong, a server that cannot say it is ready must not go on
            # unannounced; nothing is swallowed, the error ends the command.
            self.should_exit = True
            raise


class _Servers(Multiprocess):
    """Several server processes, and a word when all of them accept requests."""

    def __init__(self, config: uvicorn.Config, bound: socket.socket, when_ready: WhenReady) -> None:
        super().__init__(config, sockets=[bound])
        self._when_ready = when_ready

    def init_processes(self) -> None:
        """Start the processes and wait for them aside, so that signals are still heard."""
        super().init_processes()
        threading.Thread(target=self._tell, daemon=True).start()

    def _tell(self) -> None:
        waits = [process.wait_until_ready(_READY_WITHIN_S) for process in self.processes]
        if all(waits):
            asyncio.run(_awaited(self._when_ready))


async def _awaited(when_ready: WhenReady) -> None:
    await when_ready()


def _why_not(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use; stop what uses it, or give another with --port"
        case errno.EACCES:
            return f"port {port} is for root only; give one from 1024 up with --port"
        case errno.EADDRNOTAVAIL:
            return f"this machine has no address `{host}`; give another with --host"
        case _:
            words = (error.strerror or str(error)).lower()
            return f"cannot listen on {host}:{port}: {words}; give another with --host or --port"
