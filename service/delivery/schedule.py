"""When a delivery is tried again, and how long that is: a schedule, jitter, and their wish."""

import email.utils
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["pause_before", "retry_after"]

_JITTER: Final = 0.1
_LONGEST: Final = timedelta(hours=24)


def pause_before(
    attempt: int, *, pauses_s: Sequence[float], luck: float, asked: timedelta | None = None
) -> timedelta:
    """Return how long to wait before attempt number *attempt*, the first being 1.

    Args:
        attempt: From 2 up; past the schedule's end its last pause counts.
        pauses_s: The schedule, in seconds.
        luck: From 0 to 1, for the jitter: a tenth of the pause more or less.
        asked: What the receiver asked for (`Retry-After`); not less than that, up to a day.

    Raises:
        ValueError: If *attempt* is under 2; nothing waits for the first.
    """
    if attempt < 2:
        raise ValueError("nothing waits for the first attempt")
    pause = timedelta(seconds=pauses_s[min(attempt - 2, len(pauses_s) - 1)])
    jittered = pause * (1 + _JITTER * (2 * luck - 1))
    return jittered if asked is None else max(jittered, min(asked, _LONGEST))


def retry_after(header: str | None, *, at: datetime) -> timedelta | None:
    """Return what a `Retry-After` asks for, in seconds or as a date; None where it is neither."""
    if header is None:
        return None
    given = header.strip()
    if given.isascii() and given.isdigit():
        return timedelta(seconds=min(int(given[:9]), 10**8))
    try:
        until = email.utils.parsedate_to_datetime(given)
    except (TypeError, ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(timedelta(0), until - at)
