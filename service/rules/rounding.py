"""A round number on the right side of a threshold that is only known by asking."""

from collections.abc import Callable
from math import floor, log10
from typing import Final

from service.rules.ranges import six_places

__all__ = ["roundest"]

_HALVINGS: Final = 30
_FINE: Final = 1e-4
_BEYOND: Final = 0.02
_DIGITS: Final = 7


def roundest(
    start: float, short: float, far: float, *, leads: Callable[[float], bool], is_whole: bool
) -> float:
    """Return a round number that *leads*, near the first one on the way from *short* to *far*.

    *far* leads. Between the two there may be several turns; one of them is found. What is
    returned goes past it by at most a fiftieth of the way from *start*.
    """
    near, reached = short, far
    for _ in range(_HALVINGS):
        middle = (near + reached) / 2
        middle = float(round(middle)) if is_whole else six_places(middle)
        if middle in {near, reached} or abs(reached - near) <= _FINE * abs(reached):
            break
        if leads(middle):
            reached = middle
        else:
            near = middle
    if is_whole:
        return reached
    room = abs(reached - start) * _BEYOND
    return _rounded(short, reached, far, room=room, leads=leads)


def _rounded(
    short: float, reached: float, far: float, *, room: float, leads: Callable[[float], bool]
) -> float:
    low, high = min(short, far), max(short, far)
    for digits in range(1, _DIGITS + 1):
        for value in _beside(reached, digits):
            past = value - reached if far > short else reached - value
            if low <= value <= high and value != short and past <= room and leads(value):
                return value
    return reached


def _beside(number: float, digits: int) -> tuple[float, ...]:
    """Return the numbers of so many significant digits on both sides, the nearer to 0 first."""
    if number == 0:
        return (0.0,)
    step = 10.0 ** (floor(log10(abs(number))) - digits + 1)
    below = six_places(floor(number / step) * step)
    return (below, six_places(below + step))
