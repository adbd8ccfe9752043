"""What usual decisions say of their scores, and where a limit keeps a decision from being one."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from service.rules.json_text import number, quoted, value
from service.rules.model import Model
from service.rules.ranges import limit, point
from service.rules.scores import bands


class Standing(NamedTuple):
    """What is said of scores that came out so: as they are stored, grades, and in the trace."""

    scores: str
    grades: str
    spans: str


class Limits(NamedTuple):
    """A score that something may limit: its place, and its groups' rules with their limits."""

    score: int
    groups: tuple[tuple[slice, float | None, float | None], ...]


def standing_of(model: Model, scores: tuple[float, ...]) -> Standing:
    """Return what is said of these *scores* of *model*."""
    at = {score.name: x for score, x in zip(model.scores, scores, strict=True)}
    texts = {name: number(x) for name, x in at.items()}
    spans = [f'{quoted(name)}:{{"value":{x},"low":{x},"high":{x}}}' for name, x in texts.items()]
    grades = {grade.name: list(bands(grade.bands, point(at[grade.of]))) for grade in model.grades}
    traced = ",".join(f"[{x},{x},{x}]" for x in texts.values())
    return Standing(f"{{{','.join(spans)}}}", value(grades), traced)


def limits_of(model: Model) -> Iterator[Limits]:
    """Yield the scores that are not always the sum of what their rules add."""
    for place, score in enumerate(model.scores):
        groups = tuple(
            (slice(each.first_rule, each.first_rule + len(each.rules)), each.floor, each.cap)
            for each in score.groups
        )
        held = [score.floor, score.ceiling]
        held += [limit for _, floor, cap in groups for limit in (floor, cap)]
        if any(limit is not None for limit in held):
            yield Limits(place, groups)


def is_limited(limits: Sequence[Limits], effects: Sequence[float], scores: Sequence[float]) -> bool:
    """Return whether a limit of a group or a score took something away or added it."""
    for score, groups in limits:
        total = 0.0
        for rules, floor, cap in groups:
            summed = sum(effects[rules])
            if limit(summed, floor, cap) != summed:
                return True
            total += summed
        if total != scores[score]:
            return True
    return False
