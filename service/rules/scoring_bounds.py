"""What a score can be at all, whatever the facts: for checks before any fact is known."""

import math
from collections.abc import Mapping

from service.rules import ranges
from service.rules.expression.bounds import Measure, measure
from service.rules.model import Group, Points, Score
from service.rules.ranges import Range, hull, point


def of_points(points: Points) -> Range:
    """Return all values a rule's points can have."""
    return point(points.fixed) if points.formula is None else Range(points.low, points.high)


def of_group(group: Group, *, limited: bool = True) -> Range:
    """Return all values a group can have; without its cap and floor where not *limited*."""
    zero = point(0.0)
    spans = [hull(zero, of_points(rule.points)) for rule in group.rules]
    total = zero
    for span in spans:
        total = ranges.add(total, span) if group.mode == "sum" else hull(total, span)
    return total.within(group.floor, group.cap) if limited else total


def of_score(score: Score, measures: Mapping[str, Measure], *, limited: bool = True) -> Measure:
    """Return all values a score can have, and the least magnitude it can have if not 0."""
    if score.formula is not None:
        found = measure(score.formula.node, measures)
    else:
        total = point(0.0)
        for group in score.groups:
            total = ranges.add(total, of_group(group))
        found = Measure(total, math.inf)
    span = found.span.within(score.floor, score.ceiling) if limited else found.span
    return Measure(span, found.least)
