"""The usual decision told at once: nothing missing or suspended, and no limit in the way.

Rules with fixed points that count are told in one order for everybody, and what they say is
nearly always the same but for the subject's values. So generated functions go through the
rules once and write their reasons. What is not usual is told by `Case`, and both are held to
the reference by the tests of telling.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from service.rules.attributes import Fact
from service.rules.compiled_scores import stays_whole
from service.rules.decided import Decided, Next
from service.rules.expression.tokens import number
from service.rules.json_text import quoted, value
from service.rules.model import Model, Outcome, Score
from service.rules.telling.case import NO_OTHER, Telling, inside_sentence
from service.rules.telling.sheet_numbers import Numbers
from service.rules.telling.sheet_scores import Standing, is_limited, limits_of, standing_of
from service.rules.telling.sheet_writing import (
    Counted,
    OutcomeWriter,
    RulesWriter,
    Writer,
    outcome_writer,
    writers_of,
)
from service.rules.telling.values import Values
from service.rules.told import told_of
from service.rules.trace import Outright, letters_of
from service.rules.truth import YES

_YES: Final = letters_of([YES])
COMPILED_AFTER: Final = 8
"""How many usual decisions there were before the functions are worth compiling."""

_KEPT: Final = 500


class Told(NamedTuple):
    """A decision's reasons as JSON objects, its summary, and the members that its outcome has.

    *certainty* are the JSON members from `certain` to `exact`, *next* is a JSON object. *shown*
    are the numbers as `Numbers` gives them, where they are known.
    """

    reasons: list[str]
    summary: str
    certainty: str
    next: str
    shown: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Ending:
    """What is the same for all who come to one outcome.

    Attributes:
        above: The least of the main score that outcomes further up ask for, with their ids.
        heads: How the summary begins, by the main score; a few hundred whole numbers at most.
    """

    outcome: Outcome
    place: int
    certainty: str
    next: str
    above: tuple[tuple[float, str], ...]
    heads: dict[float, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class _Writers:
    """The generated functions: one for each outcome, and those that go through the rules."""

    outcomes: tuple[OutcomeWriter, ...]
    rules: tuple[RulesWriter, ...]
    read_values: bool


class Sheet:
    """Tells the usual decisions of one rule set."""

    def __init__(self, telling: Telling) -> None:
        """Work out what is the same for everybody; `can_tell` says of whom there is a sheet."""
        model = telling.model
        told = told_of(model)
        main = told.asked_scores[0]
        self._telling = telling
        self._main = model.scores.index(main)
        self._label, self._most = told.scores[main.name]
        self._endings = [_ending(one, model, main) for one in model.outcomes]
        self._limits = tuple(limits_of(model))
        self._names = [score.name for score in model.scores]
        self._numbers = Numbers(model)
        self._standings: dict[tuple[float, ...], Standing] = {}
        self._unread = Values(telling.slots, {}, scores={}, checks="", decide=_unasked)
        self._wanted = 0
        self._writers: _Writers | None = None

    @staticmethod
    def can_tell(model: Model) -> bool:
        """Return whether rules that count have one order for everybody."""
        return bool(model.scores) and all(map(stays_whole, model.scores))

    @property
    def is_ready(self) -> bool:
        """Whether there were usual decisions enough for `tell_outright` to be worth asking."""
        return self._writers is not None

    def tell(self, decision: Decided) -> Told | None:
        """Return *decision* told; None where it is not a usual one, or one of the first few."""
        trace, telling = decision.trace, self._telling
        if trace.open is not trace.closed or decision.suspended:
            return None
        gates = trace.closed.gates
        return self._tell(
            lambda: Values.of(telling.slots, decision),
            decision.facts.values,
            self._endings[telling.places[decision.outcome]],
            gate=gates.index(YES) if YES in gates else None,
            effects=trace.effects,
            scores=[score.value for score in trace.scores],
        )

    def tell_outright(
        self,
        facts: Mapping[str, Fact],
        found: Outright,
        *,
        decide: Callable[[], Decided],
    ) -> tuple[Outcome, Told] | None:
        """Return what *found* comes to and says; None where that is not usual.

        *decide* gives the whole decision on the same *facts*, for words that need it.
        """
        model = self._telling.model
        gate = found.gates.find(_YES)
        place = found.outcomes.index(_YES) if gate < 0 else model.gates[gate].outcome
        ending = self._endings[place]
        told = self._tell(
            lambda: Values(
                self._telling.slots,
                facts,
                scores=dict(zip(self._names, found.scores, strict=True)),
                checks=found.checks,
                decide=decide,
            ),
            facts,
            ending,
            gate=None if gate < 0 else gate,
            effects=found.effects,
            scores=found.scores,
        )
        return None if told is None else (ending.outcome, told)

    def stored(self, facts: Mapping[str, Fact], told: Told) -> str:
        """Return *facts*, of which *told* tells, as they are stored."""
        return self._numbers.stored(facts, told.shown)

    def standing(self, scores: tuple[float, ...]) -> Standing:
        """Return what is said of *scores*, which are sums of whole points and often the same."""
        found = self._standings.get(scores)
        if found is None:
            if len(self._standings) >= _KEPT:
                self._standings.clear()
            found = self._standings[scores] = standing_of(self._telling.model, scores)
        return found

    def _tell(
        self,
        read: Callable[[], Values],
        facts: Mapping[str, Fact],
        ending: _Ending,
        *,
        gate: int | None,
        effects: Sequence[float],
        scores: Sequence[float],
    ) -> Told | None:
        if self._limits and is_limited(self._limits, effects, scores):
            return None
        writers = self._writers or self._written()
        if writers is None:
            return None
        words, shown = self._numbers.texts(facts, scores)
        values = read() if writers.read_values or gate is not None else self._unread
        if gate is None:
            reasons = [writers.outcomes[ending.place](values, words, shown)]
            summary = self._head(ending, scores[self._main])
        else:  # it alone decided
            spoken = self._telling.gates[gate].say_yes(values)
            reasons = [spoken[1]]
            summary = f"{ending.outcome.label}: {inside_sentence(spoken, values)}"
        said: list[str] = []
        for write in writers.rules:
            write(values, words, shown, effects, reasons.append, said)
        if gate is None and said:
            summary = f"{summary}. {'. '.join(said)}"
        return Told(reasons, f"{summary}.", ending.certainty, ending.next, shown)

    def _head(self, ending: _Ending, main: float) -> str:
        """Return how the summary begins that no gate decided."""
        found = ending.heads.get(main)
        if found is None:
            if len(ending.heads) >= _KEPT:
                ending.heads.clear()
            score = f"{self._label} {number(main)}{self._most}"
            found = f"{ending.outcome.label}: {score}{_short_of(ending, main)}"
            ending.heads[main] = found
        return found

    def _written(self) -> _Writers | None:
        """Return the functions, once there was reason enough to have them compiled."""
        self._wanted += 1
        if self._wanted <= COMPILED_AFTER:
            return None
        telling, numbers, model = self._telling, self._numbers, self._telling.model
        main = model.scores[self._main].name
        outcomes = [self._outcome_writer(place) for place in range(len(model.outcomes))]
        rules = writers_of(_counted(model), telling, numbers, main=main)
        self._writers = _Writers(
            outcomes=tuple(one.write for one in outcomes),
            rules=tuple(one.write for one in rules),
            read_values=any(one.reads_values for one in outcomes)
            or any(one.reads_values for one in rules),
        )
        return self._writers

    def _outcome_writer(self, place: int) -> Writer[OutcomeWriter]:
        voice = self._telling.outcomes[place]
        outcome = self._telling.model.outcomes[place]
        if outcome.condition is not None:
            return outcome_writer(voice, self._telling, self._numbers)
        reason = voice.say_unasked(outcome.reason or NO_OTHER)
        return Writer(lambda *_: reason, reads_values=False)


def _unasked() -> Decided:
    raise AssertionError("no value is read where the generated functions read none")


def _counted(model: Model) -> list[Counted]:
    """Return the rules in the order in which those that count are told."""
    found = [
        Counted(place, rule.points.fixed, score.name)
        for score in model.scores
        for group in score.groups
        for place, rule in enumerate(group.rules, start=group.first_rule)
    ]
    return sorted(found, key=lambda one: -abs(one.points))


def _ending(outcome: Outcome, model: Model, main: Score) -> _Ending:
    place = model.outcomes.index(outcome)
    above = [asked for _, asked in told_of(model).ladder[:place] if asked is not None]
    names = [name for name, asked in told_of(model).ladder[:place] if asked is not None]
    return _Ending(
        outcome=outcome,
        place=place,
        certainty=(
            '"certain":true,"outcome_certain":true,'
            f'"possible_outcomes":[{quoted(outcome.id)}],"exact":false'
        ),
        next=step_text(Next(outcome.action, outcome.url, outcome.message, outcome.assign)),
        above=tuple(
            (least, name)
            for name, (score, least) in zip(names, above, strict=True)
            if score == main.name
        ),
    )


def step_text(step: Next) -> str:
    """Return what to do next as a JSON object."""
    return (
        f'{{"action":{value(step.action)},"url":{value(step.url)},'
        f'"message":{value(step.message)},"assign":{value(step.assign)}}}'
    )


def _short_of(ending: _Ending, main: float) -> str:
    """Return how far the nearest outcome further up is, where only the score keeps it away."""
    gaps = [(least - main, name) for least, name in ending.above if least > main]
    if not gaps:
        return ""
    gap, name = min(gaps)
    return f", {number(gap)} short of {name}"
