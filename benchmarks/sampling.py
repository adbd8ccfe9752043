"""Load our server while `benchmarks.sampled` counts where its processor time goes."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.ground import Ground
from benchmarks.loading import Generator
from benchmarks.processor_time import used_s
from benchmarks.servers import serve_ours

__all__ = ["Sampled", "part_of", "room_of", "sample"]

_CONNECTIONS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What a load on our server took.

    Attributes:
        per_second: Answers.
        used_us: Processor time of an answer, by process.
        share: Of one core, by process.
        stacks: How often each stack was at work in the server, innermost function first.
    """

    per_second: float
    used_us: Mapping[str, float]
    share: Mapping[str, float]
    stacks: Mapping[str, int]

    def rooms(self) -> Mapping[str, float]:
        """Return the share of the server's time by room and library, the largest first."""
        rooms: Counter[str] = Counter()
        for stack, count in self.stacks.items():
            rooms[room_of(stack.split(" "))] += count
        total = max(1, sum(self.stacks.values()))
        return {name: count / total for name, count in rooms.most_common()}


def sample(
    ground: Ground, load: Generator, url: str, requests: Sequence[bytes], *, seconds: float
) -> Sampled:
    """Serve the database at *url*, load the server at its peak, and sample it."""
    file = ground.folder / "samples.json"
    with serve_ours(
        url, application="benchmarks.sampled:open_app", environment={"BENCH_SAMPLES": str(file)}
    ) as served:
        asked = replace(served, requests=requests)
        load.run(asked.load(connections=_CONNECTIONS, seconds=1.0))
        processes = {"server": served.pid, "Postgres": ground.postgres.pid}
        before = {name: used_s(pid) for name, pid in processes.items()}
        measured = load.run(asked.load(connections=_CONNECTIONS, seconds=seconds))
        used = {name: used_s(pid) - before[name] for name, pid in processes.items()}
    used["load generator"] = measured.busy * measured.seconds
    answers = max(1, len(measured.latencies))
    return Sampled(
        per_second=measured.per_second,
        used_us={name: one * 1e6 / answers for name, one in used.items()},
        share={name: one / measured.seconds for name, one in used.items()},
        stacks=json.loads(file.read_text(encoding="utf-8")),
    )


def part_of(names: Sequence[str]) -> str:
    """Return whose work a stack is: our innermost module, else the innermost library's."""
    for name in names:
        if name.startswith("service."):
            return ".".join(name.partition(":")[0].split(".")[:3])
    return names[0].partition(":")[0].partition(".")[0]


def room_of(names: Sequence[str]) -> str:
    """Return the same by rooms: `rules`, `web`; asyncio is the loop, which is uvloop here."""
    part = part_of(names)
    if part.startswith("service."):
        return part.split(".")[1]
    return "the event loop" if part == "asyncio" else part
