"""Several workers on one port: each answers at once, and each hears of a change within a second."""

import ctypes
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from tests.journeys.processes import Started, answering, free_port, started
from tests.journeys.test_serve import READY, furnish

pytestmark = pytest.mark.slow

WORKERS = 2
TOLD_WITHIN_S = 1.0
SLACK_S = 0.5  # between our clock's reading and theirs, on a machine that is busy
PIDFD_GETFD = 438


@dataclass(frozen=True, slots=True)
class Pool:
    """Kept connections, at least one to each worker, and a key to ask with."""

    terminal: Started
    port: int
    by_worker: dict[int, httpx.Client]
    admin: httpx.Client


def owner_of(port: int, workers: list[psutil.Process]) -> int:
    """Return which worker has the connection that comes from our *port*."""
    for worker in workers:
        if any(one.raddr[1:] == (port,) for one in worker.net_connections("tcp")):
            return worker.pid
    raise AssertionError("nobody accepted the connection")


@pytest.fixture
def pool(tmp_path: Path, empty_database_url: str) -> Iterator[Pool]:
    """Return connections to each worker of a service of its own."""
    port = free_port()
    environment = {"DATABASE_URL": empty_database_url}
    arguments = ("serve", "--workers", str(WORKERS), "--port", str(port))
    with ExitStack() as stack:
        terminal = stack.enter_context(started(tmp_path, *arguments, environment=environment))
        terminal.wait_for(READY)
        admin = stack.enter_context(closing(furnish(port, environment)))
        workers = answering(terminal.process.pid)
        by_worker: dict[int, httpx.Client] = {}
        for _ in range(100):
            client = httpx.Client(base_url=admin.base_url, timeout=10)
            answer = client.get("/livez")
            line: socket.socket = answer.extensions["network_stream"].get_extra_info("socket")
            owner = owner_of(line.getsockname()[1], workers)
            if owner in by_worker:
                client.close()
                continue
            by_worker[owner] = stack.enter_context(closing(client))
            if len(by_worker) == WORKERS:
                break
        assert len(by_worker) == WORKERS
        yield Pool(terminal, port, by_worker, admin)


def new_key(pool: Pool) -> tuple[str, str]:
    """Make a key and return it with its id."""
    asked = {"name": "short-lived", "person": "bob@example.com", "scopes": ["rules:read"]}
    made = pool.admin.post("/v1/keys", json=asked).json()
    return made["key"], made["id"]


def test_a_revoked_key_is_refused_by_every_worker_within_a_second(pool: Pool) -> None:
    """Whoever knows the key already asks again in time."""
    key, key_id = new_key(pool)
    headers = {"Authorization": f"Bearer {key}"}
    for client in pool.by_worker.values():
        assert client.get("/v1/rule-sets", headers=headers).status_code == 200
    assert pool.admin.delete(f"/v1/keys/{key_id}").status_code in {200, 204}
    revoked_s = time.monotonic()
    still_open = dict(pool.by_worker)
    while still_open:
        assert time.monotonic() - revoked_s < TOLD_WITHIN_S + SLACK_S, still_open
        for worker, client in list(still_open.items()):
            if client.get("/v1/rule-sets", headers=headers).status_code == 401:
                del still_open[worker]


def test_every_worker_answers_without_waiting_for_an_acknowledgement(pool: Pool) -> None:
    """TCP_NODELAY is on, read off the very sockets that the workers accepted."""
    seen = {worker: no_delay_in(worker, pool.port) for worker in pool.by_worker}
    assert all(options for options in seen.values())
    assert {option for options in seen.values() for option in options} == {1}, seen


def no_delay_in(worker: int, port: int) -> list[int]:
    """Return TCP_NODELAY of each connection to *port* that process *worker* has open."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(worker)
    options = []
    try:
        for one in psutil.Process(worker).net_connections("tcp"):
            if one.status != psutil.CONN_ESTABLISHED or one.laddr.port != port:
                continue
            number = libc.syscall(PIDFD_GETFD, process, one.fd, 0)
            if number < 0:
                pytest.skip("this machine lets nobody look at another process's sockets")
            with socket.socket(fileno=number) as line:
                options.append(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    finally:
        os.close(process)
    return options
