"""Start servers, ours and the peers', each as one process, and know when they answer."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx

from benchmarks.environment import PEERS
from benchmarks.load import Load

__all__ = ["HOST", "Served", "free_port", "peer_command", "peer_node", "peer_uvicorn", "running"]
__all__ += ["serve_ours", "stop"]

HOST: Final = "127.0.0.1"
_READY_WITHIN_S: Final = 60.0
# How `goodfit serve` talks to its clients; given last, it counts.
_CONNECTION: Final = ("--http", "service.connection:Connection")
_UVICORN: Final = (
    *("--loop", "uvloop", "--http", "httptools"),
    *("--no-access-log", "--no-server-header", "--no-proxy-headers", "--log-level", "warning"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that answers, and the requests to load it with."""

    name: str
    port: int
    pid: int
    requests: Sequence[bytes] = ()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def load(self, *, connections: int, seconds: float, rate: float | None = None) -> Load:
        """Return the load of that strength on this server."""
        return Load(
            host=HOST,
            port=self.port,
            requests=self.requests,
            connections=connections,
            seconds=seconds,
            rate=rate,
        )


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    name: str,
    port: int,
    environment: Mapping[str, str],
) -> Iterator[Served]:
    """Run *command* for the block and give the server once it answers on *port*.

    What it says to people is not shown: what is measured goes to the same output.

    Raises:
        RuntimeError: If it ends, or does not answer within a minute.
    """
    with subprocess.Popen(  # noqa: S603 - our own command line
        command,
        env={**os.environ, **environment},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            _wait(process, port, name)
            yield Served(name=name, port=port, pid=process.pid)
        finally:
            stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End *process*, gently first, and wait for its end."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def serve_ours(
    url: str,
    *,
    application: str = "service.app:open_app",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Serve Goodfit on the database at *url*, by the same server settings as the peers."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--factory", "--port", str(port)]
    own = {"DATABASE_URL": url, "GOODFIT_LOG_LEVEL": "warning"}
    with running(
        [*command, *_UVICORN, *_CONNECTION],
        name="goodfit",
        port=port,
        environment={**own, **(environment or {})},
    ) as served:
        yield served


def peer_command(python: Path, application: str) -> list[str]:
    """Return the command that serves *application* of the Python peers; a port is to be added."""
    return [str(python), "-m", "uvicorn", application, "--app-dir", str(PEERS), *_UVICORN]


@contextlib.contextmanager
def peer_uvicorn(
    python: Path, application: str, *, name: str, environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Serve an application of the Python peers."""
    port = free_port()
    with running(
        [*peer_command(python, application), "--port", str(port)],
        name=name,
        port=port,
        environment=environment or {},
    ) as served:
        yield served


@contextlib.contextmanager
def peer_node(folder: Path, *, url: str, rules: Path) -> Iterator[Served]:
    """Serve the Node peer on the database at *url* (a socket's folder in its query)."""
    port = free_port()
    parts = urlsplit(url)
    environment = {
        "PORT": str(port),
        "PEER_RULES": str(rules),
        "NODE_ENV": "production",
        "PGHOST": parse_qs(parts.query)["host"][0],
        "PGUSER": parts.username or "",
        "PGDATABASE": parts.path.lstrip("/"),
    }
    command = [shutil.which("node") or "node", str(folder / "server.mjs")]
    with running(command, name="fastify", port=port, environment=environment) as served:
        yield served


def _wait(process: "subprocess.Popen[bytes]", port: int, name: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server of {name} ended with {process.returncode}")
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://{HOST}:{port}/livez", timeout=5.0)
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server of {name} did not answer within {_READY_WITHIN_S:.0f} s")
