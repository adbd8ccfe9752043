"""Holes between bands: numbers that no band takes though those on both sides are taken."""

from collections.abc import Iterator

import z3

from service.rules.advising.bands import Scale, outcome_scales, rule_scales
from service.rules.lattice import plainest
from service.rules.solver import numbers
from service.rules.solver.answers import Answer, Witness
from service.rules.solver.session import Found, Proved, Raw, Session
from service.rules.solver.witnesses import witness_of
from service.rules.solver.words import shown_by


def holes_in(session: Session) -> Iterator[Answer]:
    """Yield an answer for each group with bands on a number, and each score with such outcomes."""
    model = session.rule_sets[0].model
    for group, scale in rule_scales(model):
        holes = list(scale.holes())
        if not holes:
            words = f"no hole between the rules of `{group.id}` on `{scale.name}`"
            yield Answer("holes", (group.id, scale.name), "no", words)
        for first, last in holes:
            witness = _of_rules(session, scale, first, last)
            words = f"`{scale.name}` {scale.span(first, last)} is in no rule of `{group.id}`"
            yield Answer("holes", (group.id, scale.name), "yes", words, witness)
    for score, scale in outcome_scales(model):
        yield from _of_outcomes(session, score.name, scale)


def _of_rules(session: Session, scale: Scale, first: int, last: int) -> Witness:
    facts: Raw = {scale.name: _plain(scale, first, last)}
    return witness_of(Found(facts, session.decide(facts)), session)


def _plain(scale: Scale, first: int, last: int) -> float | int | str:
    low, high = scale.lattice.at(first), scale.lattice.at(last)
    if not isinstance(low, float) or not isinstance(high, float):
        return str(low)
    value = plainest(low, high)
    return int(value) if value.is_integer() else value


def _of_outcomes(session: Session, name: str, scale: Scale) -> Iterator[Answer]:
    found_one = False
    for first, last in scale.holes():
        low, high = scale.lattice.at(first), scale.lattice.at(last)
        if not isinstance(low, float) or not isinstance(high, float):
            continue
        score = session.wholes[0].scores[name]
        over, least, _ = numbers.in_step(score, numbers.constant(low, known=score.known))
        under, most, _ = numbers.in_step(score, numbers.constant(high, known=score.known))
        last_one = session.wholes[0].outcomes[-1]

        def holds(facts: Raw, low: float = low, high: float = high) -> bool:
            (decision,) = session.decide(facts)
            ends = decision.outcome == session.rule_sets[0].model.outcomes[-1].id
            return ends and low <= decision.scores[name].value <= high

        found = session.find(z3.And(over >= least, under <= most, last_one), holds)
        span = f"{name} {scale.span(first, last)}"
        if isinstance(found, Found):
            found_one = True
            witness = witness_of(found, session)
            words = f"{span} falls between two outcomes: {shown_by(witness)}"
            yield Answer("holes", (name,), "yes", words, witness)
        elif not isinstance(found, Proved):
            found_one = True
            words = f"{span} falls between two outcomes; not settled whether it is reached"
            yield Answer("holes", (name,), "not_settled", words)
    if not found_one:
        yield Answer("holes", (name,), "no", f"no hole between the outcomes on `{name}` (proved)")
