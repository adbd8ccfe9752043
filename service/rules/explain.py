"""Why a decision came out as it did: reasons that add up, in the subject's own values.

Nothing is judged again here: results, effects and scores come from the decision's trace.
Words are made when a decision is read, from its facts, and are stored nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from service.rules.decided import Decided
from service.rules.effects import Effect, Limit, effects_of
from service.rules.expression import ast, evaluate
from service.rules.expression.carrying import judged
from service.rules.expression.nouns import computed
from service.rules.expression.phrases import Words, plain, say, spoken
from service.rules.expression.seen import Seen
from service.rules.expression.tokens import listed, sentence, text, uncapitalised
from service.rules.model import Condition, Gate, Outcome, Rule
from service.rules.ranges import LARGEST_EXACT, Range
from service.rules.reasons import Check, Reason, ReasonKind
from service.rules.sight import open_sight_of, sight_of
from service.rules.summary import summarised
from service.rules.told import Read, Told, reads, suspendable, told_of
from service.rules.trace import truths_of
from service.rules.truth import NO, UNKNOWN, YES, Truth

__all__ = ["explained", "moves", "reasons", "summary"]


def reasons(decision: Decided, *, full: bool = False) -> tuple[Reason, ...]:
    """Return why *decision* came out as it did.

    First what decided: the gate, else the outcome. While the outcome is open (a verdict that
    is undecided, or settled without its outcome) that reason has the result `unknown`.
    Then every rule, formula and limit that moved a score, largest effect first, document
    order among equals: per score, the effects' exact sum rounded to six places is its value.
    Then what is suspended. With *full*, also all other gates, rules and outcomes, in
    document order, with what is known of them while more may be answered.
    """
    teller = Teller.of(decision)
    decisive = teller.decisive()
    moved = list(teller.moved())
    suspended = list(teller.suspended())
    if not full:
        return (decisive, *moved, *suspended)
    shown = {(r.kind, r.rule) for r in (decisive, *moved)} | {("any", r.rule) for r in suspended}
    others = [r for r in teller.others() if not {(r.kind, r.rule), ("any", r.rule)} & shown]
    return (decisive, *moved, *suspended, *others)


def summary(decision: Decided) -> str:
    """Return *decision* in two or three sentences, with the subject's own values."""
    teller = Teller.of(decision)
    return summarised(decision, teller.decisive(), teller.moved())


def moves(decision: Decided, score: str) -> tuple[Reason, ...]:
    """Return what moved *score* as it counts: in document order, a limit after what it limits.

    The effects' exact sum, rounded to six places, is the score's value.
    """
    teller = Teller.of(decision)
    return tuple(teller.of_effect(effect) for effect in teller.effects() if effect.score == score)


def explained(decision: Decided, *, full: bool = False) -> tuple[tuple[Reason, ...], str]:
    """Return the reasons and the summary together, for the work of the one."""
    found = reasons(decision, full=full)
    moved = (reason for reason in found if reason.effect is not None)
    return found, summarised(decision, found[0], moved)


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes the reasons of one decision: the reference meaning of what `telling` writes fast."""

    decision: Decided
    seen: Seen
    told: Told
    values: dict[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, decision: Decided) -> Teller:
        """Return what tells of *decision*; nothing is worked out yet."""
        return cls(decision, sight_of(decision), told_of(decision.model))

    def decisive(self) -> Reason:
        """Return what decided: the gate, else the outcome, else what is still possible."""
        model, closed = self.decision.model, self.decision.trace.closed
        names = [outcome.id for outcome in model.outcomes]
        chosen = names.index(self.decision.outcome)
        for gate, result in zip(model.gates, closed.gates, strict=True):
            if result is YES:
                if gate.outcome == chosen and self.decision.verdict != "undecided":
                    return self.conditional(gate, "gate", YES)
                return self._open_outcome(model.outcomes[chosen])
        is_reached = closed.outcomes.index(YES) == chosen
        if is_reached and self.decision.verdict != "undecided":
            return self._outcome(model.outcomes[chosen])
        return self._open_outcome(model.outcomes[chosen])

    def _open_outcome(self, outcome: Outcome) -> Reason:
        words = still_possible(self.decision)
        checks = () if outcome.condition is None else self._checks(outcome.condition)
        return Reason(outcome.id, "outcome", UNKNOWN, None, plain(words), checks)

    def _outcome(self, outcome: Outcome) -> Reason:
        if outcome.condition is None:
            said = plain(outcome.reason or "No other outcome applies")
            return Reason(outcome.id, "outcome", YES, None, said)
        said = self.said(outcome.condition, outcome.reason, YES)
        return Reason(outcome.id, "outcome", YES, None, said, self._checks(outcome.condition))

    def conditional(
        self,
        rule: Gate | Rule,
        kind: ReasonKind,
        result: Truth,
        effect: Effect | None = None,
    ) -> Reason:
        """Return the reason of a gate or a rule whose *result* this is."""
        said = self.said(rule.condition, rule.reason, result)
        return Reason(rule.id, kind, result, effect, said, self._checks(rule.condition))

    def said(self, condition: Condition, reason: str | None, result: Truth) -> Words:
        """Return the claims that carried the result, after the author's words for a yes."""
        results = self._results(condition)
        said = say(condition.node, results, self.seen, source=condition.text)
        if reason is None or result is not YES:
            return said
        before = told_before(reason)
        return Words((*text(before), *said.tokens), f"{before} {said.text}")

    def _results(self, condition: Condition) -> tuple[Truth, ...]:
        first = condition.first_check
        return truths_of(self.decision.trace.checks[first : first + len(condition.checks)])

    def _checks(self, condition: Condition) -> tuple[Check, ...]:
        plans = self.told.checks(condition)
        return tuple(
            Check(plan.expression, result, self._values(plan.reads))
            for plan, result in zip(plans, self._results(condition), strict=True)
        )

    def _values(self, names: Iterable[Read]) -> dict[str, object]:
        """Return what the names stood for; each is looked at once per decision."""
        found: dict[str, object] = {}
        for name, node in names:
            if name not in self.values:
                self.values[name] = self.value(name, node)
            found[name] = self.values[name]
        return found

    def value(self, name: str, node: ast.Node) -> object:
        """Return what *name*, which is *node*, stood for, as a JSON value."""
        if isinstance(node, ast.Attribute | ast.Has):
            return _json(self.seen.facts.get(name))
        return _json(evaluate.derive(node, self.seen.known))

    def moved(self) -> Iterator[Reason]:
        """Yield what moved a score, largest first."""
        for effect in sorted(self.effects(), key=lambda effect: -abs(effect.points)):
            yield self.of_effect(effect)

    def effects(self) -> Iterator[Effect]:
        """Yield what moved the scores, in document order."""
        return effects_of(self.decision.model, self.decision.trace, self.seen.known)

    def of_effect(self, effect: Effect) -> Reason:
        """Return the reason of what moved a score."""
        if isinstance(effect, Limit):
            return Reason(effect.name, "limit", YES, effect, plain(effect.words))
        return self.formula(effect) if effect.rule is None else self._of_rule(effect)

    def _of_rule(self, effect: Effect) -> Reason:
        rule = self.decision.model.rules[effect.rule or 0]
        return self.conditional(rule, "points", YES, effect)

    def formula(self, effect: Effect) -> Reason:
        """Return the reason of a score that is computed."""
        score = next(s for s in self.decision.model.scores if s.name == effect.score)
        formula = score.formula
        if formula is None:
            return Reason(score.name, "points", YES, effect, plain(f"{score.label} is computed"))
        tokens = computed(score.label, formula.node, self.seen.reading(formula.text))
        check = Check(formula.text, YES, self._values(reads(formula.node)))
        words = Words(tokens, sentence(tokens))
        return Reason(score.name, "points", YES, effect, words, (check,))

    def suspended(self) -> Iterator[Reason]:
        """Yield the suspended gates, rules and outcomes, in document order."""
        for name, part in suspendable(self.decision.model):
            if name in self.decision.suspended and part.condition is not None:
                words = plain(f"`{part.id}` is suspended and counts as no")
                yield Reason(part.id, "suspended", NO, None, words, self._checks(part.condition))

    def others(self) -> Iterator[Reason]:
        """Yield every gate and rule, and the outcomes that come before the decision's."""
        model, opened = self.decision.model, self.decision.trace.open
        for gate, result in zip(model.gates, opened.gates, strict=True):
            yield self.conditional(gate, "gate", result)
        for rule, result in zip(model.rules, opened.rules, strict=True):
            yield self.conditional(rule, "points", result)
        if YES in self.decision.trace.closed.gates:
            return
        for outcome, result in zip(model.outcomes, opened.outcomes, strict=True):
            if outcome.id == self.decision.outcome:
                return
            if outcome.condition is not None:
                yield self.passed_over(outcome, outcome.condition, result)

    def passed_over(self, outcome: Outcome, condition: Condition, result: Truth) -> Reason:
        """Return why an outcome was not taken; while open, said of the scores' ranges."""
        checks = self._checks(condition)
        if result is not UNKNOWN or self.decision.final:
            said = self.said(condition, None, result)
            return Reason(outcome.id, "outcome", result, None, said, checks)
        seen = open_sight_of(self.decision).reading(condition.text)
        carried = judged(condition.node, seen, lambda node, inside: inside.result(node)).carried
        return Reason(outcome.id, "outcome", result, None, spoken(carried), checks)


def still_possible(decision: Decided) -> str:
    """Return which outcomes are, as a sentence."""
    outcomes = told_of(decision.model).outcomes
    first, *rest = (outcomes[name].label for name in decision.possible_outcomes)
    possible = listed([first, *(uncapitalised(label) for label in rest)])
    return f"{possible} are still possible" if rest else f"{possible} is still possible"


def told_before(reason: str) -> str:
    """Return an author's *reason* as it stands before the checks' own words."""
    return f"{reason.strip().rstrip('.')}:"


def _json(value: object) -> object:  # noqa: PLR0911  one kind of value a line
    match value:
        case Range(low=low) if not value.is_point:
            return [_json(low), _json(value.high)]
        case Range(low=low):
            return _json(low)
        case Truth():
            return None if value is UNKNOWN else value is YES
        case float() if value.is_integer() and abs(value) <= LARGEST_EXACT:
            return int(value)
        case date():
            return value.isoformat()
        case frozenset():
            return " or ".join(sorted(value))
        case tuple():
            return list(value)
        case _:
            return value
