"""The socket that requests come in by, and what signals do while they are answered."""

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path

from service.cli.handing_over import IS_POSSIBLE, handing_over
from service.cli.screen import NO, USAGE, refuse
from service.cli.staffing import Staff
from service.cli.supervising import note

WhenReady = Callable[[], Awaitable[None]]
_Signals = asyncio.Queue[signal.Signals]


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
    return bound


def serve_requests(
    bound: socket.socket, team: Staff, *, environment: Mapping[str, str], when_ready: WhenReady
) -> bool:
    """Let *team* answer requests on *bound* until a signal; return whether it ever could.

    SIGTERM and Ctrl-C end it, and so does a successor that serves on the same socket; SIGHUP
    puts fresh processes in the place of those that serve. *environment* is what they find in
    theirs beside ours. *when_ready* runs beside the answering, once every worker accepts
    requests. Where it raises, the service stops and the error comes out here.
    """

    async def begin() -> bool:
        is_serving = await team.start(environment)
        if is_serving:
            await when_ready()
        return is_serving

    return asyncio.run(_serve(bound, team, begin))


async def _serve(
    bound: socket.socket, team: Staff, begin: Callable[[], Coroutine[None, None, bool]]
) -> bool:
    signals: _Signals = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, signals.put_nowait, number)
    beginning = asyncio.create_task(begin())
    offering = asyncio.create_task(_offer(bound, signals))
    ending = asyncio.create_task(_wait_for_end(team, signals))
    try:
        await asyncio.wait({beginning, ending}, return_when=asyncio.FIRST_COMPLETED)
        if beginning.done() and not beginning.result():
            return False
        await ending
    finally:
        is_hurried = ending.done() and ending.result() is signal.SIGINT
        for task in (beginning, offering, ending):
            task.cancel()
        await _end(team, signals, by=signal.SIGINT if is_hurried else signal.SIGTERM)
    return True


async def _offer(bound: socket.socket, signals: _Signals) -> None:
    """Leave, as if we had been told to, when a successor serves instead."""
    if IS_POSSIBLE:
        await handing_over(bound)
        signals.put_nowait(signal.SIGTERM)


async def _wait_for_end(team: Staff, signals: _Signals) -> signal.Signals:
    """Wait for the signal that ends the service and return it; the others are followed."""
    had_terminal = _has_terminal()
    restarts = []
    while True:
        number = await signals.get()
        # The same signal says that a terminal was closed, and then it ends what ran in it.
        if number is not signal.SIGHUP or (had_terminal and not _has_terminal()):
            return number
        restarts.append(asyncio.create_task(_restart(team)))


async def _restart(team: Staff) -> None:
    if await team.restart():
        await note("workers restarted")
    else:
        await note("restart given up; who served goes on", failed=True)


async def _end(team: Staff, signals: _Signals, *, by: signal.Signals) -> None:
    """Stop the team; Ctrl-C once more makes it drop what it has."""
    stopping = asyncio.create_task(team.stop(by))
    while not stopping.done():
        hearing = asyncio.create_task(signals.get())
        await asyncio.wait({stopping, hearing}, return_when=asyncio.FIRST_COMPLETED)
        if hearing.done() and hearing.result() is signal.SIGINT:
            team.hurry()
        hearing.cancel()
    await stopping


def _has_terminal() -> bool:
    """Return whether there is a terminal that this process belongs to."""
    try:
        Path("/dev/tty").open("rb", buffering=0).close()
    except OSError:
        return False
    return True


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
