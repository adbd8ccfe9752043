"""What moved each score, as the reference finds it (`effects`), with less work where it can."""

from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from service.rules.compiled_scores import stays_whole
from service.rules.decided import Decided
from service.rules.effects import Effect, Limit, effects_on, group_limit, last_limit
from service.rules.expression import evaluate
from service.rules.model import Model, Score
from service.rules.ranges import limit, six_places
from service.rules.telling.values import Values
from service.rules.trace import ScoreRange, Trace

_ROUNDED_BELOW: Final = 1e9


Move = tuple[float, float, str, int | None, Limit | None]
"""Points on a score: smaller for more points, the points, the score, the place of the rule that
gave them or the limit that did; neither where the score's formula did."""

_order: Final = itemgetter(0)


def moves_of(decision: Decided, plans: tuple["Plan", ...], values: Values) -> list[Move]:
    """Return what moved the scores, largest first, document order among equals."""
    trace = decision.trace
    found: list[Move] = []
    for plan, span in zip(plans, trace.scores, strict=True):
        if plan.is_whole:
            _add_whole(found, plan.score, trace, span.value)
        elif plan.score.formula is not None and plan.is_free(span, trace):
            found.append((-abs(span.value), span.value, plan.score.name, None, None))
        else:
            found += _by_reference(plan.score, trace, span.value, values)
    if len(found) > 1:
        found.sort(key=_order)
    return found


@dataclass(frozen=True, slots=True)
class Plan:
    """How one score's moves are found.

    Attributes:
        is_whole: All of its points and limits are whole numbers, so that every sum is exact.
        low, high: Between these a formula's value is what it gave, rounded.
    """

    score: Score
    is_whole: bool
    low: float
    high: float

    @classmethod
    def of(cls, score: Score) -> "Plan":
        """Return the plan of *score*."""
        low = -_ROUNDED_BELOW if score.floor is None else six_places(score.floor)
        high = _ROUNDED_BELOW if score.ceiling is None else six_places(score.ceiling)
        return cls(score, stays_whole(score), low, high)

    def is_free(self, span: ScoreRange, trace: Trace) -> bool:
        """Whether neither a limit nor the range of what is possible made the score's value."""
        if not self.low < span.value < self.high:
            return False
        is_complete = trace.open is trace.closed
        return is_complete or span.low < span.value < span.high


def plans_of(model: Model) -> tuple[Plan, ...]:
    """Return the plan of every score."""
    return tuple(map(Plan.of, model.scores))


def _add_whole(found: list[Move], score: Score, trace: Trace, value: float) -> None:
    effects = trace.effects
    total = 0.0
    for group in score.groups:
        first, summed = group.first_rule, 0.0
        for place in range(first, first + len(group.rules)):
            points = effects[place]
            if points:
                summed += points
                found.append((-abs(points), points, score.name, place, None))
        limited = limit(summed, group.floor, group.cap)
        if limited != summed:
            by_limit = group_limit(score, group, total=summed, limited=limited)
            found.append(_move(by_limit))
        total += limited
    if total != value:
        by_limit = last_limit(score, total, value)
        found.append(_move(by_limit))


def _by_reference(score: Score, trace: Trace, value: float, values: Values) -> list[Move]:
    raw = 0.0
    if score.formula is not None:
        raw = evaluate.number(score.formula.node, values.teller.seen.known).low
    return [_move(part) for part in effects_on(score, trace, value=value, raw=raw)]


def _move(part: Effect) -> Move:
    by_limit = part if isinstance(part, Limit) else None
    return -abs(part.points), part.points, part.score, part.rule, by_limit
