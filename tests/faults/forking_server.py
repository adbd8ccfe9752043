"""A server that is started again as soon as it is killed, as an init system does.

Run as a program with a database URL and a number of processes. It imports everything
once, binds a free port, says `port N`, and then forks: each child serves alone on the
shared socket and says `up PID` once it does. It ends with its standard input, and
expects a process group of its own for that.
"""

import asyncio
import os
import signal
import socket
import sys
import threading

import uvicorn

from service.app import create_app
from service.settings import Settings
from service.storage import open_engine
from service.web import configure_logs


async def serve(url: str, listener: socket.socket) -> None:
    """Serve the whole application on *listener* until killed."""
    engine = open_engine(url)
    app = create_app(Settings(assess_every_s=0), engine)
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    async with app.running():
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody else
            await asyncio.sleep(0.005)
        say(f"up {os.getpid()}")
        await serving


def say(line: str) -> None:
    """Tell whoever started us."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def start_child(url: str, listener: socket.socket) -> None:
    """Fork one server."""
    if os.fork() == 0:
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - the child must not read our input
            os.dup2(nothing.fileno(), 0)
        try:
            asyncio.run(serve(url, listener))
        finally:
            os._exit(1)


def main() -> None:
    """Keep the servers running until standard input ends."""
    configure_logs(level="error")
    url, processes = sys.argv[1], int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    say(f"port {listener.getsockname()[1]}")
    for _ in range(processes):
        start_child(url, listener)
    threading.Thread(target=end_with_input, daemon=True).start()
    while True:
        os.wait()
        start_child(url, listener)


def end_with_input() -> None:
    """Wait until standard input ends, then end everybody, a child just being forked too."""
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
