"""Groups and scores in SQL: the same sums in the same order as `scores`.

LEAST and GREATEST never see NULL here: what does not count is replaced by something that is
never the least or the greatest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from service.rules.compiled_scores import is_whole
from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql import Translator
from service.rules.expression.sql_parts import Answer, Part, point
from service.rules.expression.sql_pieces import Sql
from service.rules.model import Group, Model, Points, Score

_ZERO = pieces.number(0.0)
_LOWEST = pieces.number(pieces.LOWEST)


@dataclass(frozen=True, slots=True)
class Member:
    """A rule in its group: its result and its points, both in columns or literals."""

    result: Answer
    points: Part

    @property
    def is_out(self) -> Sql:
        """Whether the result is a definite no."""
        return pieces.negation(self.result.piece)


def score_parts(
    translator: Translator, model: Model, members: Sequence[Member]
) -> Mapping[str, Part]:
    """Return every score of the present view, rounded; formulas see those before them."""
    translator.scores = {}
    for index in model.score_order:
        score = model.scores[index]
        total = translator.reckoner.bind(_score(translator, score, members))
        if not _stays_whole(score):
            total = translator.reckoner.rounded(total)
        translator.scores[score.name] = total
    return translator.scores


def rule_points(translator: Translator, points: Points) -> Part:
    """Return what a rule would add."""
    if points.formula is None:
        return point(pieces.number(points.fixed))
    found = translator.number(points.formula.node)
    return translator.reckoner.within(found, points.low, points.high)


def drawn_into(translator: Translator, value: Sql, span: Part) -> Sql:
    """Return the closed *value* drawn into the open range *span*."""
    if span.is_point:
        return span.low
    below = (pieces.binary("<", value, span.low), span.low)
    above = (pieces.binary(">", value, span.high), span.high)
    return translator.columns.bind(pieces.case(below, above, otherwise=value))


def _stays_whole(score: Score) -> bool:
    rules = [rule for group in score.groups for rule in group.rules]
    limits = [limit for group in score.groups for limit in (group.floor, group.cap)]
    return score.formula is None and is_whole(rules, [*limits, score.floor, score.ceiling])


def _score(translator: Translator, score: Score, members: Sequence[Member]) -> Part:
    reckoner = translator.reckoner
    if score.formula is not None:
        total = reckoner.bind(translator.number(score.formula.node))
    else:
        sums = [_group(translator, group, members) for group in score.groups]
        total = _added(translator, sums, in_any_order=_stays_whole(score))
    return reckoner.within(total, score.floor, score.ceiling)


def _added(translator: Translator, parts: Sequence[Part], *, in_any_order: bool) -> Part:
    """Return the sum, from the left and from 0, unless every order gives the same."""

    def add(ends: Sequence[Sql]) -> Sql:
        if in_any_order:
            return translator.columns.bind(pieces.total(ends))
        return translator.reckoner.sum([_ZERO, *ends])

    low = add([part.low for part in parts])
    if all(part.is_point for part in parts):
        return point(low)
    return Part(low, add([part.high for part in parts]))


def _group(translator: Translator, group: Group, members: Sequence[Member]) -> Part:
    own = members[group.first_rule : group.first_rule + len(group.rules)]
    match group.mode:
        case "sum":
            shares = [_share(translator, member) for member in own]
            total = _added(translator, shares, in_any_order=is_whole(group.rules, ()))
        case "first":
            total = _first(translator, own)
        case "max":
            total = _max(translator, own)
    return translator.reckoner.within(total, group.floor, group.cap)


def _share(translator: Translator, member: Member) -> Part:
    """Return what one rule adds to a sum: its points, nothing, or anything in between."""
    bind = translator.columns.bind
    result, points = member.result, member.points
    if result.sure:
        low = bind(pieces.case((result.piece, points.low), otherwise=_ZERO))
        if points.is_point:
            return point(low)
        return Part(low, bind(pieces.case((result.piece, points.high), otherwise=_ZERO)))
    yes, no = result.piece, member.is_out
    below, above = _or_zero(points.low, min), _or_zero(points.high, max)
    low = pieces.case((yes, points.low), (no, _ZERO), otherwise=below)
    high = pieces.case((yes, points.high), (no, _ZERO), otherwise=above)
    return Part(bind(low), bind(high))


def _or_zero(end: Sql, choose: Callable[[float, float], float]) -> Sql:
    """Return the lesser or the greater of *end*, which is never NULL, and 0."""
    if isinstance(end, exp.Cast):
        return pieces.number(choose(float(end.this.name), 0.0))
    outside = pieces.binary("<" if choose is min else ">", end, _ZERO)
    return pieces.case((outside, end), otherwise=_ZERO)


def _is_yes(answer: Answer) -> Sql:
    if answer.sure:
        return answer.piece
    return pieces.coalesce(answer.piece, pieces.boolean(value=False))


def _first(translator: Translator, members: Sequence[Member]) -> Part:
    """Take the points at the first yes, else 0, and widen them by the doubts before it."""
    bind = translator.columns.bind
    stops = [(member.result.piece, pieces.whole(i)) for i, member in enumerate(members)]
    doubts = [(i, member) for i, member in enumerate(members) if not member.result.sure]
    if not doubts and all(member.points.is_point for member in members):
        taken = [(member.result.piece, member.points.low) for member in members]
        return point(bind(pieces.case(*taken, otherwise=_ZERO)))
    stop = bind(pieces.case(*stops, otherwise=pieces.whole(len(members))))
    ends = []
    for name, end in (("LEAST", "low"), ("GREATEST", "high")):
        taken = [(m.result.piece, getattr(m.points, end)) for m in members]
        base = bind(pieces.case(*taken, otherwise=_ZERO))
        widened = [
            pieces.case(
                (
                    pieces.both(
                        [
                            pieces.is_null(member.result.piece),
                            pieces.binary("<", pieces.whole(place), stop),
                        ]
                    ),
                    getattr(member.points, end),
                ),
                otherwise=base,
            )
            for place, member in doubts
        ]
        ends.append(bind(pieces.extreme(name, [base, *widened])))
    return Part(ends[0], ends[1])


def _max(translator: Translator, members: Sequence[Member]) -> Part:
    """Take the largest points of what is yes; a doubt may raise it, and lowers it without one."""
    bind = translator.columns.bind
    any_yes = bind(
        pieces.either(
            [pieces.coalesce(m.result.piece, pieces.boolean(value=False)) for m in members]
        )
    )
    sure = pieces.extreme(
        "GREATEST",
        [pieces.case((m.result.piece, m.points.low), otherwise=_LOWEST) for m in members],
    )
    doubts = [member for member in members if not member.result.sure]
    if not doubts and all(member.points.is_point for member in members):
        return point(bind(pieces.case((any_yes, sure), otherwise=_ZERO)))
    unsure = [
        pieces.case((pieces.is_null(m.result.piece), m.points.low), otherwise=_ZERO) for m in doubts
    ]
    low = pieces.case((any_yes, sure), otherwise=pieces.extreme("LEAST", [_ZERO, *unsure]))
    # Closed, a condition that is NULL counts as no, and only what is yes can be the largest.
    possible = [
        pieces.case((m.result.piece, m.points.high), otherwise=_LOWEST)
        if m.result.sure
        else pieces.case((m.is_out, _LOWEST), otherwise=m.points.high)
        for m in members
    ]
    nothing = pieces.case((any_yes, _LOWEST), otherwise=_ZERO)
    high = pieces.extreme("GREATEST", [nothing, *possible])
    return Part(bind(low), bind(high))
