"""What to ask next: which missing attributes can still change the answer, the best first."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from service.rules.attributes import Fact
from service.rules.classes import AttributeClasses
from service.rules.decided import MissingAttribute
from service.rules.model import Model, Verdict
from service.rules.ranges import six_places
from service.rules.reads import Read, Reads
from service.rules.trace import Outline, Results
from service.rules.truth import NO, UNKNOWN, YES

Evaluate = Callable[[Mapping[str, Fact]], Outline]
"""An open evaluation of some facts, at the decision's clock."""

_VERDICTS: Final[tuple[Verdict, ...]] = ("qualify", "review", "disqualify")


def possible_outcomes(model: Model, results: Outline | Results) -> tuple[int, ...]:
    """Return the places of the outcomes that are still possible, in document order.

    Gates, then outcomes, each in order, up to the first definite yes.
    """
    found: set[int] = set()
    for gate, result in zip(model.gates, results.gates, strict=True):
        if result is not NO:
            found.add(gate.outcome)
        if result is YES:
            return tuple(sorted(found))
    for place, result in enumerate(results.outcomes):
        if result is not NO:
            found.add(place)
        if result is YES:
            break
    return tuple(sorted(found))


def verdicts_of(model: Model, outcomes: tuple[int, ...]) -> set[Verdict]:
    """Return the verdicts that the outcomes at these places carry."""
    return {model.outcomes[place].verdict for place in outcomes}


def undecided_reads(reads: Reads, outline: Outline, values: Mapping[str, Fact]) -> dict[str, None]:
    """Return the missing attributes that something still undecided reads, in model order.

    Every attribute that can change the outcome is among them, by monotony: what is yes or no
    stays so. Some may not matter after all.
    """
    found: set[str] = set()
    waiting: list[int] = []
    for read in _undecided(reads, outline):
        found |= read.attributes
        waiting += read.scores
    seen: set[int] = set()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for read in _open_parts(reads, outline, place):
            found |= read.attributes
            waiting += read.scores
    return {name: None for name in reads.model.attributes if name in found and name not in values}


def _undecided(reads: Reads, outline: Outline) -> Iterator[Read]:
    """Yield what the unknown conditions read, up to the first definite yes."""
    for read, result in zip(reads.gates, outline.gates, strict=True):
        if result is YES:
            return
        if result is UNKNOWN:
            yield read
    for read, result in zip(reads.outcomes, outline.outcomes, strict=True):
        if result is YES:
            return
        if result is UNKNOWN:
            yield read


def _open_parts(reads: Reads, outline: Outline, place: int) -> Iterator[Read]:
    """Yield what a score reads, as far as it is still a range."""
    low, high = outline.scores[place]
    if low == high:
        return
    yield reads.formulas[place]
    for group in reads.model.scores[place].groups:
        for index in range(group.first_rule, group.first_rule + len(group.rules)):
            if outline.rules[index] is UNKNOWN:
                yield reads.rules[index]
            points = reads.points[index]
            least, most = outline.points[index]
            if points is not None and outline.rules[index] is not NO and least != most:
                yield points


@dataclass(frozen=True, slots=True)
class _Probe:
    """What one attribute's classes would do, each alone added to what is known."""

    settled: Fraction
    outcomes_left: Fraction
    width: float
    swing: Mapping[str, float]
    could_lead_to: tuple[Verdict, ...]


def missing_attributes(
    model: Model,
    values: Mapping[str, Fact],
    *,
    changes: Mapping[str, Literal["verdict", "outcome"]],
    classes: Mapping[str, AttributeClasses],
    evaluate: Evaluate,
) -> tuple[MissingAttribute, ...]:
    """Return the attributes in *changes* with what asking for each would bring, best first.

    What can change the verdict comes before what can change only the outcome, askable before
    not; then by the share of classes that settle the verdict (larger first), the mean number
    of outcomes left and the mean summed width of the score ranges (smaller first), and the
    order in which the rules read them.
    """
    probes = {name: _probe(model, values, name, classes[name], evaluate) for name in changes}
    order = {name: place for place, name in enumerate(model.attributes)}

    def urgency(name: str) -> tuple[object, ...]:
        probe = probes[name]
        is_silent = model.attributes[name].ask is None
        only_outcome = changes[name] != "verdict"
        rank = (-probe.settled, probe.outcomes_left, probe.width)
        return (only_outcome, is_silent, *rank, order[name])

    return tuple(
        MissingAttribute(
            attribute=name,
            label=model.attributes[name].label,
            ask=model.attributes[name].ask,
            changes=changes[name],
            swing=probes[name].swing,
            could_lead_to=probes[name].could_lead_to,
        )
        for name in sorted(changes, key=urgency)
    )


def _probe(
    model: Model,
    values: Mapping[str, Fact],
    name: str,
    classes: AttributeClasses,
    evaluate: Evaluate,
) -> _Probe:
    outlines = [evaluate({**values, name: value}) for value in classes.values]
    possible = [possible_outcomes(model, outline) for outline in outlines]
    settled = [verdicts for p in possible if len(verdicts := verdicts_of(model, p)) == 1]
    widths = [high - low for outline in outlines for low, high in outline.scores]
    count = len(outlines)
    swing: dict[str, float] = {}
    for place, score in enumerate(model.scores):
        lows = [outline.scores[place][0] for outline in outlines]
        highs = [outline.scores[place][1] for outline in outlines]
        spread = six_places(max(max(lows) - min(lows), max(highs) - min(highs)))
        if spread:
            swing[score.name] = spread
    alone = set().union(*settled)
    return _Probe(
        settled=Fraction(len(settled), count),
        outcomes_left=Fraction(sum(len(p) for p in possible), count),
        width=math.fsum(widths) / count,
        swing=swing,
        could_lead_to=tuple(verdict for verdict in _VERDICTS if verdict in alone),
    )
