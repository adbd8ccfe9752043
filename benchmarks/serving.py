"""P1, P4: `/v1/qualify`, durable before the answer, beside an endpoint that only echoes.

Both are served by uvicorn with the same loop, parser and settings, one process each, and
are loaded in turns; the figure to read is the ratio. Database, servers and load share the
machine. Start with `python -m benchmarks.serving`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import httpx
import yaml

from benchmarks.core import plain_rules
from benchmarks.load import Load, Measured, run_load
from service.rulesets import Editor, install
from service.storage import make_uuid, migrate, open_engine, transaction
from service.storage.embedded import EmbeddedPostgres
from service.web import KeyAsked, give_key

CONNECTIONS = 32
HOST = "127.0.0.1"
FACTS = {f"number_{letter}": 37 + place for place, letter in enumerate("abcdefghij")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server to load, and the request to load it with."""

    name: str
    port: int
    request: bytes

    def load(self, *, connections: int, seconds: float, rate: float | None = None) -> Load:
        """Return the load of that strength on this server."""
        return Load(
            host=HOST,
            port=self.port,
            request=self.request,
            connections=connections,
            seconds=seconds,
            rate=rate,
        )


def main() -> None:
    """Measure in turns and print a table."""
    asked = _arguments()
    with _everything() as (echo, ours), _generator() as pool:
        half = _measure_peaks(pool, echo, ours, asked)
        _measure_tails(pool, echo, ours, asked, rate=half)


def _measure_peaks(
    pool: ProcessPoolExecutor, echo: Served, ours: Served, asked: argparse.Namespace
) -> float:
    """Print how many requests a second each answers; return half of the lower."""
    rounds: dict[str, list[Measured]] = {echo.name: [], ours.name: []}
    for served in (echo, ours):  # warm, uncounted
        _run(pool, served.load(connections=CONNECTIONS, seconds=1.0))
    for _ in range(asked.rounds):
        for served in (echo, ours):
            load = served.load(connections=CONNECTIONS, seconds=asked.seconds)
            rounds[served.name].append(_run(pool, load))
    peaks = {name: [one.per_second for one in many] for name, many in rounds.items()}
    for name, rates in peaks.items():
        refused = sum(one.refused for one in rounds[name])
        p99 = statistics.median(one.latency_at(0.99) for one in rounds[name]) * 1e3
        spread = f"{min(rates):.0f}-{max(rates):.0f}"
        rate = statistics.median(rates)
        print(f"{name:<12}{rate:>8.0f}/s  ({spread})  p99 {p99:.1f} ms  refused {refused}")
    ratios = [a / b for a, b in zip(peaks[ours.name], peaks[echo.name], strict=True)]
    print(f"P1  {statistics.median(ratios):.2f} x the echo's requests/s")
    return min(statistics.median(rates) for rates in peaks.values()) / 2


def _measure_tails(
    pool: ProcessPoolExecutor,
    echo: Served,
    ours: Served,
    asked: argparse.Namespace,
    *,
    rate: float,
) -> None:
    """Print how late the slowest hundredth is at a steady *rate*."""
    tails: dict[str, list[float]] = {echo.name: [], ours.name: []}
    for _ in range(asked.rounds):
        for served in (echo, ours):
            load = served.load(connections=CONNECTIONS, seconds=asked.seconds, rate=rate)
            tails[served.name].append(_run(pool, load).latency_at(0.99))
    for name, seconds in tails.items():
        print(f"{name:<12}p99 {statistics.median(seconds) * 1e3:.1f} ms at {rate:.0f}/s")
    tail = statistics.median(tails[ours.name]) / statistics.median(tails[echo.name])
    print(f"P4  {tail:.2f} x the echo's p99")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    return parser.parse_args()


@contextlib.contextmanager
def _generator() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def _run(pool: ProcessPoolExecutor, load: Load) -> Measured:
    return pool.submit(run_load, load).result()


@contextlib.contextmanager
def _everything() -> Iterator[tuple[Served, Served]]:
    home = Path(tempfile.mkdtemp(prefix="goodfit-bench-", dir="/var/tmp"))
    home.chmod(0o755)
    server = EmbeddedPostgres.start(home / "home")
    try:
        migrate(server.url())
        key = asyncio.run(_prepare(server.url()))
        with contextlib.ExitStack() as stack:
            echo = stack.enter_context(_uvicorn("benchmarks.echo:app", {}))
            ours = stack.enter_context(
                _uvicorn("service.app:open_app", {"DATABASE_URL": server.url()}, "--factory")
            )
            yield (
                Served(name="bare echo", port=echo, request=_request(key, 1)),
                Served(name="goodfit", port=ours, request=_request(key, 1)),
            )
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


async def _prepare(url: str) -> str:
    """Install the rules of the benchmark and return a secret key that may decide."""
    engine = open_engine(url)
    now = datetime.now(UTC)

    def fresh(at: datetime) -> UUID:
        return make_uuid(at, randomness=os.urandom(8))

    async with transaction(engine) as connection:
        editor = Editor(person="bench", at=now, new_uuid=fresh)
        await install(
            connection, yaml.safe_dump(plain_rules(20)), editor=editor, note="", reason="b"
        )
        asked = KeyAsked(name="bench", person="bench", scopes=["decide"])
        made = await give_key(connection, asked, key_id=fresh(now), by="bench", at=now)
    await engine.dispose()
    return made.key


def _request(key: str, number: int) -> bytes:
    body = json.dumps(
        {"rule_set": "rules_of_four_20", "lead": FACTS, "external_id": f"crm-{number}"}
    ).encode()
    head = (
        f"POST /v1/qualify HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextlib.contextmanager
def _uvicorn(target: str, environment: dict[str, str], *arguments: str) -> Iterator[int]:
    """Serve *target* by one uvicorn process for the block and give its port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", target, *arguments, "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header"]
    command += ["--log-level", "warning"]
    inherited = {**os.environ, **environment, "GOODFIT_LOG_LEVEL": "warning"}
    with subprocess.Popen(command, env=inherited) as process:  # noqa: S603 - our own interpreter
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://{HOST}:{port}/livez", timeout=1.0)
            return
        time.sleep(0.1)
    raise TimeoutError("the server did not come up")


if __name__ == "__main__":
    main()
