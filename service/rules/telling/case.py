"""One decision's reasons in the order of the reference, and its summary."""

from collections.abc import Iterator
from typing import Final

from service.rules.decided import Decided
from service.rules.explain import still_possible
from service.rules.expression.tokens import uncapitalised
from service.rules.json_text import quoted
from service.rules.model import Model
from service.rules.summary import composed
from service.rules.telling.forms import plain
from service.rules.telling.moves import Move, moves_of, plans_of
from service.rules.telling.reasons import Spoken, Voice, Wordbook, filled
from service.rules.telling.values import Values, whole_or_not
from service.rules.told import suspendable
from service.rules.truth import NO, UNKNOWN, YES

NO_OTHER: Final = "No other outcome applies"
"""What is said of an outcome that takes the rest, where its author says nothing."""


class Telling:
    """What telling the decisions of one rule set needs, worked out once and kept."""

    def __init__(self, model: Model) -> None:
        """Begin with no words made."""
        book = Wordbook(model)
        self.model = model
        self.slots = book.slots
        self.plans = plans_of(model)
        self.places = {outcome.id: place for place, outcome in enumerate(model.outcomes)}
        self.gates = [Voice(book, "gate", gate) for gate in model.gates]
        self.rules = [Voice(book, "points", rule) for rule in model.rules]
        self.outcomes = [Voice(book, "outcome", outcome) for outcome in model.outcomes]
        self.suspendable = {
            name: Voice(book, "suspended", part) for name, part in suspendable(model)
        }
        # What each rule adds where nothing limits it, and how its reason begins then.
        self.usual = {
            place: (points, self.rules[place].head(YES, _effect(score, points)))
            for place, score, points in _fixed_points(model)
        }
        self.formulas = {
            score.name: book.computed(score.label, score.formula)
            for score in model.scores
            if score.formula is not None
        }


class Case:
    """The reasons of one decision."""

    __slots__ = ("_decisive", "_gate", "_moved", "_moves", "_telling", "_values", "decision")

    def __init__(self, telling: Telling, decision: Decided) -> None:
        """Begin with what decided and what moved a score."""
        self.decision = decision
        self._telling = telling
        self._values = Values.of(telling.slots, decision)
        self._gate = self._deciding_gate()
        self._decisive = self._decide()
        self._moves = moves_of(decision, telling.plans, self._values)
        self._moved = [self._move(move) for move in self._moves]

    def reasons(self, *, full: bool) -> list[str]:
        """Return the reasons as JSON objects; with *full*, also those that are no or unknown."""
        told = [self._decisive[1]]
        told += [reason for _, reason in self._moved]
        if self.decision.suspended:
            told += self._suspended()
        if full:
            told += self._others()
        return told

    def summary(self) -> str:
        """Return the decision in two or three sentences."""
        parts = (
            (words.text.fill(self._values), move[1], move[2])
            for move, (words, _) in zip(self._moves, self._moved, strict=True)
            if move[3] is not None or move[4] is not None
        )
        is_by_gate = self._gate is not None
        return composed(self.decision, parts, gate=is_by_gate, said=self._said_inside)

    def _said_inside(self) -> str:
        return inside_sentence(self._decisive, self._values)

    def _deciding_gate(self) -> int | None:
        """Return the place of the gate that decided."""
        decision, model = self.decision, self._telling.model
        gates = decision.trace.closed.gates
        if YES not in gates or decision.verdict == "undecided":
            return None
        place = gates.index(YES)
        chosen = self._telling.places[decision.outcome]
        return place if model.gates[place].outcome == chosen else None

    def _decide(self) -> Spoken:
        """Return what decided: the gate, else the outcome, else what is still possible."""
        decision, values, telling = self.decision, self._values, self._telling
        if self._gate is not None:
            return telling.gates[self._gate].say_yes(values)
        closed = decision.trace.closed
        place = telling.places[decision.outcome]
        is_reached = YES not in closed.gates and closed.outcomes.index(YES) == place
        voice, outcome = telling.outcomes[place], telling.model.outcomes[place]
        if not is_reached or decision.verdict == "undecided":
            return voice.say_plainly(values, UNKNOWN, still_possible(decision))
        if outcome.condition is None:
            words = outcome.reason or NO_OTHER
            return voice.say_plainly(values, YES, words)
        return voice.say_yes(values)

    def _move(self, move: Move) -> Spoken:
        _, points, score, rule, limit = move
        if rule is not None:
            voice = self._telling.rules[rule]
            usual, head = self._telling.usual[rule]
            if points != usual:
                head = voice.head(YES, _effect(score, points))
            return voice.say_yes(self._values, head)
        effect = _effect(score, points)
        if limit is not None:
            return filled(self._values, _head(limit.name, "limit", effect), plain(limit.words))
        head = _head(score, "points", effect)
        return filled(self._values, head, self._telling.formulas[score])

    def _suspended(self) -> Iterator[str]:
        for name, voice in self._telling.suspendable.items():
            if name in self.decision.suspended:
                words = f"`{voice.id}` is suspended and counts as no"
                yield voice.say_plainly(self._values, NO, words)[1]

    def _others(self) -> Iterator[str]:
        """Yield every gate and rule, and the outcomes that come before the decision's."""
        telling, decision, values = self._telling, self.decision, self._values
        opened = decision.trace.open
        suspended = {
            voice.id for name, voice in telling.suspendable.items() if name in decision.suspended
        }
        for place, result in enumerate(opened.gates):
            voice = telling.gates[place]
            if place != self._gate and voice.id not in suspended:
                yield voice.say(values, result)[1]
        moved = {move[3] for move in self._moves}
        names = {move[2] for move in self._moves if move[3] is None and move[4] is None}
        for place, result in enumerate(opened.rules):
            voice = telling.rules[place]
            if place not in moved and voice.id not in suspended and voice.id not in names:
                yield voice.say(values, result)[1]
        if YES in decision.trace.closed.gates:
            return
        for place, result in enumerate(opened.outcomes):
            outcome, voice = telling.model.outcomes[place], telling.outcomes[place]
            if outcome.id == decision.outcome:
                return
            if outcome.condition is None or outcome.id in suspended:
                continue
            if result is not UNKNOWN or decision.final:
                yield voice.say_without_author(values, result)[1]
            else:
                reason = values.teller.passed_over(outcome, outcome.condition, result)
                yield voice.say_words(values, result, reason.words)[1]


def inside_sentence(spoken: Spoken, values: Values) -> str:
    """Return the words of a reason as they follow a colon."""
    words, _ = spoken
    text = words.text.fill(values)
    first = words.first if isinstance(words.first, str) else values[words.first]
    return uncapitalised(first) + text[len(first) :]


def _fixed_points(model: Model) -> Iterator[tuple[int, str, float]]:
    """Yield the place of each rule with the score it adds to and what it adds by itself."""
    for score in model.scores:
        for group in score.groups:
            for place, rule in enumerate(group.rules, start=group.first_rule):
                yield place, score.name, rule.points.fixed


def _effect(score: str, points: float) -> str:
    return f'{{"score":"{score}","points":{whole_or_not(points)}}}'


def _head(name: str, kind: str, effect: str) -> str:
    return f'{{"rule":{quoted(name)},"kind":"{kind}","result":"yes","effect":{effect},'
