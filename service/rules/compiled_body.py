"""A whole rule set as statements: conditions, points, scores, grades, outcomes."""

import ast as python
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.rules.compiled_scores import Member, add, fixed, group_total, limited, stays_whole
from service.rules.expression import ast
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile import Writer
from service.rules.expression.compile_parts import Answer, Part, View, point
from service.rules.expression.compile_pieces import Names, constant
from service.rules.model import Condition, Grade, Group, Model, Points, Score
from service.rules.trace import Results, letters_of
from service.rules.truth import NO, UNKNOWN, YES
from service.rules.uses import expressions


@dataclass(frozen=True, slots=True)
class Judged:
    """What one view computed before its outcomes, in locals and literals."""

    gates: tuple[Answer, ...]
    rules: tuple[Answer, ...]
    points: tuple[Part, ...]
    effects: tuple[python.expr, ...]
    scores: Mapping[str, Part]


class Body(Writer):
    """Writes the body of a function that judges one model."""

    def __init__(self, names: Names, model: Model, view: View) -> None:
        """Begin an empty body; see `load` for the facts it reads."""
        self.model = model
        read = attributes_read(model)
        super().__init__(names, {n: a for n, a in model.attributes.items() if n in read}, view)

    def judge(self) -> Judged:
        """Compute everything but the outcomes, in the present view."""
        model = self.model
        self.is_finished = False
        for derived in model.derived:
            self.derive(derived.name, derived.node)
        gates = tuple(self.whole(gate.condition) for gate in model.gates)
        rules = self.rules()
        points = tuple(self._points(rule.points) for rule in model.rules)
        effects: list[python.expr] = [constant(0.0)] * len(rules)
        self.scores = {}
        for index in model.score_order:
            score = model.scores[index]
            members = [Member(*member) for member in zip(rules, points, strict=True)]
            self.scores[score.name] = self._score(score, members, effects)
        return Judged(gates, rules, points, tuple(effects), self.scores)

    def rules(self) -> tuple[Answer, ...]:
        """Return the result of each rule."""
        return tuple(self.whole(rule.condition) for rule in self.model.rules)

    def whole(self, condition: Condition) -> Answer:
        """Return a whole condition in a local; closed, what is unknown counts as no."""
        answer = self.kept(condition.node, lambda: self.truth(condition.node))
        if self.view is View.CLOSED and not answer.sure:
            return self.settled(Answer(pieces.is_bool(answer.expr, value=True), sure=True))
        return answer

    def finish(self, scores: Mapping[str, Part]) -> None:
        """Let the outcomes see *scores* and the grades they give."""
        self.is_finished = True
        self.scores = dict(scores)
        self.grades = {
            grade.name: self._grade(grade, scores[grade.of]) for grade in self.model.grades
        }

    def outcomes(self) -> tuple[Answer, ...]:
        """Return the result of each outcome; one reached by gate only is no."""
        return tuple(
            self.whole(outcome.condition)
            if outcome.condition is not None
            else Answer(constant(value=not outcome.only_by_gate), sure=True)
            for outcome in self.model.outcomes
        )

    def checks(self) -> tuple[Answer, ...]:
        """Return the result of every single check, in trace order."""
        model = self.model
        conditions = [
            *(gate.condition for gate in model.gates),
            *(rule.condition for rule in model.rules),
            *(outcome.condition for outcome in model.outcomes if outcome.condition is not None),
        ]
        return tuple(self.check(node) for condition in conditions for node in condition.checks)

    # --- scores -------------------------------------------------------------------------------

    def _points(self, points: Points) -> Part:
        if points.formula is None:
            return fixed(points.fixed)
        number = self.number(points.formula.node)
        return self.bind(limited(self, number, points.low, points.high))

    def _score(self, score: Score, members: Sequence[Member], effects: list[python.expr]) -> Part:
        if score.formula is not None:
            total = self.number(score.formula.node)
        else:
            sums = [self._group(group, members, effects) for group in score.groups]
            total = add(self, sums)
        total = limited(self, total, score.floor, score.ceiling)
        return self.bind(total if stays_whole(score) else self.rounded(total), "s")

    def _group(self, group: Group, members: Sequence[Member], effects: list[python.expr]) -> Part:
        end = group.first_rule + len(group.rules)
        total = group_total(self, group, members[group.first_rule : end])
        if total.effects:
            effects[group.first_rule : end] = total.effects
        return self.bind(total.sum)

    def _grade(self, grade: Grade, score: Part) -> Part:
        names = [name for name, _ in grade.bands]
        lowest = [level for _, level in grade.bands if level is not None]
        if self.view is not View.OPEN:
            labels = [constant(name) for name in names]
            return point(self.local(_search(score.low, lowest, labels), "g"))
        places: list[python.expr] = [python.Constant(place) for place in range(len(names))]
        best = _search(score.high, lowest, places)
        worst = pieces.add(_search(score.low, lowest, places), python.Constant(1))
        slice_ = pieces.item(self.names.bound(tuple(names)), python.Slice(best, worst))
        return point(self.local(pieces.call(python.Name("frozenset", python.Load()), slice_), "g"))

    # --- results ------------------------------------------------------------------------------

    def truths(self, answers: Sequence[Answer]) -> python.expr:
        """Return the tuple of *answers* as truths."""
        each = [self.names.bound(truth) for truth in (YES, NO, UNKNOWN)]
        return pieces.many([_as_one_of(answer, *each) for answer in answers])

    def letters(self, answers: Sequence[Answer]) -> python.expr:
        """Return *answers* as the trace holds its checks, a letter each."""
        each = [constant(letters_of([truth])) for truth in (YES, NO, UNKNOWN)]
        letters = pieces.many([_as_one_of(answer, *each) for answer in answers])
        return pieces.call(self.names.bound("".join), letters)

    def results(self, judged: Judged, outcomes: Sequence[Answer]) -> python.expr:
        """Return the whole conditions' results."""
        parts = [self.truths(found) for found in (judged.gates, judged.rules, outcomes)]
        return pieces.call(self.names.bound(Results), *parts)


def _as_one_of(
    answer: Answer, yes: python.expr, no: python.expr, unknown: python.expr
) -> python.expr:
    if isinstance(answer.expr, python.Constant):
        return yes if answer.expr.value else no
    otherwise = no if answer.sure else pieces.choose(pieces.is_none(answer.expr), unknown, no)
    return pieces.choose(answer.expr, yes, otherwise)


def attributes_read(model: Model) -> frozenset[str]:
    """Return the names of the attributes that *model* reads anywhere."""
    nodes = [*expressions(model), *(derived.node for derived in model.derived)]
    nodes += [check for gate in model.gates for check in gate.condition.checks]
    nodes += [check for rule in model.rules for check in rule.condition.checks]
    asked = [one.condition for one in model.outcomes if one.condition is not None]
    nodes += [check for condition in asked for check in condition.checks]
    names: set[str] = set()
    for node in nodes:
        for part in ast.walk(node):
            match part:
                case ast.Attribute(name=name) | ast.Has(attribute=name):
                    names.add(name)
                case _:
                    continue
    return frozenset(names)


def _search(
    value: python.expr, lowest: Sequence[float], results: Sequence[python.expr]
) -> python.expr:
    """Return the result of the band that *value* is in, by halves: *lowest* falls."""
    if not lowest:
        return results[0]
    middle = len(lowest) // 2
    is_better = pieces.compare(value, python.GtE(), constant(lowest[middle]))
    better = _search(value, lowest[:middle], results[: middle + 1])
    worse = _search(value, lowest[middle + 1 :], results[middle + 1 :])
    return pieces.choose(is_better, better, worse)
