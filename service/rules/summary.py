"""A decision in two or three sentences: short, exact, friendly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from service.rules.expression import ast
from service.rules.expression.tokens import listed, number, sentence, signed, uncapitalised
from service.rules.model import Model, Outcome, Score

if TYPE_CHECKING:
    from service.rules.decision import Decision, MissingAttribute
    from service.rules.explain import Reason

_MOST_REASONS = 3


def summary(decision: Decision) -> str:
    """Return what came out, the largest reasons with the subject's values, and what to ask.

    >>> summary(decision)
    'Undecided: fit is between 30 and 65 of 100. Fleet size is 120 vehicles, at least 20
    (+25). Country is DE (+5). Ask for seniority first; it can still move fit by 20.'
    """
    decisive, *others = decision.reasons()
    score = _main_score(decision)
    sentences = [_head(decision, decisive, score)]
    if decisive.kind != "gate":
        sentences += _largest(others, score)
    sentences += _open_end(decision, score)
    return " ".join(f"{sentence}." for sentence in sentences)


def _head(decision: Decision, decisive: Reason, score: Score | None) -> str:
    outcome = next(o for o in decision.model.outcomes if o.id == decision.outcome)
    if decision.verdict == "undecided":
        return f"Undecided: {_span(decision, score)}"
    if decisive.kind == "gate" or score is None:
        return f"{outcome.label}: {_inside(decisive)}"
    return f"{outcome.label}: {_value(decision, score)}{_short_of(decision, outcome)}"


def _inside(reason: Reason) -> str:
    """Return the reason's words as they follow a colon."""
    first, *rest = reason.tokens
    return sentence((replace(first, text=uncapitalised(first.text)), *rest))


def _span(decision: Decision, score: Score | None) -> str:
    if score is None:
        labels = {o.id: o.label for o in decision.model.outcomes}
        possible = [uncapitalised(labels[name]) for name in decision.possible_outcomes]
        return f"{listed(possible)} are possible"
    span = decision.scores[score.name]
    if span.low == span.high:
        return _value(decision, score)
    ends = f"between {number(span.low)} and {number(span.high)}"
    return f"{uncapitalised(score.label)} is {ends}{_of_ceiling(score)}"


def _value(decision: Decision, score: Score) -> str:
    value = number(decision.scores[score.name].value)
    return f"{uncapitalised(score.label)} {value}{_of_ceiling(score)}"


def _of_ceiling(score: Score) -> str:
    return "" if score.ceiling is None else f" of {number(score.ceiling)}"


def _short_of(decision: Decision, outcome: Outcome) -> str:
    """Return how far the nearest outcome further up is, where only a score keeps it away."""
    nearest: tuple[float, str] | None = None
    for better in decision.model.outcomes[: decision.model.outcomes.index(outcome)]:
        wanted = _threshold(better)
        if wanted is None:
            continue
        name, least = wanted
        gap = least - decision.scores[name].value
        is_main = _main_score(decision) is not None and _main_name(decision) == name
        if gap > 0 and is_main and (nearest is None or gap < nearest[0]):
            nearest = (gap, better.id)
    return "" if nearest is None else f", {number(nearest[0])} short of {nearest[1]}"


def _threshold(outcome: Outcome) -> tuple[str, float] | None:
    """Return the score and the least of it that *outcome* asks for, if it asks nothing else."""
    match outcome.condition.node if outcome.condition is not None else None:
        case ast.Apply(
            operator=">=", arguments=(ast.Score(name=name), ast.Constant(value=float(least)))
        ):
            return name, least
        case ast.Apply(
            operator="<=", arguments=(ast.Constant(value=float(least)), ast.Score(name=name))
        ):
            return name, least
        case _:
            return None


def _main_name(decision: Decision) -> str | None:
    score = _main_score(decision)
    return None if score is None else score.name


def _main_score(decision: Decision) -> Score | None:
    """Return the score to talk about: the first that outcomes ask for, an open one if undecided."""
    model = decision.model
    asked = list(dict.fromkeys(_asked_scores(model)))
    if decision.verdict == "undecided":
        spans = decision.scores
        asked.sort(key=lambda name: spans[name].low == spans[name].high)
    names = asked or [score.name for score in model.scores]
    return next((score for score in model.scores if names and score.name == names[0]), None)


def _asked_scores(model: Model) -> Iterator[str]:
    of = {grade.name: grade.of for grade in model.grades}
    for outcome in model.outcomes:
        for node in ast.walk(outcome.condition.node) if outcome.condition is not None else ():
            if isinstance(node, ast.Score):
                yield node.name
            elif isinstance(node, ast.Grade):
                yield of[node.name]


def _largest(others: list[Reason], score: Score | None) -> Iterator[str]:
    """Yield the rules and limits that moved a score most, with their points."""
    moved = [(r, r.effect) for r in others if r.effect is not None and not _is_formula(r)]
    for reason, effect in moved[:_MOST_REASONS]:
        on = "" if score is not None and effect.score == score.name else f" {effect.score}"
        yield f"{reason.text} ({signed(effect.points)}{on})"


def _is_formula(reason: Reason) -> bool:
    return reason.kind == "points" and reason.effect is not None and reason.effect.rule is None


def _open_end(decision: Decision, score: Score | None) -> Iterator[str]:
    """Yield what to ask first, or what could have changed a decision that was closed."""
    if decision.verdict == "undecided":
        first = next((a for a in decision.missing if a.ask is not None), None)
        if first is not None:
            yield f"Ask for {uncapitalised(first.label)} first{_swing(first, score)}"
    elif not decision.certain:
        labels = [attribute.label for attribute in decision.missing]
        if labels:
            first_label, *rest = labels
            names = listed([first_label, *(uncapitalised(label) for label in rest)])
            yield f"{names} {'is' if not rest else 'are'} not known and could change this"


def _swing(attribute: MissingAttribute, score: Score | None) -> str:
    main = attribute.swing.get(score.name, 0.0) if score is not None else 0.0
    if main > 0 and score is not None:
        return f"; it can still move {uncapitalised(score.label)} by {number(main)}"
    return ""
