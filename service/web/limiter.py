"""How often one key may ask: the generic cell rate algorithm (GCRA, ITU-T I.371).

One number a key: the instant at which its bucket would be empty again. Counted in
this process; several workers divide the rate among them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from service.web.refusals import Refusal

__all__ = ["Limiter", "Rate", "TooManyRequests", "per_minute"]

_FORGET_ABOVE = 10_000


class TooManyRequests(Refusal):
    """A key asked more often than it may."""

    code: ClassVar[str] = "too_many_requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many *requests* in *window_s* seconds, all at once or spread out."""

    requests: int
    window_s: int


def per_minute(requests: int) -> Rate | None:
    """Return the rate of so many a minute; None, no limit, for 0."""
    return Rate(requests=requests, window_s=60) if requests else None


class Limiter:
    """Counts requests by key. *timer* is a monotonic clock in seconds."""

    def __init__(self, *, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._empty_at: dict[UUID, float] = {}

    def admit(self, key_id: UUID, rate: Rate) -> dict[str, str]:
        """Count one request and return the `RateLimit` headers its answer carries.

        Raises:
            TooManyRequests: If the window is used up; `Retry-After` says for how long.
        """
        now = self._timer()
        step = rate.window_s / rate.requests
        empty_at = max(self._empty_at.get(key_id, now), now) + step
        policy = f'"key";q={rate.requests};w={rate.window_s}'
        if empty_at - now > rate.window_s + step * 1e-6:
            wait_s = max(1, round(empty_at - now - rate.window_s + 0.5))
            raise TooManyRequests(
                f"this key may ask {rate.requests} times in {rate.window_s} s; wait {wait_s} s",
                headers={
                    "Retry-After": str(wait_s),
                    "RateLimit-Policy": policy,
                    "RateLimit": f'"key";r=0;t={wait_s}',
                },
            )
        self._empty_at[key_id] = empty_at
        if len(self._empty_at) > _FORGET_ABOVE:
            self._empty_at = {key: at for key, at in self._empty_at.items() if at > now}
        left = int((rate.window_s - (empty_at - now)) / step + 1e-6)
        return {
            "RateLimit-Policy": policy,
            "RateLimit": f'"key";r={left};t={max(1, round(empty_at - now + 0.5))}',
        }
