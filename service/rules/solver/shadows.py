"""Rules of `first` groups that earlier ones take from: always, or where those give less."""

from collections.abc import Iterator

import z3

from service.rules.expression.tokens import listed, number
from service.rules.model import Group, Model
from service.rules.solver.answers import Answer
from service.rules.solver.kinds import late_rules
from service.rules.solver.logic import all_of, any_of
from service.rules.solver.session import Found, Proved, Raw, Session
from service.rules.solver.witnesses import witness_of
from service.rules.solver.words import shown_by
from service.rules.truth import YES


def shadowed(session: Session, model: Model, name: str) -> Iterator[Answer]:
    """Yield whether earlier rules take all that the rule *name* is for, or some of it for less.

    The first is proved, the second has a witness. Some is only asked of rules that ask about
    the same attributes: an exclusion before what it excludes from is meant.
    """
    group, rule = next((g, r) for g, r in late_rules(model) if r.id == name)
    place = [one.id for one in group.rules].index(name)
    yes = [session.wholes[0].rules[group.first_rule + i] for i in range(place + 1)]
    is_first = all_of(yes[place], z3.Not(any_of(*yes[:place])))

    def counts(facts: Raw) -> bool:
        return _first_of(session, group, facts) == place

    alone = session.find(is_first, counts)
    if isinstance(alone, Proved):
        earlier = [one.id for one in group.rules[:place]]
        before = listed([f"`{one}`" for one in earlier], last="or")
        words = f"`{name}` never counts: whenever it is yes, {before} is yes before it (proved)"
        yield Answer("shadowed", (name,), "yes", words)
        return
    for taker in _lesser(session, group, place):
        first = all_of(yes[taker], yes[place], *[z3.Not(one) for one in yes[:taker]])

        def takes(facts: Raw, taker: int = taker) -> bool:
            both = _results(session, group, facts)
            return both[place] and _first_of(session, group, facts) == taker

        found = session.find(first, takes)
        if isinstance(found, Found):
            other, witness = group.rules[taker], witness_of(found, session)
            words = (
                f"`{other.id}` takes some of what `{name}` is for, and gives"
                f" {number(other.points.fixed)}, not {number(rule.points.fixed)}:"
                f" {shown_by(witness)}"
            )
            yield Answer("shadowed", (name,), "yes", words, witness)
            return
        if not isinstance(found, Proved):
            alone = found
    if not isinstance(alone, Found):
        words = f"not settled: whether earlier rules take what `{name}` is for"
        yield Answer("shadowed", (name,), "not_settled", words, is_approximate=alone.is_approximate)
        return
    words = f"`{name}` counts, and no earlier rule takes some of it for less"
    yield Answer("shadowed", (name,), "no", words)


def _lesser(session: Session, group: Group, place: int) -> list[int]:
    """Return the earlier rules of the same attributes that give less, by place."""
    rule, reads = group.rules[place], session.joint.reader.attributes
    return [
        before
        for before, earlier in enumerate(group.rules[:place])
        if earlier.points.formula is None
        and rule.points.formula is None
        and earlier.points.fixed < rule.points.fixed
        and reads(earlier.condition.node) == reads(rule.condition.node)
    ]


def _results(session: Session, group: Group, facts: Raw) -> list[bool]:
    """Return which rules of *group* are yes, by the evaluator."""
    (decision,) = session.decide(facts)
    first = group.first_rule
    results = decision.trace.closed.rules[first : first + len(group.rules)]
    return [result is YES for result in results]


def _first_of(session: Session, group: Group, facts: Raw) -> int:
    """Return the place of the first rule of *group* that is yes; -1 of none."""
    results = _results(session, group, facts)
    return results.index(True) if True in results else -1
