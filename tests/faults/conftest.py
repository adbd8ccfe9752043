"""A real server process that can be killed, on a database that outlives it."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from service.app import create_app
from service.settings import Settings
from service.storage import make_uuid, open_engine, transaction
from service.web import KeyAsked, give_key
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, release

_ROOT = Path(__file__).resolve().parents[2]
_START_WITHIN_S = 30.0


@dataclass(slots=True)
class Server:
    """Server processes behind one port. *up* holds those that serve now."""

    process: Process
    port: int
    up: set[int] = field(default_factory=set)
    came_up: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def address(self) -> str:
        """The base of every URL."""
        return f"http://127.0.0.1:{self.port}"

    async def kill_one(self) -> None:
        """Kill a serving process by SIGKILL; its successor is on its way."""
        async with asyncio.timeout(_START_WITHIN_S), self.came_up:
            await self.came_up.wait_for(lambda: self.up)
            pid = self.up.pop()
        psutil.Process(pid).send_signal(signal.SIGKILL)

    async def wait_for(self, processes: int) -> None:
        """Wait until so many serve."""
        async with asyncio.timeout(_START_WITHIN_S), self.came_up:
            await self.came_up.wait_for(lambda: len(self.up) >= processes)

    async def listen(self) -> None:
        """Note who comes up, until the end."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            word, number = line.split()
            if word == b"up":
                async with self.came_up:
                    self.up.add(int(number))
                    self.came_up.notify_all()


@asynccontextmanager
async def running(url: str, *, processes: int = 1) -> AsyncIterator[Server]:
    """Run server processes on the database at *url* for the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.forking_server",
        url,
        str(processes),
        cwd=_ROOT,
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    async with asyncio.timeout(_START_WITHIN_S):
        word, port = (await process.stdout.readline()).split()
    assert word == b"port"
    server = Server(process, int(port))
    listening = asyncio.create_task(server.listen())
    try:
        await server.wait_for(processes)
        yield server
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(_START_WITHIN_S):
            await process.wait()
            await listening


async def furnish(url: str) -> str:
    """Put rules into the database at *url* and return a secret key for everything."""
    engine = open_engine(url)
    try:
        house = create_app(Settings(), engine).house
        for source in (FLEET_LEADS, FLEET_ACCOUNTS):
            await release(house, source)
        asked = KeyAsked(name="load", person="ann@example.com", scopes=["admin"])
        now = house.clock()
        async with transaction(engine) as connection:
            made = await give_key(
                connection, asked, key_id=make_uuid(now, b"anything"), by="a test", at=now
            )
        return made.key
    finally:
        await engine.dispose()


@pytest.fixture
async def key(database_url: str) -> str:
    """Return a key to a database with rules in it."""
    return await furnish(database_url)


def client_of(server: Server, key: str) -> httpx.AsyncClient:
    """Return a client that neither waits long nor keeps broken connections."""
    return httpx.AsyncClient(
        base_url=server.address,
        headers={"Authorization": f"Bearer {key}"},
        timeout=10.0,
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
        trust_env=False,
    )
