"""A whole rule set as terms: what each rule, score and outcome comes to for one subject.

As in the evaluator, and of a closed evaluation: gates, then outcomes, the first that is yes.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import z3

from service.rules.expression.solver import Terms
from service.rules.expression.solver_parts import Guesses
from service.rules.model import Condition, Group, Model, Points, Rule, Score
from service.rules.solver import numbers
from service.rules.solver.joint import Joint
from service.rules.solver.logic import all_of, any_of
from service.rules.solver.numbers import Number
from service.rules.solver.slots import Slot, fraction

_TRUE = z3.BoolVal(True)  # noqa: FBT003 - z3's own constants
_FALSE = z3.BoolVal(False)  # noqa: FBT003

Settle = Callable[[int, z3.BoolRef], z3.BoolRef]
"""Gives the term that stands for the condition of the rule at a place."""


@dataclass(frozen=True, slots=True)
class Whole:
    """One rule set on one subject.

    Attributes:
        gates, rules: Whether each whole condition is yes, in document order.
        scores: By name.
        outcomes: Whether it ends in that one, by place; exactly one holds.
    """

    model: Model
    gates: tuple[z3.BoolRef, ...]
    rules: tuple[z3.BoolRef, ...]
    scores: Mapping[str, Number]
    outcomes: tuple[z3.BoolRef, ...]
    asked: tuple[z3.BoolRef, ...]
    """Whether each outcome's own condition is yes, whatever stands before it."""

    def of_verdict(self, verdict: str) -> z3.BoolRef:
        """Return whether it ends in an outcome with that verdict."""
        places = [i for i, one in enumerate(self.model.outcomes) if one.verdict == verdict]
        return any_of(*[self.outcomes[place] for place in places])

    def ends_in(self, outcome: str) -> z3.BoolRef:
        """Return whether it ends in the outcome of that id; false where there is none."""
        places = [i for i, one in enumerate(self.model.outcomes) if one.id == outcome]
        return any_of(*[self.outcomes[place] for place in places])


def whole_of(
    joint: Joint,
    place: int,
    slots: Mapping[str, Slot],
    guesses: Guesses,
    *,
    suspended: Collection[str] = (),
    settle: Settle | None = None,
) -> Whole:
    """Return the rule set at *place* of *joint* on the subject of *slots*."""
    model = joint.models[place]
    terms = Terms(joint, place, slots, guesses)

    def yes(name: str, condition: Condition) -> z3.BoolRef:
        return _FALSE if name in suspended else terms.whole(condition.node)

    gates = tuple(yes(gate.id, gate.condition) for gate in model.gates)
    rules = tuple(z3.simplify(yes(rule.id, rule.condition)) for rule in model.rules)
    if settle is not None:
        rules = tuple(settle(index, term) for index, term in enumerate(rules))
    for index in model.score_order:
        score = model.scores[index]
        made_of = _made_of(score, rules, terms)
        terms.made_of[score.name] = guesses.number_of(made_of)
        terms.scores[score.name] = terms.near(made_of, _score(score, rules, terms))
    for grade in model.grades:
        terms.made_of[grade.name] = guesses.number_of((terms.made_of[grade.of], grade.bands))
        terms.grades[grade.name] = _bands(grade.bands, terms.scores[grade.of])
    asked = tuple(
        _FALSE
        if outcome.only_by_gate
        else _TRUE
        if outcome.condition is None
        else yes(outcome.suspended_as, outcome.condition)
        for outcome in model.outcomes
    )
    outcomes = _outcomes(model, gates, asked)
    return Whole(model, gates, rules, dict(terms.scores), outcomes, asked)


def _outcomes(
    model: Model, gates: tuple[z3.BoolRef, ...], asked: tuple[z3.BoolRef, ...]
) -> tuple[z3.BoolRef, ...]:
    ends: list[list[z3.BoolRef]] = [[] for _ in model.outcomes]
    before: list[z3.BoolRef] = []
    for gate, yes in zip(model.gates, gates, strict=True):
        ends[gate.outcome].append(all_of(*before, yes))
        before.append(z3.Not(yes))
    for place, yes in enumerate(asked):
        ends[place].append(all_of(*before, yes))
        before.append(z3.Not(yes))
    return tuple(any_of(*parts) for parts in ends)


def _made_of(score: Score, rules: tuple[z3.BoolRef, ...], terms: Terms) -> object:
    """Return what is equal for scores that are computed alike, step by step."""
    limits = ("made of", score.floor, score.ceiling)
    if score.formula is not None:
        return (*limits, terms.key(score.formula.node), terms.subject(score.formula.node))
    groups: list[object] = []
    for group in score.groups:
        conditions = rules[group.first_rule : group.first_rule + len(group.rules)]
        parts = [
            (terms.guesses.name_of(term), rule.points.fixed, _formula_key(rule.points, terms))
            for rule, term in zip(group.rules, conditions, strict=True)
        ]
        groups.append((group.mode, group.floor, group.cap, *parts))
    return (*limits, *groups)


def _formula_key(points: Points, terms: Terms) -> object:
    if points.formula is None:
        return None
    node = points.formula.node
    return points.low, points.high, terms.key(node), terms.subject(node)


def _score(score: Score, rules: tuple[z3.BoolRef, ...], terms: Terms) -> Number:
    if score.formula is not None:
        total = terms.number(score.formula.node, is_numeric=True)
    else:
        groups = [_group(group, rules, terms) for group in score.groups]
        total = reduce(numbers.add, groups, numbers.constant(0.0, known=_TRUE))
    return numbers.within(total, score.floor, score.ceiling)


def _group(group: Group, rules: tuple[z3.BoolRef, ...], terms: Terms) -> Number:
    yes = rules[group.first_rule : group.first_rule + len(group.rules)]
    match group.mode:
        case "sum":
            total = _sum(group.rules, yes, terms)
        case "first":
            total = numbers.constant(0.0, known=_TRUE)
            for rule, holds in reversed(list(zip(group.rules, yes, strict=True))):
                total = numbers.either(holds, _points(rule.points, terms), total)
        case "max":
            total = _largest(group.rules, yes, terms)
    return numbers.within(total, group.floor, group.cap)


def _sum(rules: tuple[Rule, ...], yes: tuple[z3.BoolRef, ...], terms: Terms) -> Number:
    """Return the sum of points; those of one and the same condition are added before."""
    weights: dict[int, Fraction] = {}
    holding: dict[int, z3.BoolRef] = {}
    nothing = numbers.constant(0.0, known=_TRUE)
    computed: list[Number] = []
    error = 0.0
    low, high = 0.0, 0.0
    for rule, holds in zip(rules, yes, strict=True):
        if rule.points.formula is not None or not _is_plain(rule.points.fixed):
            computed.append(numbers.either(holds, _points(rule.points, terms), nothing))
            continue
        points = rule.points.fixed
        low, high = low + min(points, 0.0), high + max(points, 0.0)
        error += 2.0**-52 * (max(-low, high) + abs(points))
        weights[holds.get_id()] = weights.get(holds.get_id(), Fraction(0)) + fraction(points)
        holding[holds.get_id()] = holds
    total = _weighted(weights, holding, low, high, error)
    return reduce(numbers.add, computed, total)


def _is_plain(points: float) -> bool:
    """Whether the points have six places at most, so that their decimal is what is meant."""
    return abs(points) < 1e6 and Fraction(repr(points)) == fraction(points)


def _weighted(
    weights: Mapping[int, Fraction], holding: Mapping[int, z3.BoolRef], low: float, high: float,
    error: float,
) -> Number:  # fmt: skip
    scale = reduce(lambda a, b: a * b // _gcd(a, b), (w.denominator for w in weights.values()), 1)
    parts = [
        z3.If(holding[key], z3.IntVal(int(weight * scale)), z3.IntVal(0))
        for key, weight in sorted(weights.items())
        if weight
    ]
    total = z3.Sum(parts) if parts else z3.IntVal(0)
    return Number(_TRUE, total, low, high, Fraction(1, scale), error, None, scale)


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def _largest(rules: tuple[Rule, ...], yes: tuple[z3.BoolRef, ...], terms: Terms) -> Number:
    """Return the largest points of those that are yes, 0 of none."""
    best = numbers.constant(0.0, known=_TRUE)
    some = _FALSE
    for rule, holds in zip(rules, yes, strict=True):
        points = _points(rule.points, terms)
        one, other, _ = numbers.in_step(points, best)
        better = z3.And(holds, z3.Or(z3.Not(some), one > other))
        best = numbers.either(better, points, best)
        some = z3.Or(some, holds)
    return best


def _points(points: Points, terms: Terms) -> Number:
    if points.formula is None:
        return numbers.constant(points.fixed, known=_TRUE)
    found = terms.number(points.formula.node, is_numeric=True)
    return numbers.within(found, points.low, points.high)


def _bands(
    levels: tuple[tuple[str, float | None], ...], score: Number
) -> tuple[tuple[str, z3.BoolRef], ...]:
    """Return whether the score is in each band: from its lowest to below the one before."""
    found: list[tuple[str, z3.BoolRef]] = []
    above: z3.BoolRef = _FALSE
    for name, lowest in levels:
        at_least = _TRUE if lowest is None else _reaches(score, lowest)
        found.append((name, z3.And(at_least, z3.Not(above))))
        above = at_least
    return tuple(found)


def _reaches(score: Number, lowest: float) -> z3.BoolRef:
    one, other, _ = numbers.in_step(score, numbers.constant(lowest, known=_TRUE))
    return one >= other
