"""Two rule sets by what they decide: where they differ, in which way, and for whom.

The pairs of outcomes before and after are found one by one until there is no other, which the
solver proves; everything else that is said follows from them. Compared are closed decisions, on
complete facts and on any that are not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from time import monotonic
from typing import Final

import z3

from service.rules.decision import Decision
from service.rules.ruleset import RuleSet
from service.rules.solver import numbers
from service.rules.solver.answers import (
    Amount,
    Difference,
    MeaningComparison,
    Region,
    Relation,
    Settled,
    Way,
)
from service.rules.solver.days import Days, days_of
from service.rules.solver.joint import joined
from service.rules.solver.regions import region_of
from service.rules.solver.session import Found, OutOfTime, Proved, Raw, Session, day_of
from service.rules.solver.witnesses import witness_of
from service.rules.solver.words import compared_words, difference_words, on_its_day

_MOST_PAIRS: Final = 24
_SHORTEST_S: Final = 0.1
_RANKS: Final[Mapping[str, int]] = {"disqualify": 0, "review": 1, "qualify": 2}
_LOUDEST: Final[tuple[Settled, ...]] = ("yes", "not_settled")
_VERDICTS: Final = ("qualify", "review", "disqualify")

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found as of one day."""

    differences: tuple[Difference, ...]
    scores: Mapping[str, Settled]
    is_settled: bool
    approximate: tuple[str, ...]


def compare_meaning(
    before: RuleSet, after: RuleSet, *, at: datetime, limit_s: float
) -> MeaningComparison:
    """Return how *after* differs from *before* in what it decides, whatever the day.

    Where rules ask for ages, days of every kind that they tell apart are compared, the one of
    *at* first; what is said holds for `holds_for`.

    Raises:
        Incident: If the solver found what the evaluator does not confirm.
    """
    end = monotonic() + limit_s
    days = days_of(joined((before.model, after.model), today=day_of(at)))
    found: list[_Found] = []
    for place, day in enumerate(days.of_each_kind):
        left = end - monotonic()
        if found and left < _SHORTEST_S:
            found.append(_Found((), {}, is_settled=False, approximate=()))
            break
        share = left / (len(days.of_each_kind) - place)
        found.append(_compared(before, after, at=at + (day - day_of(at)), limit_s=share))
    return _told(before, after, day_of(at), days, found)


def _compared(before: RuleSet, after: RuleSet, *, at: datetime, limit_s: float) -> _Found:
    session = Session.of((before, after), at=at, limit_s=limit_s)
    found, is_settled, is_approximate = _pairs(session)
    return _Found(
        tuple(_difference(session, pair, one) for pair, one in found.items()),
        _scores(session) if is_settled else {},
        is_settled,
        tuple(session.guesses.opaque) if is_approximate else (),
    )


def _told(
    before: RuleSet, after: RuleSet, day: date, days: Days, found: list[_Found]
) -> MeaningComparison:
    differences = _together(found)
    is_settled = all(one.is_settled for one in found)
    scores = _scores_together(found) if is_settled else {}
    relation = _relation(differences, is_settled=is_settled)
    verdicts = [(_verdict(before, d.before), _verdict(after, d.after)) for d in differences]
    outcomes = [(d.before, d.after) for d in differences]
    names = dict.fromkeys(o.id for rules in (before, after) for o in rules.model.outcomes)
    approximate = tuple(dict.fromkeys(name for one in found for name in one.approximate))
    return MeaningComparison(
        relation=relation,
        is_same=None if not is_settled and not differences else not differences,
        by_verdict=_amounts(_VERDICTS, verdicts, is_settled=is_settled),
        by_outcome=_amounts(names, outcomes, is_settled=is_settled),
        scores=scores,
        differences=differences,
        is_settled=is_settled,
        approximate=approximate,
        day=day.isoformat(),
        depends_on_day=days.is_one_of_many,
        words=compared_words(
            relation, differences, scores, is_settled=is_settled, is_approximate=bool(approximate)
        ),
        holds_for=days.holds_for,
    )


def _together(found: list[_Found]) -> tuple[Difference, ...]:
    """Return one difference for each pair of outcomes, of the first day that has it.

    Of several kinds of day a region is all there is only on its own: so it is not said.
    """
    first: dict[Pair, Difference] = {}
    for one in found:
        for difference in one.differences:
            first.setdefault((difference.before, difference.after), difference)
    if len(found) == 1:
        return tuple(first.values())
    return tuple(
        on_its_day(one, None if one.region is None else replace(one.region, is_all=None))
        for one in first.values()
    )


def _scores_together(found: list[_Found]) -> dict[str, Settled]:
    told: dict[str, Settled] = {}
    for name in found[0].scores:
        every = {one.scores[name] for one in found}
        told[name] = next((one for one in _LOUDEST if one in every), "no")
    return told


def _pairs(session: Session) -> tuple[dict[Pair, Found], bool, bool]:
    """Return an example of each pair of outcomes that differ; and whether these are all.

    The last says whether what is opaque was in the way.
    """
    one, other = session.wholes
    shared = {outcome.id for outcome in one.model.outcomes}
    same = [
        z3.And(one.ends_in(o.id), other.ends_in(o.id))
        for o in other.model.outcomes if o.id in shared
    ]  # fmt: skip
    goal = z3.Not(z3.Or(same))
    found: dict[Pair, Found] = {}
    while len(found) < _MOST_PAIRS:
        known = [z3.And(one.ends_in(a), other.ends_in(b)) for a, b in found]

        def holds(facts: Raw) -> bool:
            pair = _pair(session.decide(facts))
            return pair[0] != pair[1] and pair not in found

        result = session.find(z3.And(goal, *[z3.Not(pair) for pair in known]), holds)
        if isinstance(result, Proved):
            return found, True, False
        if not isinstance(result, Found):
            return found, False, result.is_approximate
        found[_pair(result.decisions)] = result
    return found, False, False


def _pair(decisions: tuple[Decision, ...]) -> Pair:
    return decisions[0].outcome, decisions[1].outcome


def _difference(session: Session, pair: Pair, found: Found) -> Difference:
    before, after = (decision.verdict for decision in found.decisions)
    step = _RANKS[after] - _RANKS[before]
    way: Way = "stricter" if step < 0 else "looser" if step > 0 else "same_verdict"
    region = _region(session, pair, found)
    witness = witness_of(found, session)
    words = difference_words(pair, (before, after), region, witness)
    return Difference(*pair, way=way, witness=witness, region=region, words=words)


def _region(session: Session, pair: Pair, found: Found) -> Region | None:
    one, other = session.wholes
    goal = z3.And(one.ends_in(pair[0]), other.ends_in(pair[1]))
    try:
        return region_of(session, found.facts, goal)
    except OutOfTime:
        return None


def _scores(session: Session) -> dict[str, Settled]:
    """Return whether each score of both rule sets can come out otherwise."""
    one, other = session.wholes
    found: dict[str, Settled] = {}
    for name in one.scores:
        if name not in other.scores:
            continue
        left, right, _ = numbers.in_step(one.scores[name], other.scores[name])

        def holds(facts: Raw, name: str = name) -> bool:
            first, second = session.decide(facts)
            return first.scores[name].value != second.scores[name].value

        result = session.find(left != right, holds)
        found[name] = "yes" if isinstance(result, Found) else (
            "no" if isinstance(result, Proved) else "not_settled"
        )  # fmt: skip
    return found


def _relation(differences: Iterable[Difference], *, is_settled: bool) -> Relation:
    ways = {difference.way for difference in differences} - {"same_verdict"}
    if ways == {"stricter", "looser"}:
        return "different_both_ways"
    if not is_settled:
        return "not_settled"
    if not ways:
        return "same"
    return "stricter" if ways == {"stricter"} else "looser"


def _amounts(names: Iterable[str], pairs: Iterable[Pair], *, is_settled: bool) -> dict[str, Amount]:
    """Return by name whether fewer or more end there after than before."""
    moved = [pair for pair in pairs if pair[0] != pair[1]]
    found: dict[str, Amount] = {}
    for name in names:
        is_fewer = any(before == name for before, _ in moved)
        is_more = any(after == name for _, after in moved)
        if is_fewer and is_more:
            found[name] = "both"
        elif not is_settled:
            found[name] = "not_settled"
        else:
            found[name] = "fewer" if is_fewer else "more" if is_more else "same"
    return found


def _verdict(rules: RuleSet, outcome: str) -> str:
    return next(one.verdict for one in rules.model.outcomes if one.id == outcome)
