"""The online service with one worker and with two, and beside a rescoring.

`python -m benchmarks.workers`; no part of `make bench`, because it compares with nobody. It makes
databases of its own and removes them. The result goes into `docs/measurements/workers.json`.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.environment import installed_peers
from benchmarks.figures import Spread
from benchmarks.ground import Effort, Ground
from benchmarks.loading import Generator, Loaded, generator
from benchmarks.machine import name_machine
from benchmarks.preparing import install_rules, requests_of
from benchmarks.rules import leads, rule_set
from benchmarks.servers import Served, free_port, running
from benchmarks.stored_accounts import fill_accounts

RESULT: Final = Path(__file__).resolve().parents[1] / "docs" / "measurements" / "workers.json"
_RULES: Final = 20
_CONNECTIONS: Final = 32
_LEADS: Final = 500


@dataclass(frozen=True, slots=True)
class _Size:
    accounts: int
    seconds: float
    rounds: int


@contextlib.contextmanager
def _serving(url: str, key: str, *, workers: int) -> Iterator[Served]:
    """Run `goodfit serve` with so many workers, ready to be loaded."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("goodfit")), "serve", "--port", str(port)]
    environment = {
        "DATABASE_URL": url,
        "GOODFIT_LOG_LEVEL": "warning",
        "GOODFIT_WORKERS": str(workers),
    }
    name = f"{workers} worker" + "s" * (workers > 1)
    with running(command, name=name, port=port, environment=environment) as served:
        asked = requests_of(leads(_LEADS), key=key, rule_set=f"plain_rules_{_RULES}")
        yield Served(name=name, port=served.port, pid=served.pid, requests=asked)


def _workers(ground: Ground, load: Generator, size: _Size) -> dict[str, Any]:
    """Return the peak with one worker and with two, in turns on one database."""
    with ground.database("bench_workers") as url, contextlib.ExitStack() as stack:
        key = install_rules(url, [rule_set(_RULES)])
        servers = [stack.enter_context(_serving(url, key, workers=count)) for count in (1, 2)]
        found = load.in_turns(
            servers, connections=_CONNECTIONS, seconds=size.seconds, rounds=size.rounds
        )
    return {
        name: {
            "requests_per_second": _shown(loaded.rates),
            "p99_ms": _shown(loaded.latencies(0.99)),
            "server_us_a_request": _shown(loaded.used_us),
            "refused": loaded.refused,
            "generator_busy": round(loaded.busy, 2),
        }
        for name, loaded in found.items()
    }


def _beside_a_rescoring(ground: Ground, load: Generator, size: _Size) -> dict[str, Any]:
    """Return the p99 of one worker at half of its peak, alone and while accounts are rescored."""
    accounts = rule_set(_RULES, subject="account", name="plain_accounts")
    with ground.database("bench_beside") as url:
        key = install_rules(url, [rule_set(_RULES)])
        fill_accounts(url, size.accounts)
        with _serving(url, key, workers=1) as served:
            peak = Loaded()
            _load(load, served, peak, size.seconds)
            rate = peak.rates.median / 2
            alone, beside = Loaded(), Loaded()
            for _ in range(size.rounds):
                _load(load, served, alone, size.seconds, rate)
            install_rules(url, [accounts])
            began = time.perf_counter()
            with _rescoring(url) as process:
                while process.poll() is None:
                    _load(load, served, beside, size.seconds, rate)
            took = time.perf_counter() - began
    return {
        "accounts": size.accounts,
        "rate": round(rate),
        "rescoring_s": round(took, 1),
        "alone_p99_ms": _shown(alone.latencies(0.99)),
        "beside_p99_ms": _shown(beside.latencies(0.99)),
        "refused": alone.refused + beside.refused,
    }


def _load(
    load: Generator, served: Served, into: Loaded, seconds: float, rate: float | None = None
) -> None:
    into.add(load.run(served.load(connections=_CONNECTIONS, seconds=seconds, rate=rate)), 0.0)


@contextlib.contextmanager
def _rescoring(url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `goodfit rescore`, which watches where the server has begun by itself."""
    command = [str(Path(sys.executable).with_name("goodfit")), "rescore", "plain_accounts"]
    time.sleep(1.5)  # a first release takes effect a second after its commit
    with subprocess.Popen(  # noqa: S603 - our own command line
        command, env={**os.environ, "DATABASE_URL": url}, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
    if process.returncode != 0:
        raise RuntimeError(f"`goodfit rescore` ended with {process.returncode}")


def _shown(spread: Spread) -> Mapping[str, float]:
    low, high = min(spread.values), max(spread.values)
    return {"median": round(spread.median, 1), "low": round(low, 1), "high": round(high, 1)}


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    size = _Size(chosen.accounts, chosen.seconds, chosen.rounds)
    machine = name_machine()
    with Ground(effort=Effort(), peers=installed_peers()) as ground, generator() as load:
        found = {
            "command": "python -m benchmarks.workers",
            "machine": machine,
            "workers": _workers(ground, load, size),
            "beside_a_rescoring": _beside_a_rescoring(ground, load, size),
        }
    found["machine"] = {**machine, "load after": f"{os.getloadavg()[0]:.2f}"}
    text = json.dumps(found, indent=1) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
