"""Questions about one rule set, each answered with a witness or a proof."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from time import monotonic
from typing import Any, Final

import z3

from service.rules.model import Condition, Model
from service.rules.ruleset import RuleSet
from service.rules.solver.answers import Answer, Settled
from service.rules.solver.days import days_of, together
from service.rules.solver.extremes import extreme_of
from service.rules.solver.holes import holes_in
from service.rules.solver.joint import joined
from service.rules.solver.kinds import ABOUT, late_rules
from service.rules.solver.session import (
    Found,
    Holds,
    Proved,
    Raw,
    Session,
    Unsettled,
    Verdict,
    day_of,
)
from service.rules.solver.shadows import shadowed
from service.rules.solver.witnesses import witness_of
from service.rules.solver.words import shown_by
from service.rules.truth import YES
from service.rules.uses import Reader

_SHORTEST_S: Final = 0.5
_MOST_PAIRS: Final = 400


def answers_to(
    rules: RuleSet, questions: Sequence[Mapping[str, Any]], *, at: datetime, limit_s: float
) -> Iterator[Answer]:
    """Yield the answers to *questions* about *rules*, in order, whatever the day.

    A question names its sort and what it is *about*; without that it is asked of everything
    there is. The time is shared out, so that one hard question does not take all of it. Where
    rules ask for ages, it is asked of every kind of day, that of *at* first.

    Raises:
        Incident: If the solver found what the evaluator does not confirm.
    """
    end = monotonic() + limit_s
    days = days_of(joined((rules.model,), today=day_of(at)))
    found: list[Answer] = []
    for place, day in enumerate(days.of_each_kind):
        share = (end - monotonic()) / (len(days.of_each_kind) - place)
        found += _as_of(rules, questions, at=at + (day - day_of(at)), limit_s=share)
    told = found if len(days.of_each_kind) == 1 else together(found)
    for answer in told:
        yield replace(answer, holds_for=days.holds_for)


def _as_of(
    rules: RuleSet, questions: Sequence[Mapping[str, Any]], *, at: datetime, limit_s: float
) -> Iterator[Answer]:
    """Yield the answers as of one day."""
    session = Session.of((rules,), at=at, limit_s=limit_s)
    asker = _Asker(session, rules.model)
    asked = [
        (sort, about)
        for question in questions
        for sort in [str(question["question"])]
        for about in _abouts(asker.model, sort, tuple(question.get("about", ())))
    ]
    end = session.deadline
    for place, (sort, about) in enumerate(asked):
        left = end - monotonic()
        session.deadline = min(end, monotonic() + max(left / (len(asked) - place) * 2, _SHORTEST_S))
        yield from _ASKED[sort](asker, *about)


def _abouts(model: Model, sort: str, about: tuple[str, ...]) -> list[tuple[str, ...]]:
    if about:
        return [about]
    found = _everything(model)[ABOUT[sort]]
    return found[:_MOST_PAIRS]


def _everything(model: Model) -> dict[str, list[tuple[str, ...]]]:
    """Return by kind what there is to ask about."""
    groups = [group for score in model.scores for group in score.groups]
    return {
        "rule": [
            *((gate.id,) for gate in model.gates),
            *((rule.id,) for rule in model.rules),
        ],
        "late rule": [(rule.id,) for _, rule in late_rules(model)],
        "outcome": [(outcome.id,) for outcome in model.outcomes],
        "score": [(score.name,) for score in model.scores],
        "attribute": [(name,) for name in model.attributes],
        "rules": [
            (one.id, other.id) for group in groups for one, other in combinations(group.rules, 2)
        ],
        "gates": [
            (one.id, other.id)
            for one, other in combinations(model.gates, 2)
            if one.outcome != other.outcome
        ],
        "nothing": [()],
    }


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks one session about its one rule set."""

    session: Session
    model: Model

    def find(self, goal: z3.BoolRef, holds: Holds) -> Verdict:
        return self.session.find(goal, holds)

    def term(self, name: str) -> z3.BoolRef:
        """Return whether the whole condition of a gate, rule or outcome is yes."""
        kind, place = self._place(name)
        whole = self.session.wholes[0]
        terms = {"gates": whole.gates, "rules": whole.rules, "outcomes": whole.asked}
        return terms[kind][place]

    def condition(self, name: str) -> Condition | None:
        kind, place = self._place(name)
        parts: Sequence[Any] = getattr(self.session.joint.models[0], kind)
        condition: Condition | None = parts[place].condition
        return condition

    def is_yes(self, name: str) -> Holds:
        """Return what the evaluator says of that."""
        kind, place = self._place(name)

        def holds(facts: Raw) -> bool:
            (decision,) = self.session.decide(facts)
            results = getattr(decision.trace.closed, kind)
            return bool(results[place] is YES)

        return holds

    def _place(self, name: str) -> tuple[str, int]:
        for kind in ("gates", "rules", "outcomes"):
            ids = [part.id for part in getattr(self.model, kind)]
            if name in ids:
                return kind, ids.index(name)
        raise KeyError(name)


def _answer(
    asker: _Asker,
    sort: str,
    about: tuple[str, ...],
    found: Verdict,
    *,
    if_found: Settled,
    words: tuple[str, str],
) -> Answer:
    """Return the answer where facts mean *if_found*, and a proof the other."""
    match found:
        case Found():
            witness = witness_of(found, asker.session)
            return Answer(sort, about, if_found, f"{words[0]}: {shown_by(witness)}", witness)
        case Proved():
            other: Settled = "no" if if_found == "yes" else "yes"
            return Answer(sort, about, other, f"{words[1]} (proved)")
        case Unsettled(is_approximate=is_approximate):
            why = "what it asks is only known approximately" if is_approximate else "out of time"
            return Answer(
                sort, about, "not_settled", f"not settled for {_named(about)}: {why}",
                is_approximate=is_approximate,
            )  # fmt: skip


def _named(about: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in about) or "the rule set"


def _can_be_yes(asker: _Asker, name: str) -> Iterator[Answer]:
    found = asker.find(asker.term(name), asker.is_yes(name))
    words = (f"`{name}` can be yes", f"`{name}` can never be yes")
    yield _answer(asker, "can_be_yes", (name,), found, if_found="yes", words=words)


def _always_yes(asker: _Asker, name: str) -> Iterator[Answer]:
    condition = asker.condition(name)
    if condition is None:
        return
    reads = Reader.attributes(asker.session.joint.reader, condition.node)
    known = [asker.session.slots[read].known_to(0) for read in reads]
    is_yes = asker.is_yes(name)

    def holds(facts: Raw) -> bool:
        admitted = asker.session.rule_sets[0].admit(facts).values
        return set(reads) <= set(admitted) and not is_yes(facts)

    found = asker.find(z3.And(*known, z3.Not(asker.term(name))), holds)
    words = (
        f"`{name}` is not always yes",
        f"`{name}` is yes whenever what it asks about is known",
    )
    yield _answer(asker, "always_yes", (name,), found, if_found="no", words=words)


def _matters(asker: _Asker, name: str) -> Iterator[Answer]:
    session = asker.session
    whole, without = session.wholes[0], session.whole(0, suspended=(name,))
    rules = session.rule_sets[0]

    def holds(facts: Raw) -> bool:
        (decision,) = session.decide(facts)
        (other,) = session.decide(facts, suspended=(name,))
        return decision.verdict != other.verdict

    verdicts = {outcome.verdict for outcome in rules.model.outcomes}
    same = [z3.And(whole.of_verdict(v), without.of_verdict(v)) for v in sorted(verdicts)]
    found = asker.find(z3.Not(z3.Or(same)), holds)
    words = (
        f"`{name}` decides some verdicts",
        f"`{name}` never decides a verdict: without it all stay as they are",
    )
    yield _answer(asker, "matters", (name,), found, if_found="yes", words=words)


def _shadowed(asker: _Asker, name: str) -> Iterator[Answer]:
    yield from shadowed(asker.session, asker.model, name)


def _both(sort: str, words: tuple[str, str]) -> Callable[[_Asker, str, str], Iterator[Answer]]:
    def ask(asker: _Asker, one: str, other: str) -> Iterator[Answer]:
        first, second = asker.is_yes(one), asker.is_yes(other)

        def holds(facts: Raw) -> bool:
            return first(facts) and second(facts)

        found = asker.find(z3.And(asker.term(one), asker.term(other)), holds)
        named = f"`{one}` and `{other}`"
        told = (f"{named} {words[0]}", f"{named} {words[1]}")
        yield _answer(asker, sort, (one, other), found, if_found="yes", words=told)

    return ask


def _reachable(asker: _Asker, name: str) -> Iterator[Answer]:
    def holds(facts: Raw) -> bool:
        return asker.session.decide(facts)[0].outcome == name

    found = asker.find(asker.session.wholes[0].ends_in(name), holds)
    words = (f"`{name}` can be reached", f"`{name}` can never be reached")
    yield _answer(asker, "reachable", (name,), found, if_found="yes", words=words)


def _extreme(sort: str, *, is_highest: bool) -> Callable[[_Asker, str], Iterator[Answer]]:
    def ask(asker: _Asker, name: str) -> Iterator[Answer]:
        yield extreme_of(asker.session, name, sort=sort, is_highest=is_highest)

    return ask


def _attribute_matters(asker: _Asker, name: str) -> Iterator[Answer]:
    session = asker.session
    whole, lacking = session.wholes[0], session.whole(0, slots=session.lacking(name))

    def holds(facts: Raw) -> bool:
        return name in facts and _outcome(session, facts) != _outcome(session, _less(facts, name))

    same = [z3.And(one, other) for one, other in zip(whole.outcomes, lacking.outcomes, strict=True)]
    found = asker.find(z3.Not(z3.Or(same)), holds)
    words = (
        f"`{name}` matters",
        f"`{name}` never matters: whatever it is, the outcome is the same",
    )
    yield _answer(asker, "attribute_matters", (name,), found, if_found="yes", words=words)


def _lost_by_missing(asker: _Asker, name: str) -> Iterator[Answer]:
    session = asker.session
    whole, lacking = session.wholes[0], session.whole(0, slots=session.lacking(name))

    def holds(facts: Raw) -> bool:
        (told,), (less,) = session.decide(facts), session.decide(_less(facts, name))
        return told.verdict != "disqualify" and less.verdict == "disqualify"

    goal = z3.And(z3.Not(whole.of_verdict("disqualify")), lacking.of_verdict("disqualify"))
    found = asker.find(goal, holds)
    words = (
        f"a lead can be disqualified only because `{name}` is missing; with it",
        f"nobody is disqualified only because `{name}` is missing",
    )
    yield _answer(asker, "lost_by_missing", (name,), found, if_found="yes", words=words)


def _outcome(session: Session, facts: Raw) -> str:
    return session.decide(facts)[0].outcome


def _less(facts: Raw, name: str) -> Raw:
    return {other: value for other, value in facts.items() if other != name}


def _holes(asker: _Asker) -> Iterator[Answer]:
    yield from holes_in(asker.session)


_ASKED: Final[Mapping[str, Callable[..., Iterator[Answer]]]] = {
    "can_be_yes": _can_be_yes,
    "always_yes": _always_yes,
    "matters": _matters,
    "shadowed": _shadowed,
    "overlap": _both("overlap", ("can both be yes", "are never both yes")),
    "reachable": _reachable,
    "lowest": _extreme("lowest", is_highest=False),
    "highest": _extreme("highest", is_highest=True),
    "holes": _holes,
    "gates_collide": _both(
        "gates_collide", ("can both be yes; the first of them decides", "are never both yes")
    ),
    "attribute_matters": _attribute_matters,
    "lost_by_missing": _lost_by_missing,
}
