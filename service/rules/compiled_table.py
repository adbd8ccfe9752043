"""Finished briefs in a table, where nothing but what the groups come to can make them differ.

Where points are whole and few, a set of group totals is one number: each group has a digit of
its own, and a rule adds its points at its group's digit. What scores, grades and outcomes make
of every such number is worked out once, so that a decision only looks it up.
"""

import ast as python
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import gcd, prod
from typing import Final

from service.rules.compiled_body import Body, Judged
from service.rules.compiled_scores import Member, is_whole, limited
from service.rules.expression import ast
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_parts import Part, View, point
from service.rules.expression.compile_pieces import Names, constant
from service.rules.model import Group, Model, Rule
from service.rules.trace import Brief

__all__ = ["Table", "return_brief", "table_of"]

_MOST: Final = 1000
"""How many briefs a table may hold: about a hundred kilobytes, made in a millisecond."""

_OF_SCORES: Final = (
    ast.Constant | ast.Score | ast.Grade | ast.Not | ast.Logic | ast.AtLeast | ast.Choose
)
_OF_THE_CASE: Final = frozenset({"registrable_domain", "age_days", "age_months"})
"""What asks for more than its arguments."""


@dataclass(frozen=True, slots=True)
class Table:
    """The briefs of a model, each at the place that its groups' totals come to.

    Attributes:
        start: The place where no rule is yes.
        steps: What each rule that is yes adds to the place, in the model's order.
        by_gate: The briefs where that gate is the first yes, in the model's order.
        by_outcome: The briefs where no gate is yes.
    """

    start: int
    steps: tuple[int, ...]
    by_gate: tuple[tuple[Brief, ...], ...]
    by_outcome: tuple[Brief, ...]


def table_of(model: Model) -> Table | None:
    """Return the table of *model*; None where it would be large, or facts count otherwise."""
    groups = [group for index in model.score_order for group in model.scores[index].groups]
    if not all(group.mode == "sum" and is_whole(group.rules, ()) for group in groups):
        return None
    if not _reads_scores_only(model):
        return None
    spans = [_totals(group.rules) for group in groups]
    sizes = [len(span) for span in spans]
    if prod(sizes) * (len(model.gates) + 1) > _MOST:
        return None
    start, steps = 0, [0] * len(model.rules)
    for index, (group, span) in enumerate(zip(groups, spans, strict=True)):
        digit = prod(sizes[index + 1 :])
        start += digit * (-span.start // span.step)
        for place, rule in enumerate(group.rules, start=group.first_rule):
            steps[place] = digit * (int(rule.points.fixed) // span.step)
    tell = _teller(model)
    briefs: tuple[Brief, ...] = tuple(tell(*map(float, totals)) for totals in product(*spans))
    by_gate = tuple(
        tuple(Brief(gate.outcome, model.outcomes[gate.outcome].verdict, x.scores) for x in briefs)
        for gate in model.gates
    )
    return Table(start, tuple(steps), by_gate, briefs)


def return_brief(body: Body, judged: Judged) -> None:
    """Let *body* return the brief of what it has *judged*."""
    model = body.model
    body.finish(judged.scores)
    outcomes = body.outcomes()
    scores = body.local(pieces.many([body.scores[score.name].low for score in model.scores]))
    made = body.names.bound(Brief)
    ways = [
        (answer.expr, gate.outcome) for gate, answer in zip(model.gates, judged.gates, strict=True)
    ]
    ways += [(answer.expr, place) for place, answer in enumerate(outcomes)]
    for is_so, place in ways:
        outcome = python.Constant(place), constant(model.outcomes[place].verdict)
        body.emit(pieces.when(is_so, [python.Return(pieces.call(made, *outcome, scores))]))


def _totals(rules: Sequence[Rule]) -> range:
    """Return all that these points, which are whole, can come to, and maybe more."""
    points = [int(rule.points.fixed) for rule in rules]
    low, high = sum(min(0, x) for x in points), sum(max(0, x) for x in points)
    return range(low, high + 1, gcd(*points) or 1)


def _reads_scores_only(model: Model) -> bool:
    """Whether outcomes and formulas of scores read scores and grades and nothing else."""
    nodes = [outcome.condition.node for outcome in model.outcomes if outcome.condition is not None]
    nodes += [score.formula.node for score in model.scores if score.formula is not None]
    return all(
        part.operator not in _OF_THE_CASE
        if isinstance(part, ast.Apply)
        else isinstance(part, _OF_SCORES)
        for node in nodes
        for part in ast.walk(node)
    )


class _Totals(Body):
    """Writes what follows from group totals, which are its parameters, in `score_order`."""

    def __init__(self, model: Model) -> None:
        super().__init__(Names(), replace(model, gates=(), derived=(), rules=()), View.COMPLETE)
        self.parameters: list[str] = []

    def _group(self, group: Group, members: Sequence[Member], effects: list[python.expr]) -> Part:
        del members, effects
        total = self.names.fresh("p")
        self.parameters.append(total.id)
        return self.bind(limited(self, point(total), group.floor, group.cap))


def _teller(model: Model) -> Callable[..., Brief]:
    body = _Totals(model)
    return_brief(body, body.judge())
    return pieces.build(pieces.function("tell", body.parameters, body.body), body.names)
