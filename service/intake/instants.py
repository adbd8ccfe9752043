"""When something happened, in any of the ways in which vendors write it."""

from datetime import UTC, datetime, timedelta
from typing import Final

from service.intake.attribute_values import Unmappable

__all__ = ["instant_of"]

_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
# Seconds until the year 5138 have fewer digits than milliseconds since 1973.
_SECONDS_BELOW: Final = 1e11


def instant_of(value: object, pointer: str, now: datetime) -> datetime | None:
    """Return the instant that *value* names, at most as new as *now*; None where it is empty."""
    if value is None or value == "":
        return None
    try:
        at = _read_instant(value)
    except (ValueError, OverflowError, TypeError):
        words = "this is no instant; RFC 3339, or seconds or milliseconds since 1970"
        raise Unmappable("bad_instant", words, pointer) from None
    if at - now > _CLOCKS_DIFFER or at < _EARLIEST:
        words = "this instant has not come yet, or is long before there were computers"
        raise Unmappable("bad_instant", words, pointer)
    return min(at, now)


def _read_instant(value: object) -> datetime:
    if isinstance(value, str):
        try:
            return _since_1970(float(value))
        except ValueError:
            at = datetime.fromisoformat(value)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return _since_1970(value)


def _since_1970(value: float) -> datetime:
    seconds = value if abs(value) < _SECONDS_BELOW else value / 1_000
    return _EPOCH + timedelta(seconds=seconds)
