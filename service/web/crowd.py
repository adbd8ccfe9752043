"""How often strangers may ask: by publishable key and by neighbourhood, over all workers.

Each process counts in its own memory, so that no request waits for a count, and settles
with the others once a second (`crowd_store`). Between two settlements a process knows its
own requests only: at worst every worker lets a second's worth more pass.

A window is not thrown away at once when it ends: the part of it that lies within the last
full window still counts, as if it had been spread evenly (a sliding window counter).
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from service.web.addresses import UNKNOWN
from service.web.limiter import Rate, TooManyRequests
from service.web.visit import Clock

__all__ = ["Count", "Crowd", "Total"]

_FORGET_ABOVE: Final = 10_000


class Count(NamedTuple):
    """So many more in one window: the number of seconds since 1970 over its length."""

    name: str
    window: int
    window_s: int
    more: int


class Total(NamedTuple):
    """What all processes counted in a window and in the one before it."""

    name: str
    window: int
    counted: int
    before: int


Exchange = Callable[[Sequence[Count]], Awaitable[Iterable[Total]]]
"""Adds counts to what all processes share, and returns the totals."""


@dataclass(slots=True)
class _Tally:
    """One name's count. *own* includes *unsettled*; *others* is what was heard of them."""

    window: int
    window_s: int
    own: int = 0
    unsettled: int = 0
    others: int = 0
    before: int = 0

    def move_to(self, window: int) -> None:
        if window == self.window:
            return
        self.before = self.own + self.others if window == self.window + 1 else 0
        self.window, self.own, self.others, self.unsettled = window, 0, 0, 0


class Crowd:
    """Counts the requests of publishable keys. A rate of None is no limit."""

    def __init__(
        self, *, clock: Clock, by_key: Rate | None = None, by_address: Rate | None = None
    ) -> None:
        self._clock = clock
        self._by_key = by_key
        self._by_address = by_address
        self._tallies: dict[str, _Tally] = {}

    def admit(self, key_id: UUID, address: str) -> dict[str, str]:
        """Count one request with a key from *address*; return its `RateLimit` headers.

        Raises:
            TooManyRequests: If the key or the neighbourhood has used up its window.
        """
        headers: dict[str, str] = {}
        if self._by_address is not None and address != UNKNOWN:
            headers |= self.admit_as(f"{key_id} {address}", self._by_address, policy="address")
        if self._by_key is not None:
            key = self.admit_as(str(key_id), self._by_key, policy="key")
            headers = {name: _joined(headers.get(name), told) for name, told in key.items()}
        return headers

    def admit_as(self, name: str, rate: Rate, *, policy: str) -> dict[str, str]:
        """Count one under *name* and return the headers that tell of it.

        Raises:
            TooManyRequests: If *rate* is used up; `Retry-After` says for how long.
        """
        now_s = self._clock().timestamp()
        window, since_s = int(now_s // rate.window_s), now_s % rate.window_s
        tally = self._tallies.get(name)
        if tally is None:
            self._make_room(now_s)
            tally = self._tallies[name] = _Tally(window, rate.window_s)
        tally.move_to(window)
        left_of_before = tally.before * (1 - since_s / rate.window_s)
        taken = left_of_before + tally.own + tally.others
        said = f'"{policy}";q={rate.requests};w={rate.window_s}'
        wait_s = max(1, round(rate.window_s - since_s))
        if taken + 1 > rate.requests:
            raise TooManyRequests(
                f"this {policy} may ask {rate.requests} times in {rate.window_s} s; "
                f"wait {wait_s} s",
                headers={
                    "Retry-After": str(wait_s),
                    "RateLimit-Policy": said,
                    "RateLimit": f'"{policy}";r=0;t={wait_s}',
                },
            )
        tally.own += 1
        tally.unsettled += 1
        left = int(rate.requests - taken - 1)
        return {"RateLimit-Policy": said, "RateLimit": f'"{policy}";r={left};t={wait_s}'}

    async def settle(self, exchange: Exchange) -> None:
        """Tell the others what was counted here since the last time, and hear theirs.

        What *exchange* raises is passed on, and nothing counted is lost by it.
        """
        counts = [
            Count(name, tally.window, tally.window_s, tally.unsettled)
            for name, tally in sorted(self._tallies.items())
            if tally.unsettled
        ]
        if not counts:
            return
        told = {(one.name, one.window): one.more for one in counts}
        for total in await exchange(counts):
            tally = self._tallies.get(total.name)
            if tally is not None and tally.window == total.window:
                tally.unsettled -= told[total.name, total.window]
                tally.others = max(0, total.counted - (tally.own - tally.unsettled))
                tally.before = max(tally.before, total.before)

    def _make_room(self, now_s: float) -> None:
        if len(self._tallies) < _FORGET_ABOVE:
            return
        kept = {
            name: tally
            for name, tally in self._tallies.items()
            if tally.window >= int(now_s // tally.window_s) - 1
        }
        # A flood of neighbourhoods must not become a flood of memory: their counts go, the
        # keys' own stay.
        self._tallies = kept if len(kept) < _FORGET_ABOVE else _without_spaces(kept)


def _without_spaces(tallies: dict[str, _Tally]) -> dict[str, _Tally]:
    return {name: tally for name, tally in tallies.items() if " " not in name}


def _joined(first: str | None, second: str) -> str:
    return second if first is None else f"{first}, {second}"
