"""P9: how the time of a decision grows with the number of rules."""

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Final

from benchmarks.figures import Measured, Spread
from benchmarks.ground import Ground
from benchmarks.in_process import decide, ready_rules
from benchmarks.rules import leads
from benchmarks.turns import average, in_turns

__all__ = ["exponent", "measure_growth"]

_SIZES: Final = (10, 20, 50, 100, 200, 500)
_CONDITIONS: Final = 2
"""Of each rule: 500 rules of four would be more than one rule set may hold."""
_LEADS: Final = 20
_ROUND_S: Final = 0.1


def measure_growth(ground: Ground) -> dict[str, Measured]:
    """Return P9: the exponent of the growth, 1 being in proportion to the rules."""
    given = list(leads(_LEADS, seed=2))
    works = {}
    for count in _SIZES:
        rules = ready_rules(count, conditions=_CONDITIONS)
        facts = [rules.admit(lead) for lead in given]
        works[str(count)] = partial(average, partial(decide, rules), facts, seconds=_ROUND_S)
    us = in_turns(works, turns=ground.effort.turns)
    rounds = [dict(zip(_SIZES, costs, strict=True)) for costs in zip(*_values(us), strict=True)]
    first, last = us[str(_SIZES[0])], us[str(_SIZES[-1])]
    times = [b / a for a, b in zip(first.values, last.values, strict=True)]
    return {
        "P9": Measured(
            figure=Spread(tuple(exponent(costs) for costs in rounds), "exponent"),
            ours=Spread(tuple(times), "x the time"),
            peer=Spread((_SIZES[-1] / _SIZES[0],) * len(rounds), "x the rules"),
            beside={f"{count} rules": us[str(count)] for count in _SIZES},
            notes=(_steepest({count: us[str(count)].median for count in _SIZES}),),
        )
    }


def exponent(costs: Mapping[int, float]) -> float:
    """Return the slope of cost over count where both axes are logarithmic, by least squares."""
    points = [(math.log(count), math.log(cost)) for count, cost in costs.items()]
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    rise = sum((x - x_mean) * (y - y_mean) for x, y in points)
    return rise / sum((x - x_mean) ** 2 for x, _ in points)


def _values(us: Mapping[str, Spread]) -> list[tuple[float, ...]]:
    return [us[str(count)].values for count in _SIZES]


def _steepest(costs: Mapping[int, float]) -> str:
    """Return in words where the growth is steepest: a cliff would be far above 1."""
    steps = {(a, b): exponent({a: costs[a], b: costs[b]}) for a, b in pairwise(sorted(costs))}
    (a, b), steepest = max(steps.items(), key=lambda step: step[1])
    return f"steepest from {a} to {b} rules, where the exponent is {steepest:.2f}"
