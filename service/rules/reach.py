"""What would have to change: the smallest changes of up to three facts that lead elsewhere.

Nothing is estimated: each way that is told was decided by the rules themselves, and so was
what is just short of it, and every part of it alone: none of them leads there. What nobody
can or may change is never proposed; see `levers`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from service.rules.attributes import Fact, Facts
from service.rules.decision import Decision
from service.rules.levers import Lever, levers_of
from service.rules.model import Model, Verdict
from service.rules.rounding import roundest
from service.rules.ruleset import RuleSet
from service.rules.truth import YES

__all__ = ["Change", "Reach", "Way", "is_better", "ways_from"]

_CHECKS: Final = 400_000
"""So many single checks are made at most: the larger the rules, the fewer decisions."""
_MOST: Final = 6_000
_SHOWN: Final = 5
_OPTIONS: Final = 6
_CHEAPEST: Final = 24
_TOGETHER: Final = 3
_NEAREST: Final = 0.5
_RANKS: Final[Mapping[Verdict, int]] = {"qualify": 0, "review": 1, "disqualify": 2, "undecided": 3}


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that would be otherwise."""

    attribute: str
    before: Fact
    after: Fact


@dataclass(frozen=True, slots=True)
class Way:
    """Changes that together lead to *outcome*.

    *effort* orders ways: a number's change as a share of it before and after, the steps of
    an ordered choice as a share of all, a half for anything else; added up.
    """

    outcome: str
    changes: tuple[Change, ...]
    effort: float


@dataclass(frozen=True, slots=True)
class Reach:
    """What lies around a decision.

    Attributes:
        better: The smallest ways to better outcomes, or to the one that was asked for: of one
            change, of two where none of one leads there, of three where none of two does.
            Empty where nothing is within reach.
        near: For each other outcome that a small change leads to, the smallest one.
        gate: The gate that decided, which no change undoes; then both are empty.
        is_whole: Whether everything was tried; false where there was too much to try.
    """

    better: tuple[Way, ...]
    near: tuple[Way, ...]
    gate: str | None
    is_whole: bool


def ways_from(
    rules: RuleSet,
    decision: Decision,
    *,
    fixed: Collection[str] = (),
    toward: str | None = None,
) -> Reach:
    """Return what would have to change for another outcome than *decision*'s, at its instant.

    *rules* made the decision. What is *fixed* is not changed, nor is what `levers` leaves
    out, and every gate stays as it is: what is decided whatever else holds is not for sale.
    With an outcome's id in *toward*, ways to that one alone are sought, better or not.
    """
    gates = decision.trace.closed.gates
    if YES in gates:
        gate = decision.model.gates[gates.index(YES)].id
        return Reach((), (), gate, is_whole=True)
    model = decision.model
    limit = min(_MOST, _CHECKS // max(model.check_count + len(model.rules), 1))
    levers = levers_of(rules, decision, fixed=fixed)
    return _Search(rules, decision, levers, toward, left=limit).reach()


def is_better(model: Model, outcome: str, *, than: str) -> bool:
    """Return whether an outcome is better than another, as far as a document says so.

    A better verdict is better: qualify, review, disqualify. Of two that qualify the one
    that stands earlier is. Of two with another verdict neither is: their order only says
    which is looked for first. The last one says that nothing else was shown, and is no
    aim unless it qualifies.
    """
    places = {one.id: place for place, one in enumerate(model.outcomes)}
    new, old = places[outcome], places[than]
    verdict, before = model.outcomes[new].verdict, model.outcomes[old].verdict
    if verdict == "qualify":
        return before != "qualify" or new < old
    is_last = new == len(model.outcomes) - 1
    return _RANKS[verdict] < _RANKS[before] and not is_last


@dataclass(slots=True)
class _Search:
    """One search: what is tried, and how many more tries there are."""

    rules: RuleSet
    decision: Decision
    levers: Sequence[Lever]
    toward: str | None
    left: int
    options: dict[str, list[Fact]] = field(default_factory=dict)

    def reach(self) -> Reach:
        """Return what lies around."""
        ways = sorted(
            (way for lever in self.levers for way in self._alone(lever)),
            key=lambda way: way.effort,
        )
        aims = [way for way in ways if self._is_aim(way)]
        for number in range(2, _TOGETHER + 1):
            aims = aims or list(self._together(number))
        better = self._chosen(aims)
        told = {way.outcome for way in better}
        nearest: dict[str, Way] = {}
        for way in ways:
            if way.outcome not in told and way.effort <= _NEAREST:
                nearest.setdefault(way.outcome, way)
        return Reach(better, tuple(nearest.values()), None, is_whole=self.left > 0)

    def _decide(self, changed: Mapping[str, Fact]) -> Decision:
        """Return the closed decision with some facts changed."""
        self.left -= 1
        return self.rules.decide(
            Facts({**self.decision.facts.values, **changed}),
            at=self.decision.at,
            final=True,
            suspended=self.decision.suspended,
            tabled=self.decision.tabled,
            with_missing=False,
        )

    def _leads_to(self, changed: Mapping[str, Fact]) -> str | None:
        """Return the outcome of what is *changed*; None where a gate turns with it."""
        decided = self._decide(changed)
        is_same = decided.trace.closed.gates == self.decision.trace.closed.gates
        return decided.outcome if is_same else None

    def _alone(self, lever: Lever) -> Iterator[Way]:
        """Yield the smallest changes of one fact, by where they lead, on each side."""
        options = self.options.setdefault(lever.name, [])
        seen: set[object] = set()
        for side in (lever.up, lever.down):
            found: set[str] = {self.decision.outcome}
            short = lever.value
            for value in side:
                if self.left <= 0:
                    return
                decided = self._decide({lever.name: value})
                told = (decided.trace.checks, decided.trace.closed.gates)
                is_last = value == side[-1] and decided.trace.scores != self.decision.trace.scores
                if lever.is_wanted(value) and (told not in seen or is_last):
                    options.append(value)
                seen.add(told)
                is_open = decided.trace.closed.gates == self.decision.trace.closed.gates
                if is_open and decided.outcome not in found:
                    found.add(decided.outcome)
                    yield self._way(decided.outcome, {lever: (short, value)})
                short = value

    def _way(self, outcome: str, ends: Mapping[Lever, tuple[Fact, Fact]]) -> Way:
        """Return the way to *outcome* with each number brought as near as it leads there."""
        changed = {lever.name: end for lever, (_, end) in ends.items()}
        for lever, (short, end) in ends.items():
            start = lever.value
            if isinstance(start, float) and isinstance(short, float) and isinstance(end, float):
                leads = self._leading(lever, changed, outcome)
                changed[lever.name] = roundest(
                    start, short, end, leads=leads, is_whole=lever.is_whole
                )
        changes = tuple(Change(lever.name, lever.value, changed[lever.name]) for lever in ends)
        effort = sum(lever.effort(changed[lever.name]) for lever in ends)
        return Way(outcome, changes, effort)

    def _leading(
        self, lever: Lever, changed: Mapping[str, Fact], outcome: str
    ) -> Callable[[float], bool]:
        def leads(value: float) -> bool:
            return self._leads_to({**changed, lever.name: value}) == outcome

        return leads

    def _together(self, number: int) -> Iterator[Way]:
        """Yield the smallest changes of so many facts that lead to what is aimed at."""
        tried = [
            (lever.effort(value), lever, value)
            for lever in self.levers
            for value in self.options.get(lever.name, [])[:_OPTIONS]
        ]
        if number > 2:
            tried = sorted(tried, key=lambda one: one[0])[:_CHEAPEST]
        sets = sorted(
            (several for several in combinations(tried, number) if _is_apart(several)),
            key=lambda several: sum(effort for effort, _, _ in several),
        )
        found: set[tuple[str, ...]] = set()
        for several in sets:
            if self.left <= 0 or len(found) == _SHOWN:
                return
            names = tuple(lever.name for _, lever, _ in several)
            outcome = self._leads_to({lever.name: value for _, lever, value in several})
            if outcome is None or (*names, outcome) in found or not self._may_aim_at(outcome):
                continue
            way = self._way(outcome, {lever: (lever.value, value) for _, lever, value in several})
            if self._is_aim(way) and self._is_least(way):
                found.add((*names, outcome))
                yield way

    def _is_least(self, way: Way) -> bool:
        """Return whether no part of the changes leads there alone."""
        changed = {change.attribute: change.after for change in way.changes}
        return not any(
            self._leads_to({name: changed[name] for name in names}) == way.outcome
            for number in range(1, len(changed))
            for names in combinations(changed, number)
        )

    def _may_aim_at(self, outcome: str) -> bool:
        if self.toward is not None:
            return outcome == self.toward != self.decision.outcome
        return is_better(self.decision.model, outcome, than=self.decision.outcome)

    def _is_aim(self, way: Way) -> bool:
        """Return whether *way* may be proposed."""
        model = self.decision.model
        by_name = {lever.name: lever for lever in self.levers}
        if not self._may_aim_at(way.outcome):
            return False
        if not all(by_name[one.attribute].is_wanted(one.after) for one in way.changes):
            return False
        if self.toward is not None:
            return True
        if next(one for one in model.outcomes if one.id == way.outcome).verdict == "qualify":
            return True
        decided = self._decide({one.attribute: one.after for one in way.changes})
        before = self.decision.trace.scores
        pairs = zip(decided.trace.scores, before, strict=True)
        return all(new.value >= old.value for new, old in pairs)

    def _chosen(self, ways: Sequence[Way]) -> tuple[Way, ...]:
        """Return the smallest ways, those that lead to what qualifies where any does."""
        if self.toward is not None:
            return tuple(sorted(ways, key=lambda way: way.effort)[:_SHOWN])
        verdicts = {one.id: one.verdict for one in self.decision.model.outcomes}
        qualifying = [way for way in ways if verdicts[way.outcome] == "qualify"]
        return tuple(sorted(qualifying or ways, key=lambda way: way.effort)[:_SHOWN])


def _is_apart(several: Sequence[tuple[float, Lever, Fact]]) -> bool:
    """Return whether each change is of another fact."""
    return len({lever.name for _, lever, _ in several}) == len(several)
