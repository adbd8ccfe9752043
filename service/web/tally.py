"""Requests and decisions in plain numbers, which are put into Prometheus' form when somebody looks.

The client library takes a lock and three calls for each series; a process of one event loop
needs neither, and looks are thousands of times rarer than requests.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

__all__ = ["BUCKETS_S", "DecisionTally", "RequestTally"]

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BOUNDS: Final = (*map(str, BUCKETS_S), "+Inf")


@dataclass(slots=True)
class _Durations:
    """How often a request took so long, by bucket, and how long all took together."""

    counts: list[int] = field(default_factory=lambda: [0] * len(_BOUNDS))
    sum_s: float = 0.0


class DecisionTally(Collector):
    """Decisions made and stored, by verdict."""

    def __init__(self) -> None:
        self._made: dict[str, int] = {}

    def count(self, verdict: str) -> None:
        """Count one decision."""
        self._made[verdict] = self._made.get(verdict, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the family as it is now."""
        decisions = CounterMetricFamily(
            "goodfit_decisions", "Decisions made and stored", labels=["verdict"]
        )
        for verdict, count in self._made.items():
            decisions.add_metric([verdict], count)
        yield decisions


class RequestTally(Collector):
    """Requests answered, by method, route and status, and how long they took, by route."""

    def __init__(self) -> None:
        self._answered: dict[tuple[str, str, int], int] = {}
        self._durations: dict[str, _Durations] = {}

    def count(self, method: str, route: str, *, status: int, duration_s: float) -> None:
        """Count one answered request."""
        name = (method, route, status)
        self._answered[name] = self._answered.get(name, 0) + 1
        durations = self._durations.get(route)
        if durations is None:
            durations = self._durations[route] = _Durations()
        durations.counts[bisect_left(BUCKETS_S, duration_s)] += 1
        durations.sum_s += duration_s

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """Yield both families as they are now."""
        requests = CounterMetricFamily(
            "goodfit_requests", "Requests answered", labels=["method", "route", "status"]
        )
        for (method, route, status), count in self._answered.items():
            requests.add_metric([method, route, str(status)], count)
        yield requests
        took = HistogramMetricFamily(
            "goodfit_request_duration_seconds",
            "From the request's head to the answer's last byte",
            labels=["route"],
        )
        for route, durations in self._durations.items():
            up_to = zip(_BOUNDS, accumulate(durations.counts), strict=True)
            took.add_metric([route], buckets=list(up_to), sum_value=durations.sum_s)
        yield took
