"""A load generator small enough to share two cores with what it measures.

Closed loop: each connection sends its next request when the last was answered. Open loop:
requests are due at a steady rate, whoever is late; a latency counts from when its request
was due, so that a stall is not hidden by the requests it kept from being sent.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import uvloop

__all__ = ["Load", "Measured", "run_load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send where. With *rate* (requests a second) the loop is open.

    *requests* are whole HTTP requests, sent one after the other and over again.
    """

    host: str
    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    rate: float | None = None


@dataclass(slots=True)
class Measured:
    """Answers, those that were not 2xx, and each latency in seconds.

    *busy* is the share of the time that the generator itself was at work: near 1, it would
    measure itself.
    """

    seconds: float = 0.0
    busy: float = 0.0
    refused: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def latency_at(self, share: float) -> float:
        """Return the latency in seconds that *share* of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Connection(asyncio.Protocol):
    """Sends one request at a time and reads its answer by Content-Length."""

    def __init__(self, load: Load, measured: Measured, requests: Iterator[bytes]) -> None:
        self._load = load
        self._requests = requests
        self._measured = measured
        self._buffer = bytearray()
        self._due: deque[float] = deque()
        self._is_busy = False
        self._transport: Any = None  # uvloop's own kind
        self.is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if self._load.rate is None:
            self.ask(time.perf_counter())

    def ask(self, due: float) -> None:
        """Send a request that is due at *due*, after those that wait already."""
        self._due.append(due)
        if not self._is_busy:
            self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        begin = head.index(b"content-length:") + len(b"content-length:")
        length = int(head[begin:].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        del self._buffer[: end + 4 + length]
        now = time.perf_counter()
        if head[9:10] == b"2":
            self._measured.latencies.append(now - self._due.popleft())
        else:
            self._due.popleft()
            self._measured.refused += 1
        self._is_busy = False
        if self.is_over:
            return
        if self._load.rate is None:
            self._due.append(now)
        if self._due:
            self._send()

    def close(self) -> None:
        """Leave, whatever is still to come."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        self._is_busy = True
        if self._transport is not None:
            self._transport.write(next(self._requests))


def run_load(load: Load) -> Measured:
    """Send *load* and return what came of it; runs an event loop of its own."""
    return uvloop.run(_run(load))


async def _run(load: Load) -> Measured:
    measured, requests = Measured(), cycle(load.requests)
    loop = asyncio.get_running_loop()
    pairs = [
        await loop.create_connection(
            lambda: _Connection(load, measured, requests), load.host, load.port
        )
        for _ in range(load.connections)
    ]
    connections = [connection for _, connection in pairs]
    # Nobody's request is due before it can be sent.
    began, worked = time.perf_counter(), time.process_time()
    if load.rate is None:
        await asyncio.sleep(load.seconds)
    else:
        await _keep_pace(load, connections, began)
    measured.seconds = time.perf_counter() - began
    measured.busy = (time.process_time() - worked) / measured.seconds
    for connection in connections:
        connection.is_over = True
    await asyncio.sleep(0.05)
    for connection in connections:
        connection.close()
    return measured


async def _keep_pace(load: Load, connections: list[_Connection], began: float) -> None:
    """Make requests due at the load's rate, to the connections in turn."""
    rate = load.rate or 0.0
    sent = 0
    while (now := time.perf_counter()) - began < load.seconds:
        while sent < (now - began) * rate:
            connections[sent % len(connections)].ask(began + sent / rate)
            sent += 1
        await asyncio.sleep(0.001)
