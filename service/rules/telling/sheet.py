"""The usual decision told at once: nothing missing or suspended, and no limit in the way.

Rules with fixed points that count are told in one order for everybody, and what they say is
nearly always the same but for the subject's values. So generated functions go through the
rules once and write their reasons. What is not usual is told by `Case`, and both are held to
the reference by the tests of telling.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from service.rules.compiled_scores import stays_whole
from service.rules.decided import Decided, Next
from service.rules.expression.tokens import number
from service.rules.json_text import quoted, value
from service.rules.model import Model, Outcome, Score
from service.rules.ranges import limit
from service.rules.telling.case import NO_OTHER, Telling, inside_sentence
from service.rules.telling.reasons import Spoken
from service.rules.telling.sheet_writing import Counted, RulesWriter, writers_of
from service.rules.telling.values import Values
from service.rules.told import told_of
from service.rules.trace import Trace
from service.rules.truth import YES

COMPILED_AFTER: Final = 8
"""How many usual decisions there were before the functions are worth compiling."""


class Told(NamedTuple):
    """A decision's reasons as JSON objects, its summary, and the members that its outcome has.

    *certainty* are the JSON members from `certain` to `exact`, *next* is a JSON object.
    """

    reasons: list[str]
    summary: str
    certainty: str
    next: str


@dataclass(frozen=True, slots=True)
class _Ending:
    """What is the same for all who come to one outcome.

    Attributes:
        above: The least of the main score that outcomes further up ask for, with their ids.
    """

    outcome: Outcome
    place: int
    certainty: str
    next: str
    above: tuple[tuple[float, str], ...]


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
        self._endings = {one.id: _ending(one, model, main) for one in model.outcomes}
        self._wanted = 0
        self._writers: tuple[RulesWriter, ...] | None = None

    @staticmethod
    def can_tell(model: Model) -> bool:
        """Return whether rules that count have one order for everybody."""
        return bool(model.scores) and all(map(stays_whole, model.scores))

    def tell(self, decision: Decided) -> Told | None:
        """Return *decision* told; None where it is not a usual one, or one of the first few."""
        trace, telling = decision.trace, self._telling
        if (
            trace.open is not trace.closed
            or decision.suspended
            or _is_limited(telling.model, trace)
        ):
            return None
        writers = self._writers or self._written()
        if writers is None:
            return None
        values = Values(telling.slots, decision)
        ending = self._endings[decision.outcome]
        gates = trace.closed.gates
        spoken = (
            telling.gates[gates.index(YES)].say_yes(values)
            if YES in gates
            else self._say_outcome(values, ending)
        )
        reasons, said = [spoken[1]], list[str]()
        for write in writers:
            write(values, values.facts, trace.effects, reasons.append, said)
        if YES in gates:  # it alone decided
            summary = f"{ending.outcome.label}: {inside_sentence(spoken, values)}."
        else:
            main = trace.scores[self._main].value
            head = f"{ending.outcome.label}: {self._label} {number(main)}{self._most}"
            summary = ". ".join((f"{head}{_short_of(ending, main)}", *said)) + "."
        return Told(reasons, summary, ending.certainty, ending.next)

    def _written(self) -> tuple[RulesWriter, ...] | None:
        """Return the functions, once there was reason enough to have them compiled."""
        self._wanted += 1
        if self._wanted <= COMPILED_AFTER:
            return None
        main = self._telling.model.scores[self._main].name
        self._writers = writers_of(_counted(self._telling.model), self._telling, main)
        return self._writers

    def _say_outcome(self, values: Values, ending: _Ending) -> Spoken:
        voice, outcome = self._telling.outcomes[ending.place], ending.outcome
        if outcome.condition is None:
            return voice.say_plainly(values, YES, outcome.reason or NO_OTHER)
        return voice.say_yes(values)


def _counted(model: Model) -> list[Counted]:
    """Return the rules in the order in which those that count are told."""
    found = [
        Counted(place, rule.points.fixed, score.name)
        for score in model.scores
        for group in score.groups
        for place, rule in enumerate(group.rules, start=group.first_rule)
    ]
    return sorted(found, key=lambda one: -abs(one.points))


def _is_limited(model: Model, trace: Trace) -> bool:
    """Return whether a limit of a group or a score took something away or added it."""
    for score, span in zip(model.scores, trace.scores, strict=True):
        total = 0.0
        for group in score.groups:
            first = group.first_rule
            summed = sum(trace.effects[first : first + len(group.rules)])
            if limit(summed, group.floor, group.cap) != summed:
                return True
            total += summed
        if total != span.value:
            return True
    return False


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
