"""A rule set's model, facts and a clock make a decision; nothing else enters."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from service.rules.attributes import Fact, Facts
from service.rules.decided import MissingAttribute, Next
from service.rules.decision import Decision
from service.rules.expression import text
from service.rules.meaning import Meaning
from service.rules.model import Model
from service.rules.questions import possible_outcomes
from service.rules.ranges import Range
from service.rules.scores import bands
from service.rules.settling import Prospect, Prospects, is_unsettled
from service.rules.trace import Outline, Trace
from service.rules.truth import YES


@dataclass(slots=True)
class Table:
    """`registrable_domain` with a memory: what a replay hands in, and what was looked up."""

    given: Mapping[str, str]
    used: dict[str, str] = field(default_factory=dict)

    def __call__(self, value: str) -> str:
        """Return the registrable domain of *value*, and remember it."""
        found = self.given.get(value)
        self.used[value] = found if found is not None else text.registrable_domain(value)
        return self.used[value]

    def look_up(self, value: str) -> str:
        """Return the same without remembering it."""
        return self.given.get(value) or text.registrable_domain(value)


def decide(
    meaning: Meaning,
    facts: Facts,
    *,
    at: datetime,
    prospects: Prospects,
    final: bool = False,
    suspended: Collection[str] = (),
    tabled: Mapping[str, str] | None = None,
    with_missing: bool = True,
) -> Decision:
    """Return the decision on *facts* at the instant *at*: pure, and total on admitted facts.

    Args:
        meaning: The rule set and the form in which it is evaluated.
        facts: What the door admitted.
        at: The one clock of the decision, with a time zone.
        prospects: Finds what may still follow where that is not settled.
        final: No more answers will come; unknown conditions count as no.
        suspended: Ids of rules and gates, and `outcome:` ids, that count as no.
        tabled: What shipped tables said when this decision was first made.
        with_missing: Say what is missing; else a final decision is the same without it.

    Raises:
        ValueError: If *at* has no time zone.
    """
    model, out = meaning.model, frozenset(suspended)
    today = day_of(at)
    table = Table(tabled or {})
    trace = meaning.judge(facts.values, today=today, suspended=out, registrable=table)
    closing = _closing(model, trace)
    if trace.open is trace.closed:  # nothing is unknown: the first that is yes follows
        end = prospects.ends[closing]
        return Decision(
            end.verdict,
            end.outcome,
            certain=True,
            outcome_certain=True,
            possible_outcomes=end.possible,
            exact=False,
            scores=dict(zip(prospects.score_names, trace.scores, strict=True)),
            grades=_grades(model, trace) if model.grades else {},
            missing=(),
            next=end.step,
            facts=facts,
            trace=trace,
            at=at,
            final=final,
            suspended=tuple(sorted(out)) if out else (),
            tabled=table.used,
            model=model,
        )
    possible = possible_outcomes(model, trace.open)
    if len(possible) == 1:
        prospect = prospects.alone[possible[0]]
    elif final and not with_missing:
        prospect = Prospect(possible)
    else:

        def evaluate(values: Mapping[str, Fact]) -> Outline:
            return meaning.outline(values, today=today, suspended=out, registrable=table.look_up)

        prospect = prospects.find(
            facts.values,
            possible,
            today=today,
            suspended=out,
            final=final,
            evaluate=evaluate,
            is_pure=not table.given,
        )
        possible = prospect.possible
    place = closing if closing in possible else possible[0]
    outcome = model.outcomes[place]
    is_certain = len(possible) == 1 or not is_unsettled(model, possible)
    is_undecided = prospect.asks and not is_certain
    return Decision(
        verdict="undecided" if is_undecided else outcome.verdict,
        outcome=outcome.id,
        certain=is_certain,
        outcome_certain=len(possible) == 1,
        possible_outcomes=tuple([model.outcomes[place].id for place in possible]),
        exact=prospect.is_exact,
        scores=dict(zip(prospects.score_names, trace.scores, strict=True)),
        grades=_grades(model, trace) if model.grades else {},
        missing=prospect.missing,
        next=_asking(prospect.missing) if is_undecided else prospects.steps[place],
        facts=facts,
        trace=trace,
        at=at,
        final=final,
        suspended=tuple(sorted(out)) if out else (),
        tabled=table.used,
        model=model,
    )


def look_up_in(tabled: Mapping[str, str]) -> Callable[[str], str]:
    """Return `registrable_domain` as it was where *tabled* has it."""
    return Table(tabled).look_up


def day_of(at: datetime) -> date:
    """Return the UTC day of a decision's clock.

    Raises:
        ValueError: If *at* has no time zone.
    """
    if at.tzinfo is None:
        msg = "a decision's instant needs a time zone; use UTC"
        raise ValueError(msg)
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).date()


def _closing(model: Model, trace: Trace) -> int:
    """Return the place of the outcome if nothing more is answered."""
    gates = trace.closed.gates
    if YES in gates:
        return model.gates[gates.index(YES)].outcome
    return trace.closed.outcomes.index(YES)


def _grades(model: Model, trace: Trace) -> dict[str, tuple[str, ...]]:
    spans = {s.name: r for s, r in zip(model.scores, trace.scores, strict=True)}
    found: dict[str, tuple[str, ...]] = {}
    for grade in model.grades:
        span = spans[grade.of]
        touched = bands(grade.bands, Range(span.low, span.high))
        found[grade.name] = tuple(name for name, _ in grade.bands if name in touched)
    return found


def _asking(missing: tuple[MissingAttribute, ...]) -> Next:
    question = next((attribute.ask for attribute in missing if attribute.ask is not None), None)
    return Next("ask", None, question, None)
