"""One sitting with the solver: rule sets on the same facts, asked one thing after the other.

What the solver says is not possible is not. What it finds is tried in the evaluator first, as
raw facts through the door, and made small and plain; a find that the evaluator does not confirm
is never handed on.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fractions import Fraction
from random import Random
from time import monotonic
from typing import Final

import z3

from service.rules.attributes import Fact
from service.rules.decision import Decision
from service.rules.expression.solver_parts import Guesses
from service.rules.ranges import six_places
from service.rules.ruleset import RuleSet
from service.rules.solver.domains import Domain, domain_of, fact_key
from service.rules.solver.joint import Joint, joined
from service.rules.solver.plain import plainer
from service.rules.solver.slots import Slot, slots_of
from service.rules.solver.whole import Settle, Whole, whole_of

Raw = dict[str, object]
"""Facts as they are told, keys and JSON values."""

Holds = Callable[[Raw], bool]
"""What the evaluator says of some facts."""

_SIMULATED: Final = 96
_SHORTEST_S: Final = 0.01
_RETRIES: Final = 3


class OutOfTime(Exception):
    """The solver did not come to an end within what it was given."""


class Incident(Exception):
    """The solver found what the evaluator does not confirm, with nothing guessed: a fault."""


@dataclass(frozen=True, slots=True)
class Found:
    """Facts that the evaluator confirmed, and the classes of the known ones."""

    facts: Raw
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Proved:
    """No facts do: proved."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Neither proved nor found; *is_approximate* where what is opaque is in the way."""

    is_approximate: bool


Verdict = Found | Proved | Unsettled


@dataclass
class Session:
    """Rule sets side by side, with one subject's attributes as the solver's variables."""

    rule_sets: tuple[RuleSet, ...]
    at: datetime
    deadline: float
    joint: Joint
    domains: Mapping[str, Domain]
    slots: Mapping[str, Slot]
    guesses: Guesses
    solver: z3.Solver
    wholes: list[Whole] = field(default_factory=list)
    _added: int = 0

    @classmethod
    def of(cls, rule_sets: tuple[RuleSet, ...], *, at: datetime, limit_s: float) -> "Session":
        """Return a session about *rule_sets* at the instant *at*, over after *limit_s*."""
        deadline = monotonic() + limit_s
        joint = joined(tuple(rules.model for rules in rule_sets), today=day_of(at))
        domains = {name: domain_of(joint, name) for name in joint.attributes}
        slots, laws = slots_of(domains)
        guesses = Guesses()
        guesses.laws += laws
        session = cls(rule_sets, at, deadline, joint, domains, slots, guesses, z3.Solver())
        settle = _Sweep(session) if len(rule_sets) > 1 else None
        for place in range(len(rule_sets)):
            session.wholes.append(
                session.whole(place, settle=None if settle is None else settle.of(place))
            )
        return session

    def whole(
        self,
        place: int,
        *,
        slots: Mapping[str, Slot] | None = None,
        suspended: Collection[str] = (),
        settle: Settle | None = None,
    ) -> Whole:
        """Return the rule set at *place* on the subject of *slots*, else on the session's."""
        return whole_of(
            self.joint,
            place,
            self.slots if slots is None else slots,
            self.guesses,
            suspended=suspended,
            settle=settle,
        )

    def lacking(self, name: str) -> dict[str, Slot]:
        """Return the subject without its attribute *name*."""
        return {**self.slots, name: replace(self.slots[name], has=z3.BoolVal(val=False))}

    @property
    def day_told(self) -> str | None:
        """The clock's day, where any of the rule sets asks for ages."""
        moves = any(rules.moves_by_time for rules in self.rule_sets)
        return self.joint.today.isoformat() if moves else None

    # --- asking ---------------------------------------------------------------------------------

    def check(self, *goals: z3.BoolRef) -> z3.ModelRef | None:
        """Return a model of *goals* and all that holds, None where there is none.

        Raises:
            OutOfTime: If that did not come out in time.
        """
        while self._added < len(self.guesses.laws):
            self.solver.add(self.guesses.laws[self._added])
            self._added += 1
        left = self.deadline - monotonic()
        if left < _SHORTEST_S:
            raise OutOfTime
        self.solver.set("timeout", max(int(left * 1000), 1))
        result = self.solver.check(*goals)
        if result == z3.unsat:
            return None
        if result == z3.unknown:
            raise OutOfTime
        return self.solver.model()

    def find(self, goal: z3.BoolRef, holds: Holds) -> Verdict:
        """Return facts with *goal* for which *holds*, small and plain; or that there are none.

        Raises:
            Incident: If the solver found facts, guessed nothing, and they do not hold.
        """
        try:
            model = self.check(goal)
            if model is None:
                return Proved()
            facts = self.facts_of(model)
            if holds(facts):
                return self._found(facts, holds)
            for wishes in self._wishes():
                model = self.check(goal, *wishes)
                if model is not None and holds(facts := self.facts_of(model)):
                    return self._found(facts, holds)
        except OutOfTime:
            return Unsettled(is_approximate=False)
        if not self.is_approximate:
            raise Incident
        return Unsettled(is_approximate=True)

    def _found(self, facts: Raw, holds: Holds) -> Found:
        small = plainer(facts, self.domains, holds)
        return Found(small, self.decide(small))

    def _wishes(self) -> list[list[z3.BoolRef]]:
        """Return what to ask for besides, the most first."""
        known = [
            z3.Not(slot.among([i for i, s in enumerate(slot.domain.sorts) if s.value is None]))
            for slot in self.slots.values()
            if slot.domain.has_rest
        ]
        numbers = [
            slot.number for slot in self.slots.values()
            if slot.number is not None and not slot.number.is_int()
        ]  # fmt: skip
        whole = [z3.IsInt(number) for number in numbers]
        fine = [z3.IsInt(number * 10**6) for number in numbers]
        exactly = [*known, *self.guesses.wishes]
        return [[*exactly, *whole], [*exactly, *fine], [*known, *whole], [*known, *fine]]

    @property
    def is_approximate(self) -> bool:
        """Whether anything is only near the truth."""
        rest = any(domain.has_rest for domain in self.domains.values())
        measured = any(domain.is_measured for domain in self.domains.values())
        return bool(self.guesses.opaque or self.guesses.wishes or rest or measured)

    # --- facts ----------------------------------------------------------------------------------

    def facts_of(self, model: z3.ModelRef, slots: Mapping[str, Slot] | None = None) -> Raw:
        """Return what *model* says of the subject, as raw facts."""
        facts: Raw = {}
        for slot in (self.slots if slots is None else slots).values():
            if z3.is_true(model.eval(slot.has, model_completion=True)):
                value = _value(model, slot)
                if value is not None:
                    facts[fact_key(slot.domain)] = told(value)
        return facts

    def decide(self, facts: Raw, *, suspended: Collection[str] = ()) -> tuple[Decision, ...]:
        """Return each rule set's closed decision on *facts*."""
        return tuple(
            rules.decide(facts, at=self.at, final=True, suspended=suspended, with_missing=False)
            for rules in self.rule_sets
        )

    def fixed(self, facts: Mapping[str, Fact], place: int = 0) -> list[z3.BoolRef]:
        """Return that the subject's facts are *facts*, as admitted by the rule set at *place*."""
        goals: list[z3.BoolRef] = []
        for name, slot in self.slots.items():
            value = facts.get(name)
            if value is None:
                goals.append(z3.Not(slot.known_to(place)))
            else:
                goals += [slot.known_to(place), slot.holds(value, self.joint)]
        return goals

    def random_facts(self, chance: Random) -> Raw:
        """Return facts of random classes, some missing."""
        facts: Raw = {}
        for domain in self.domains.values():
            values = [sort.value for sort in domain.sorts if sort.value is not None]
            if values and chance.random() < 0.85:
                facts[fact_key(domain)] = told(chance.choice(values))
        return facts


def told(value: Fact) -> object:
    """Return *value* as facts are told in JSON."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return list(value) if isinstance(value, tuple) else value


def day_of(at: datetime) -> date:
    """Return the UTC day of an instant."""
    return at.astimezone(UTC).date()


def _value(model: z3.ModelRef, slot: Slot) -> Fact | None:
    if slot.number is not None:
        number = model.eval(slot.number, model_completion=True)
        if slot.domain.attribute.type == "date":
            return date.fromordinal(number.as_long())
        if z3.is_algebraic_value(number):
            number = number.approx(20)
        part = Fraction(number.numerator_as_long(), number.denominator_as_long())
        return six_places(float(part))
    place = max(
        index
        for index, holds in enumerate(slot.at_least)
        if index == 0 or z3.is_true(model.eval(holds, model_completion=True))
    )
    return slot.domain.sorts[place].value


@dataclass
class _Sweep:
    """Finds the rules whose conditions are the same in other words, before anything is added up.

    What random facts do not tell apart is asked about; what is the same becomes one term.
    """

    session: Session
    samples: list[Raw] = field(default_factory=list)
    known: dict[tuple[object, ...], list[z3.BoolRef]] = field(default_factory=dict)

    def of(self, place: int) -> Settle:
        """Return what settles the rules of the rule set at *place*."""
        if not self.samples:
            chance = Random(20)  # noqa: S311 - leads to try, the same ones every time
            self.samples = [self.session.random_facts(chance) for _ in range(_SIMULATED)]
        rules, today = self.session.rule_sets[place], self.session.joint.today
        traces = [
            rules.meaning.judge(rules.admit(facts).values, today=today) for facts in self.samples
        ]
        columns = list(zip(*(trace.closed.rules for trace in traces), strict=True))

        def settle(index: int, term: z3.BoolRef) -> z3.BoolRef:
            alike = self.known.setdefault(columns[index], [])
            for other in alike:
                if term.eq(other) or self._is_same(term, other):
                    return other
            alike.append(term)
            return term

        return settle

    def _is_same(self, one: z3.BoolRef, other: z3.BoolRef) -> bool:
        try:
            return self.session.check(one != other) is None
        except OutOfTime:
            return False
