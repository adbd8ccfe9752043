"""Outcomes that no score can reach, and caps that no sum can, or every rule does."""

from collections.abc import Iterator

from service.rules.advising.conditions import groups_of
from service.rules.advising.found import DAY, Advice
from service.rules.expression import ast
from service.rules.expression.ast import Node
from service.rules.expression.tokens import listed, number
from service.rules.model import Group, Model, Rule
from service.rules.scores import judge
from service.rules.trace import Trace
from service.rules.truth import NO, YES


def unreachable_outcomes(model: Model) -> Iterator[Advice]:
    """Yield `unreachable` for outcomes that are no, or come too late, whatever is answered.

    Decided by one open evaluation in which nothing is known: its ranges hold every score
    that any facts can give.
    """
    trace = judge(model, {}, today=DAY)
    by_gate = {gate.outcome for gate in model.gates}
    certain: str | None = None
    for place, outcome in enumerate(model.outcomes):
        pointer = f"/outcomes/{place}"
        if place in by_gate:
            pass
        elif outcome.only_by_gate:
            message = f"`{outcome.id}` is never reached: no gate leads to it"
            yield Advice("unreachable", message, pointer)
        elif outcome.condition is None:
            pass  # the last one has to stand there, even where the others take everybody
        elif certain is not None:
            message = f"`{outcome.id}` is never reached: `{certain}` before it is always yes"
            yield Advice("unreachable", message, pointer)
        elif trace.open.outcomes[place] is NO:
            spans = _spans(model, outcome.condition.node, trace)
            if spans:
                message = f"`{outcome.id}` is never reached: {spans}"
                yield Advice("unreachable", message, f"{pointer}/when")
        is_conditional = outcome.condition is not None
        if certain is None and is_conditional and trace.open.outcomes[place] is YES:
            certain = outcome.id


def _spans(model: Model, node: Node, trace: Trace) -> str:
    """Return the ranges of the scores that *node* asks about; nothing where it asks of none."""
    of = {grade.name: grade.of for grade in model.grades}
    names: dict[str, None] = {}
    for part in ast.walk(node):
        if isinstance(part, ast.Score):
            names[part.name] = None
        elif isinstance(part, ast.Grade):
            names[of[part.name]] = None
    spans = {s.name: r for s, r in zip(model.scores, trace.scores, strict=True)}
    return listed(
        [
            f"{name} is never below {number(spans[name].low)} or above {number(spans[name].high)}"
            for name in names
        ]
        or [""]
    )


def caps(model: Model) -> Iterator[Advice]:
    """Yield `dead-cap` for caps that no sum can exceed, `tight-cap` where one rule alone does."""
    for group, pointer in groups_of(model):
        if group.cap is None:
            continue
        most = _most(group)
        if most < group.cap:
            message = (
                f"the cap {number(group.cap)} of `{group.id}` never applies:"
                f" its rules give at most {number(most)}"
            )
            yield Advice("dead-cap", message, f"{pointer}/cap")
        cut = [rule for rule in group.rules if _highest(rule) > group.cap]
        if cut:
            each = listed([f"`{rule.id}` ({number(_highest(rule))})" for rule in cut])
            message = f"the cap {number(group.cap)} of `{group.id}` cuts {each} even when alone"
            yield Advice("tight-cap", message, f"{pointer}/cap")


def _most(group: Group) -> float:
    gains = [max(_highest(rule), 0.0) for rule in group.rules]
    return sum(gains) if group.mode == "sum" else max(gains, default=0.0)


def _highest(rule: Rule) -> float:
    return rule.points.fixed if rule.points.formula is None else rule.points.high
