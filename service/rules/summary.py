"""A decision in two or three sentences: short, exact, friendly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from service.rules.decided import Decided, MissingAttribute
from service.rules.expression.tokens import listed, number, sentence, signed, uncapitalised
from service.rules.model import Outcome, Score
from service.rules.reasons import Reason
from service.rules.told import Told, told_of

_MOST_REASONS = 3


Part = tuple[str, float, str]
"""A rule or limit that moved a score: its words, the points, and the score."""


def summarised(decision: Decided, decisive: Reason, moved: Iterable[Reason]) -> str:
    """Return what came out, the largest reasons with the subject's values, and what to ask.

    Such as: "Undecided: fit is between 30 and 65 of 100. Fleet size is 120 vehicles, at
    least 20 (+25). Country is DE (+5). Ask for seniority first; it can still move fit by 20."
    Of *moved* only the largest few are asked for, and only where no gate decided.
    """
    parts = (
        (reason.text, reason.effect.points, reason.effect.score)
        for reason in moved
        if reason.effect is not None and not _is_formula(reason)
    )
    return composed(decision, parts, gate=decisive.kind == "gate", said=lambda: _inside(decisive))


def composed(
    decision: Decided, moved: Iterable[Part], *, gate: bool, said: Callable[[], str]
) -> str:
    """Return the same from parts that are words already, those that moved most first.

    *said* gives the deciding reason's words as they follow a colon; *gate* says whether it
    is a gate's.
    """
    told = told_of(decision.model)
    score = _main_score(decision, told)
    sentences = [_head(decision, told, score, gate=gate, said=said)]
    if not gate:
        sentences += _largest(moved, score)
    sentences += _open_end(decision, score)
    return ". ".join(sentences) + "."


def _head(
    decision: Decided, told: Told, score: Score | None, *, gate: bool, said: Callable[[], str]
) -> str:
    outcome = told.outcomes[decision.outcome]
    if decision.verdict == "undecided":
        return f"Undecided: {_span(decision, told, score)}"
    if gate or score is None:
        return f"{outcome.label}: {said()}"
    value = _value(decision, told, score)
    return f"{outcome.label}: {value}{_short_of(decision, told, outcome, score)}"


def _inside(reason: Reason) -> str:
    """Return the reason's words as they follow a colon."""
    first, *rest = reason.tokens
    return sentence((replace(first, text=uncapitalised(first.text)), *rest))


def _span(decision: Decided, told: Told, score: Score | None) -> str:
    if score is None:
        labels = {o.id: o.label for o in decision.model.outcomes}
        possible = [uncapitalised(labels[name]) for name in decision.possible_outcomes]
        return f"{listed(possible)} are possible"
    span = decision.scores[score.name]
    if span.low == span.high:
        return _value(decision, told, score)
    label, most = told.scores[score.name]
    return f"{label} is between {number(span.low)} and {number(span.high)}{most}"


def _value(decision: Decided, told: Told, score: Score) -> str:
    label, most = told.scores[score.name]
    return f"{label} {number(decision.scores[score.name].value)}{most}"


def _short_of(decision: Decided, told: Told, outcome: Outcome, score: Score) -> str:
    """Return how far the nearest outcome further up is, where only *score* keeps it away."""
    gaps: list[tuple[float, str]] = []
    for other, threshold in told.ladder:
        if other == outcome.id:
            break
        if threshold is not None and threshold[0] == score.name:
            gap = threshold[1] - decision.scores[score.name].value
            if gap > 0:
                gaps.append((gap, other))
    if not gaps:
        return ""
    gap, name = min(gaps)
    return f", {number(gap)} short of {name}"


def _main_score(decision: Decided, told: Told) -> Score | None:
    """Return the score to talk about: the first that outcomes ask for, an open one if undecided."""
    if decision.verdict == "undecided":
        for score in told.asked_scores:
            span = decision.scores[score.name]
            if span.low != span.high:
                return score
    return told.asked_scores[0] if told.asked_scores else None


def _largest(moved: Iterable[Part], score: Score | None) -> Iterator[str]:
    """Yield the rules and limits that moved a score most, with their points."""
    for words, points, name in islice(moved, _MOST_REASONS):
        on = "" if score is not None and name == score.name else f" {name}"
        yield f"{words} ({signed(points)}{on})"


def _is_formula(reason: Reason) -> bool:
    return reason.kind == "points" and reason.effect is not None and reason.effect.rule is None


def _open_end(decision: Decided, score: Score | None) -> Iterator[str]:
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
