"""The lowest and the highest that a score can be."""

from typing import Final

import z3

from service.rules.scores import judge
from service.rules.solver import numbers
from service.rules.solver.answers import Answer
from service.rules.solver.numbers import Number
from service.rules.solver.session import Found, Proved, Raw, Session, Verdict
from service.rules.solver.witnesses import witness_of
from service.rules.solver.words import shown_by

_STEPS: Final = 60
_MILLIONTH: Final = 1e-6
_CLOSE: Final = 5e-7


def extreme_of(session: Session, name: str, *, sort: str, is_highest: bool) -> Answer:
    """Return the highest (or lowest) value of the score *name* with facts that reach it.

    Between what was reached and what was proved out of reach it halves the way, down to a
    millionth; where time ends before, what was reached is told as not settled.
    """
    model = session.rule_sets[0].model
    place = [score.name for score in model.scores].index(name)
    span = judge(model, {}, today=session.joint.today).scores[place]
    bound = span.high if is_highest else span.low
    found = _beyond(session, name, bound, is_highest=is_highest)
    if isinstance(found, Proved):
        found = session.find(z3.BoolVal(val=True), lambda _: True)
    if not isinstance(found, Found):
        return Answer(sort, (name,), "not_settled", f"not settled: how far `{name}` reaches")
    best = found
    way = 1.0 if is_highest else -1.0
    for _ in range(_STEPS):
        reached = best.decisions[0].scores[name].value
        if (bound - reached) * way <= _CLOSE:
            return _told(session, sort, name, best, is_highest=is_highest)
        # Often what was reached is the end already; else halve what is left.
        for level in (reached + way * _MILLIONTH, (reached + bound) / 2):
            found = _beyond(session, name, level, is_highest=is_highest)
            if isinstance(found, Found):
                best = found
            elif isinstance(found, Proved):
                bound = reached if level == reached + way * _MILLIONTH else level
            else:
                return _open(session, sort, name, best)
            if bound == reached:
                break
    return _open(session, sort, name, best)


def _open(session: Session, sort: str, name: str, best: Found) -> Answer:
    value = best.decisions[0].scores[name].value
    words = f"not settled: `{name}` reaches {value:g}, perhaps more"
    return Answer(sort, (name,), "not_settled", words, witness_of(best, session), value)


def _beyond(session: Session, name: str, level: float, *, is_highest: bool) -> Verdict:
    """Return facts whose score is at *level* or beyond."""
    score = session.wholes[0].scores[name]
    told = numbers.constant(round(level, 6), known=score.known)
    goal = _order(score, told, is_highest=is_highest)

    def holds(facts: Raw) -> bool:
        value = session.decide(facts)[0].scores[name].value
        return value >= round(level, 6) if is_highest else value <= round(level, 6)

    return session.find(goal, holds)


def _order(score: Number, level: Number, *, is_highest: bool) -> z3.BoolRef:
    one, other, _ = numbers.in_step(score, level)
    return one >= other if is_highest else one <= other


def _told(session: Session, sort: str, name: str, best: Found, *, is_highest: bool) -> Answer:
    value = best.decisions[0].scores[name].value
    word = "at most" if is_highest else "at least"
    witness = witness_of(best, session)
    words = f"`{name}` is {word} {value:g}: {shown_by(witness)}"
    return Answer(sort, (name,), "yes", words, witness, value)
