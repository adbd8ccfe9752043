"""The reference evaluation of a whole rule set: ranges, groups, caps, gates, outcomes.

`judge` walks the typed trees; the compiled form must give the same trace.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

from service.rules import ranges
from service.rules.attributes import Fact
from service.rules.expression import evaluate, text
from service.rules.expression.evaluate import Known, Value
from service.rules.model import Condition, Group, Model, Points, Score
from service.rules.ranges import Range, hull, point
from service.rules.trace import Outline, Results, ScoreRange, Trace, letters_of
from service.rules.truth import NO, UNKNOWN, YES, Truth

ZERO = point(0.0)


def judge(
    model: Model,
    values: Mapping[str, Fact],
    *,
    today: date,
    suspended: Collection[str] = (),
    registrable: Callable[[str], str] = text.registrable_domain,
) -> Trace:
    """Return the trace of *model* on *values* at the UTC day *today*; pure and total.

    A suspended gate, rule or outcome counts as no: its whole condition, not its checks.
    """
    known = _known(model, values, today, registrable)
    opened = _Evaluation.of(model, known, suspended)
    closed = _Evaluation.of(model, replace(known, is_open=False), suspended)
    scores = tuple(
        _closed_within(opened.scores[score.name], closed.scores[score.name].low)
        for score in model.scores
    )
    values_of = {s.name: point(r.value) for s, r in zip(model.scores, scores, strict=True)}
    return Trace(
        open=Results(opened.gates, opened.rules, opened.outcomes(model, opened.scores)),
        closed=Results(closed.gates, closed.rules, closed.outcomes(model, values_of)),
        checks=letters_of(closed.checks(model, values_of)),
        effects=closed.effects(model),
        scores=scores,
    )


def outline(
    model: Model,
    values: Mapping[str, Fact],
    *,
    today: date,
    suspended: Collection[str] = (),
    registrable: Callable[[str], str] = text.registrable_domain,
) -> Outline:
    """Return the open half of the evaluation, with what tells two states of knowledge apart."""
    opened = _Evaluation.of(model, _known(model, values, today, registrable), suspended)
    return Outline(
        gates=opened.gates,
        rules=opened.rules,
        outcomes=opened.outcomes(model, opened.scores),
        checks=opened.checks(model, opened.scores),
        points=tuple((points.low, points.high) for points in opened.points),
        scores=tuple((opened.scores[s.name].low, opened.scores[s.name].high) for s in model.scores),
    )


def _known(
    model: Model, values: Mapping[str, Fact], today: date, registrable: Callable[[str], str]
) -> Known:
    return Known(
        values=evaluate.reading(values, model.attributes),
        attributes=model.attributes,
        today=today,
        is_open=True,
        formulas={derived.name: derived.node for derived in model.derived},
        registrable=registrable,
    )


def _closed_within(span: Range, value: float) -> ScoreRange:
    return ScoreRange(span.low, span.high, ranges.limit(value, span.low, span.high))


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One evaluation, open or closed, before its outcomes."""

    known: Known
    gates: tuple[Truth, ...]
    rules: tuple[Truth, ...]
    points: tuple[Range, ...]
    scores: Mapping[str, Range]
    suspended: Collection[str]

    @classmethod
    def of(cls, model: Model, known: Known, suspended: Collection[str]) -> "_Evaluation":
        derived: dict[str, Value] = {}
        known = replace(known, derived=derived)
        for name in model.derived:
            derived[name.name] = evaluate.derive(name.node, known)
        gates = tuple(_result(gate.id, gate.condition, known, suspended) for gate in model.gates)
        rules = tuple(_result(rule.id, rule.condition, known, suspended) for rule in model.rules)
        points = tuple(_points(rule.points, known) for rule in model.rules)
        scores: dict[str, Range] = {}
        for index in model.score_order:
            score = model.scores[index]
            found = replace(known, scores=scores)
            scores[score.name] = _score(score, rules, points, found).rounded()
        return cls(known, gates, rules, points, scores, suspended)

    def seeing(self, model: Model, scores: Mapping[str, Range]) -> Known:
        """Return what an outcome sees: the scores and the bands they touch."""
        grades = {grade.name: bands(grade.bands, scores[grade.of]) for grade in model.grades}
        return replace(self.known, scores=scores, grades=grades)

    def outcomes(self, model: Model, scores: Mapping[str, Range]) -> tuple[Truth, ...]:
        """Return yes, no or unknown per outcome; those reached by gate only are no."""
        known = self.seeing(model, scores)
        return tuple(
            NO
            if outcome.only_by_gate
            else YES
            if outcome.condition is None
            else _result(outcome.suspended_as, outcome.condition, known, self.suspended)
            for outcome in model.outcomes
        )

    def checks(self, model: Model, scores: Mapping[str, Range]) -> tuple[Truth, ...]:
        """Return the result of every single check, in trace order."""
        known = self.seeing(model, scores)
        conditions = [gate.condition for gate in model.gates]
        conditions += [rule.condition for rule in model.rules]
        conditions += [o.condition for o in model.outcomes if o.condition is not None]
        return tuple(
            evaluate.check(node, known) for condition in conditions for node in condition.checks
        )

    def effects(self, model: Model) -> tuple[float, ...]:
        """Return what each rule adds to its group; only asked of a closed evaluation."""
        effects = [0.0] * len(model.rules)
        for score in model.scores:
            for group in score.groups:
                for place in counted(group, self.rules, self.points):
                    effects[place] = self.points[place].low
        return tuple(effects)


def _result(name: str, condition: Condition, known: Known, suspended: Collection[str]) -> Truth:
    return NO if name in suspended else evaluate.truth(condition.node, known)


def _points(points: Points, known: Known) -> Range:
    if points.formula is None:
        return point(points.fixed)
    return evaluate.number(points.formula.node, known).within(points.low, points.high)


def _score(
    score: Score, rules: tuple[Truth, ...], points: tuple[Range, ...], known: Known
) -> Range:
    if score.formula is not None:
        total = evaluate.number(score.formula.node, known)
    else:
        total = ZERO
        for group in score.groups:
            total = ranges.add(total, _group(group, rules, points))
    return total.within(score.floor, score.ceiling)


def _group(group: Group, rules: tuple[Truth, ...], points: tuple[Range, ...]) -> Range:
    places = range(group.first_rule, group.first_rule + len(group.rules))
    members = [(rules[place], points[place]) for place in places]
    match group.mode:
        case "sum":
            total = _sum(members)
        case "first":
            total = _first(members)
        case "max":
            total = _max(members)
    return total.within(group.floor, group.cap)


Members = list[tuple[Truth, Range]]


def _sum(members: Members) -> Range:
    total = ZERO
    for result, points in members:
        if result is YES:
            total = ranges.add(total, points)
        elif result is UNKNOWN:
            total = ranges.add(total, hull(ZERO, points))
    return total


def _first(members: Members) -> Range:
    possible: list[Range] = []
    for result, points in members:
        if result is not NO:
            possible.append(points)
        if result is YES:
            return hull(*possible)
    return hull(ZERO, *possible)


def _max(members: Members) -> Range:
    sure = [points for result, points in members if result is YES]
    unsure = [points for result, points in members if result is UNKNOWN]
    high = max([p.high for p in (*sure, *unsure)], default=0.0)
    if sure:
        return Range(max(p.low for p in sure), high)
    return Range(min([0.0, *(p.low for p in unsure)]), max(high, 0.0))


def counted(group: Group, rules: tuple[Truth, ...], points: tuple[Range, ...]) -> list[int]:
    """Return the places of the rules whose points count in a closed evaluation."""
    places = range(group.first_rule, group.first_rule + len(group.rules))
    met = [place for place in places if rules[place] is YES]
    match group.mode:
        case "sum":
            return met
        case "first":
            return met[:1]
        case "max":
            return sorted(met, key=lambda place: -points[place].low)[:1]


def bands(levels: tuple[tuple[str, float | None], ...], span: Range) -> frozenset[str]:
    """Return the bands that a score from `span.low` to `span.high` touches."""
    touched: set[str] = set()
    above = float("inf")
    for name, lowest in levels:
        low = float("-inf") if lowest is None else lowest
        if span.high >= low and span.low < above:
            touched.add(name)
        above = low
    return frozenset(touched)
