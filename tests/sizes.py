"""How much the tests try: what a submission can afford, or the whole of what is promised.

`make test` takes the smaller figures, so that it ends within minutes; `make thorough` runs the
same tests with the promised ones, and `GOODFIT_CAMPAIGN=10` with ten times as many.
"""

import os
from collections.abc import Sequence
from typing import Final, TypeVar

from hypothesis import HealthCheck, Phase, settings

T = TypeVar("T")

TIMES: Final = int(os.environ.get("GOODFIT_CAMPAIGN", "0"))
"""How many times the promised figures; none where a submission is judged."""


def size(promised: int, *, quick: int) -> int:
    """Return how many to try: *promised*, so many times them, or the *quick* few."""
    return promised * TIMES if TIMES else quick


def swept(places: Sequence[T], *, every: int) -> Sequence[T]:
    """Return the places to cut at: all of them, or each *every*-th where it must be quick."""
    return places if TIMES else places[::every]


def looking(promised: int, *, quick: int | None = None) -> settings:
    """Return settings for a search: *promised* examples, or the *quick* few, a fourth by default.

    Where nothing more is asked for they are the same ones every time, so that a submission
    fails by what it changed.
    """
    return settings(
        max_examples=size(promised, quick=-(-promised // 4) if quick is None else quick),
        deadline=None,
        database=None,
        derandomize=TIMES <= 1,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
        ],
    )
