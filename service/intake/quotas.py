"""How long to leave a vendor alone, by what its answer says is left of what it allows.

The last tenth of a short limit is left to others who work with the same account, and of a
day's the last twentieth: to be refused costs a request, and is held against us.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

__all__ = ["Pause", "pause_of"]

_SOON: Final = timedelta(seconds=10)
# A day's limit begins anew at the vendor's midnight, or rolls: it is looked at again each hour.
_LATER: Final = timedelta(hours=1)
_OF_SHORT: Final = 10
_OF_DAY: Final = 20
_USAGE: Final = re.compile(r"(?:^|[;,\s])api-usage=([0-9]{1,12})/([0-9]{1,12})")
_DAY: Final = (
    ("x-hubspot-ratelimit-daily-remaining", "x-hubspot-ratelimit-daily"),
    ("x-daily-ratelimit-token-remaining", "x-daily-ratelimit-token-limit"),
)


@dataclass(frozen=True, slots=True)
class Pause:
    """For how long the vendor is not asked, and why; *is_usual* is part of normal work."""

    wait: timedelta
    why: str
    is_usual: bool


def pause_of(headers: Mapping[str, str]) -> Pause | None:
    """Return the pause that an answer's *headers* ask for, whosever they are; mostly None."""
    if (left := _left_of_day(headers)) is not None and left[0] * _OF_DAY <= left[1]:
        words = "what the vendor allows in a day is nearly used up; ask for a higher limit there"
        return Pause(_LATER, f"{words}, or let other systems ask less", is_usual=False)
    for remaining, limit, reset, unit in (
        (
            "x-hubspot-ratelimit-remaining",
            "x-hubspot-ratelimit-max",
            "x-hubspot-ratelimit-interval-milliseconds",
            timedelta(milliseconds=1),
        ),
        (
            "x-ratelimit-remaining",
            "x-ratelimit-limit",
            "x-ratelimit-reset",
            timedelta(seconds=1),
        ),
    ):
        left_now, allowed = _number(headers, remaining), _number(headers, limit)
        if left_now is not None and allowed is not None and left_now * _OF_SHORT <= allowed:
            number = _number(headers, reset)
            wait = _SOON if number is None else min(number * unit, _LATER)
            return Pause(wait, "as much was written as the vendor allows at once", is_usual=True)
    return None


def _left_of_day(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Return what is left of a day's limit, and the limit."""
    usage = _USAGE.search(headers.get("sforce-limit-info", ""))
    if usage is not None:
        used, allowed = int(usage[1]), int(usage[2])
        return allowed - used, allowed
    for remaining, limit in _DAY:
        left, allowed_a_day = _number(headers, remaining), _number(headers, limit)
        if left is not None and allowed_a_day is not None:
            return left, allowed_a_day
    return None


def _number(headers: Mapping[str, str], name: str) -> int | None:
    told = headers.get(name, "").strip()
    return int(told) if told.isascii() and told.isdigit() and len(told) < 13 else None
