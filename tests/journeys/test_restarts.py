"""Restarts that no client sees: SIGHUP, a worker that dies, a successor on the same port."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.journeys.load import asking, check_stored
from tests.journeys.processes import Started, answering, free_port, is_listening, started
from tests.journeys.test_serve import READY, furnish
from tests.sizes import size

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

KILLS = size(2, quick=1)
CLIENTS = 12
WITHIN_S = 120
RESTARTED = "workers restarted"


@dataclass(frozen=True, slots=True)
class Service:
    """A running `goodfit serve`."""

    terminal: Started
    port: int
    url: str

    @property
    def address(self) -> str:
        """The base of every URL."""
        return f"http://127.0.0.1:{self.port}"

    async def key(self) -> str:
        """Make the worked example live and return a key to ask it with."""
        client = await asyncio.to_thread(furnish, self.port, {"DATABASE_URL": self.url})
        client.close()
        return client.headers["authorization"].removeprefix("Bearer ")

    @property
    def workers(self) -> set[int]:
        """The process ids of those that answer requests and live now."""
        return {one.pid for one in answering(self.terminal.process.pid)}

    async def restart(self) -> None:
        """Send SIGHUP and wait until it is done and whoever left is gone."""
        before, done = self.workers, self.terminal.errors.count(RESTARTED)
        self.terminal.process.send_signal(signal.SIGHUP)
        await until(lambda: self.terminal.errors.count(RESTARTED) > done)
        await until(lambda: not before & self.workers)

    async def kill_one(self) -> None:
        """Kill a worker by SIGKILL and wait until another stands in its place."""
        first, *others = self.workers
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(self.workers - {first, *others}) == 1)

    async def end(self) -> int:
        """Wait for the end and return the exit code."""
        await until(lambda: self.terminal.process.poll() is not None)
        return self.terminal.process.wait()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until *is_so*."""
    async with asyncio.timeout(WITHIN_S):
        while not is_so():  # noqa: ASYNC110 - another process tells nobody here
            await asyncio.sleep(0.02)


@asynccontextmanager
async def service(
    folder: Path, url: str, *options: str, port: int | None = None, workers: int = 2
) -> AsyncIterator[Service]:
    """Run `goodfit serve` on the database at *url* for the block."""
    port = port or free_port()
    arguments = ("serve", "--workers", str(workers), "--port", str(port), *options)
    with started(folder, *arguments, environment={"DATABASE_URL": url}) as terminal:
        await asyncio.to_thread(terminal.wait_for, READY)
        yield Service(terminal, port, url)


@pytest.mark.parametrize(("workers", "restarts"), [(1, size(2, quick=1)), (2, size(3, quick=2))])
async def test_no_client_sees_a_restart(
    tmp_path: Path, empty_database_url: str, workers: int, restarts: int
) -> None:
    """Clients that keep their connections meet no error, and no decision is lost or doubled."""
    async with service(tmp_path, empty_database_url, workers=workers) as served:
        async with asking(served.address, await served.key(), clients=CLIENTS) as book:
            for _ in range(restarts):
                await book.wait_for(50)
                await served.restart()
                assert len(served.workers) == workers
            await book.wait_for(50)
        assert book.failed == {}
        check_stored(empty_database_url, book)
        assert served.terminal.stop(signal.SIGTERM) == 0
    assert not is_listening(served.port)


async def test_a_worker_that_dies_is_replaced(tmp_path: Path, empty_database_url: str) -> None:
    """What it was answering breaks; nobody is refused a connection, and nothing is lost."""
    async with service(tmp_path, empty_database_url) as served:
        async with asking(served.address, await served.key(), clients=CLIENTS) as book:
            for _ in range(KILLS):
                await book.wait_for(50)
                await served.kill_one()
            await book.wait_for(50)
        assert not any("ConnectError" in error for error in book.failed.values())
        assert len(book.failed) <= KILLS * CLIENTS
        check_stored(empty_database_url, book)


async def test_workers_share_what_was_loaded_and_outlive_it(
    tmp_path: Path, empty_database_url: str
) -> None:
    """A worker has little memory of its own; whoever serves goes on without the nursery."""
    async with service(tmp_path, empty_database_url, workers=1) as served:
        key = await served.key()
        (nursery,) = psutil.Process(served.terminal.process.pid).children()
        assert nursery.name() == "goodfit nursery"
        assert nursery.num_threads() == 1
        (worker,) = served.workers
        memory = psutil.Process(worker).memory_full_info()
        assert memory.uss < memory.rss / 2
        async with asking(served.address, key, clients=1) as book:
            nursery.kill()
            await book.wait_for(20)
            assert book.failed == {}
        os.kill(worker, signal.SIGKILL)
        await until(lambda: len(served.workers) == 1)
        (another,) = psutil.Process(served.terminal.process.pid).children()
        assert another != nursery
        async with asking(served.address, key, clients=1) as book:
            await book.wait_for(20)
            assert book.failed == {}
        assert served.terminal.stop(signal.SIGTERM) == 0
    assert not is_listening(served.port)


async def test_a_successor_takes_the_port_over(tmp_path: Path, empty_database_url: str) -> None:
    """Another `goodfit serve` on the same port, again and again: no client sees it."""
    async with AsyncExitStack() as stack:
        serving = await stack.enter_async_context(service(tmp_path / "0", empty_database_url))
        key, port = await serving.key(), serving.port
        async with asking(serving.address, key, clients=CLIENTS) as book:
            for number in range(1, 3):
                await book.wait_for(50)
                folder = tmp_path / str(number)
                taking = service(folder, empty_database_url, "--take-over", port=port)
                before, serving = serving, await stack.enter_async_context(taking)
                assert await before.end() == 0
            await book.wait_for(50)
        assert book.failed == {}
        check_stored(empty_database_url, book)
    assert not is_listening(port)


async def test_a_successor_that_fails_changes_nothing(
    tmp_path: Path, empty_database_url: str
) -> None:
    """Where it cannot serve, whoever served goes on; where nobody serves, it says so."""
    async with service(tmp_path, empty_database_url, workers=1) as served:
        port = str(served.port)
        away = {"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"}
        taking = ("serve", "--take-over", "--port")
        with started(tmp_path / "fails", *taking, port, environment=away) as fails:
            assert await asyncio.to_thread(fails.process.wait, 60) == 1
        here = {"DATABASE_URL": empty_database_url}
        with started(tmp_path / "alone", *taking, str(free_port()), environment=here) as alone:
            assert await asyncio.to_thread(alone.process.wait, 60) == 1
            assert "start without --take-over" in alone.errors
        async with asking(served.address, await served.key(), clients=1) as book:
            await book.wait_for(5)
        assert book.failed == {}
