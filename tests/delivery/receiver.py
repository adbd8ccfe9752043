"""An endpoint that remembers what it was sent, and answers as it is told: on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["Got", "Receiver", "receiving"]


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


Say = Callable[[Got], bytes | None]
"""The answer's bytes; None is no answer, and the connection stays open."""


@dataclass(slots=True)
class Receiver:
    """Where it listens, what it got, and how it answers."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    say: Say = lambda _: answer(200)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        self.connections += 1
        self.open.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")[:-2]
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            one = Got(first.split(" ")[1], headers, body)
            self.got.append(one)
            said = self.say(one)
            if said is None:
                await reader.read()
            else:
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an HTTP answer."""
    given = {"content-length": str(len(body)), "connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


@asynccontextmanager
async def receiving(say: Say | None = None) -> AsyncIterator[Receiver]:
    """Listen on a port of this machine for the block."""
    receiver = Receiver()
    if say is not None:
        receiver.say = say
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for writer in tuple(receiver.open):
            writer.close()
