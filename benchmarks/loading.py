"""Load servers from one process of its own, in turns."""

import contextlib
import signal
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from benchmarks.figures import Spread
from benchmarks.load import Load, Measured, run_load
from benchmarks.processor_time import used_s
from benchmarks.servers import Served

__all__ = ["Generator", "Loaded", "generator"]


@dataclass(slots=True)
class Loaded:
    """What came of loading one server in every round."""

    rounds: list[Measured] = field(default_factory=list)
    used: list[float] = field(default_factory=list)

    def add(self, measured: Measured, used_s: float) -> None:
        """Add a round, in which the server used so much processor time."""
        self.rounds.append(measured)
        self.used.append(used_s * 1e6 / max(1, len(measured.latencies)))

    @property
    def used_us(self) -> Spread:
        """The processor time of the server for each answer: less shaken than a rate."""
        return Spread(tuple(self.used), "us")

    @property
    def rates(self) -> Spread:
        """Answers a second."""
        return Spread(tuple(one.per_second for one in self.rounds), "requests/s")

    def latencies(self, share: float) -> Spread:
        """Return the latency in milliseconds that *share* of the answers did not exceed."""
        return Spread(tuple(one.latency_at(share) * 1e3 for one in self.rounds), "ms")

    @property
    def refused(self) -> int:
        """How many answers were not 2xx."""
        return sum(one.refused for one in self.rounds)

    @property
    def busy(self) -> float:
        """The share of the time that the generator was at work, as a median."""
        return statistics.median(one.busy for one in self.rounds)


@dataclass(frozen=True, slots=True)
class Generator:
    """The load generator's process."""

    pool: ProcessPoolExecutor

    def run(self, load: Load) -> Measured:
        """Send *load* and return what came of it."""
        return self.pool.submit(run_load, load).result()

    def in_turns(
        self,
        servers: Sequence[Served],
        *,
        connections: int,
        seconds: float,
        rounds: int,
        rate: float | None = None,
    ) -> dict[str, Loaded]:
        """Load every server once a round, forwards and backwards; warmed up before.

        With *rate* (requests a second) the loop is open.
        """
        found: dict[str, Loaded] = {served.name: Loaded() for served in servers}
        for served in servers:
            self.run(served.load(connections=connections, seconds=min(1.0, seconds), rate=rate))
        for turn in range(rounds):
            for served in servers if turn % 2 else reversed(servers):
                load = served.load(connections=connections, seconds=seconds, rate=rate)
                before = used_s(served.pid)
                measured = self.run(load)
                found[served.name].add(measured, used_s(served.pid) - before)
        return found


@contextlib.contextmanager
def generator() -> Iterator[Generator]:
    """Give a load generator for the block."""
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=_ignore_interrupts
    ) as pool:
        yield Generator(pool)


def _ignore_interrupts() -> None:
    """Let Ctrl-C end the bench, which ends this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
