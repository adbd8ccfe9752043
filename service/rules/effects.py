"""What moved each score, and by how much: parts that add up to its value exactly."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from service.rules.expression import evaluate
from service.rules.expression.evaluate import Known
from service.rules.expression.tokens import number, uncapitalised
from service.rules.model import Group, Model, Score
from service.rules.ranges import limit, six_places
from service.rules.trace import Trace

_NOISE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Points that a rule added to a score; *rule* is its place in the model, None for a formula."""

    score: str
    points: float
    rule: int | None = None

    def to_json(self) -> dict[str, object]:
        """Return the score and the points, whole ones as integers."""
        whole = self.points.is_integer() and abs(self.points) <= 2**53
        return {"score": self.score, "points": int(self.points) if whole else self.points}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Effect):
    """Points that a cap, floor or ceiling added or took away, and what it says."""

    name: str
    words: str


def effects_of(model: Model, trace: Trace, known: Known) -> Iterator[Effect]:
    """Yield what moved the scores, in document order, each limit after what it limits.

    Per score, the exact sum (`math.fsum`) of the effects, rounded to six places, is the
    score's value; what rounding leaves over is part of the largest effect.
    """
    for place, score in enumerate(model.scores):
        formula = score.formula
        raw = 0.0 if formula is None else evaluate.number(formula.node, known).low
        yield from effects_on(score, trace, value=trace.scores[place].value, raw=raw)


def effects_on(score: Score, trace: Trace, *, value: float, raw: float) -> list[Effect]:
    """Return what moved *score*, which came to *value*; *raw* is what its formula gives."""
    parts = list(_parts(score, trace, raw))
    total = math.fsum(part.points for part in parts)
    if six_places(total) != value and not _is_noise(total - value, parts):
        parts.append(last_limit(score, total, value))
    return _exact(parts, value)


def _is_noise(difference: float, parts: list[Effect]) -> bool:
    """Whether *difference* is what adding *parts* in another order can leave over."""
    return abs(difference) <= _NOISE * max((abs(part.points) for part in parts), default=0.0)


def _parts(score: Score, trace: Trace, raw: float) -> Iterator[Effect]:
    if score.formula is not None:
        yield Effect(score=score.name, points=raw)
    for group in score.groups:
        yield from _of_group(group, score, trace)


def _of_group(group: Group, score: Score, trace: Trace) -> Iterator[Effect]:
    total = 0.0
    for place in range(group.first_rule, group.first_rule + len(group.rules)):
        points = trace.effects[place]
        total += points
        if points:
            yield Effect(score=score.name, points=points, rule=place)
    limited = limit(total, group.floor, group.cap)
    if six_places(limited) != six_places(total):
        yield group_limit(score, group, total=total, limited=limited)


def group_limit(score: Score, group: Group, *, total: float, limited: float) -> Limit:
    """Return what a cap took away or a floor added."""
    kind, most = ("cap", "most") if limited < total else ("floor", "least")
    words = f"The group `{group.id}` counts at {most} {number(limited)}"
    return Limit(score=score.name, points=limited - total, name=f"{group.id}.{kind}", words=words)


def last_limit(score: Score, total: float, value: float) -> Limit:
    """Return what a ceiling or floor, or the range of what is possible, did to *total*."""
    label = score.label
    if score.ceiling is not None and total > score.ceiling and value <= score.ceiling:
        kind, words = "ceiling", f"{label} goes no higher than {number(score.ceiling)}"
    elif score.floor is not None and total < score.floor and value >= score.floor:
        kind, words = "floor", f"{label} goes no lower than {number(score.floor)}"
    else:
        kind, words = "range", f"No answer can bring {uncapitalised(label)} past {number(value)}"
    return Limit(score=score.name, points=value - total, name=f"{score.name}.{kind}", words=words)


def _exact(parts: list[Effect], value: float) -> list[Effect]:
    """Return *parts* so that they add up: rounded to six places, else as they are.

    Else the largest takes what is left over; where it is too large to hold that (past
    2^53), one more part of the last one's name does.
    """
    rounded = [_rounded(part) for part in parts]
    if _adds_up(rounded, value):
        return rounded
    if _adds_up(parts, value):
        return parts
    rest = math.fsum([value, *(-part.points for part in parts)])
    largest = max(range(len(parts)), key=lambda place: abs(parts[place].points))
    whole = replace(parts[largest], points=parts[largest].points + rest)
    mended = [*parts[:largest], whole, *parts[largest + 1 :]]
    return mended if _adds_up(mended, value) else [*parts, replace(parts[-1], points=rest)]


def _rounded(part: Effect) -> Effect:
    points = six_places(part.points)
    return part if points == part.points else replace(part, points=points)


def _adds_up(parts: list[Effect], value: float) -> bool:
    return six_places(math.fsum(part.points for part in parts)) == value
