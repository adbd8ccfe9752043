"""A rule set's own tests: decide their facts and say in words what differs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from service.rules.decision import Decision
from service.rules.document import SpanDocument, TestDocument
from service.rules.metrics.examples import event_of
from service.rules.metrics.measure import measure
from service.rules.metrics.model import Metric
from service.rules.ranges import six_places

Decide = Callable[[Mapping[str, object], datetime, bool], Decision]


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test's name and what differs from its expectation; nothing where it passed."""

    __test__ = False

    name: str
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.differences


def run(test: TestDocument, decide: Decide, metrics: Sequence[Metric] = ()) -> TestResult:
    """Return what *decide* makes of the test's facts, held against what it expects.

    Metrics that its facts leave out are measured from its events, where it has any.
    """
    try:
        at = datetime.fromisoformat(test.at)
    except ValueError:
        return TestResult(test.name, (f"`at` is not an instant: {test.at}",))
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    facts = {**_measured(test, metrics, at), **test.facts}
    return TestResult(test.name, tuple(_differences(test, decide(facts, at, test.final))))


def _measured(
    test: TestDocument, metrics: Sequence[Metric], at: datetime
) -> Mapping[str, float | None]:
    if test.events is None:
        return {}
    reported = test.reports
    if reported is None:
        reported = tuple(kind for metric in metrics for kind in metric.kinds)
    events = [event_of(event, place) for place, event in enumerate(test.events)]
    return measure(metrics, events, reported=reported, at=at)


def _differences(test: TestDocument, decision: Decision) -> Iterator[str]:
    expect = test.expect
    plain: dict[str, tuple[object, object]] = {
        "verdict": (expect.verdict, decision.verdict),
        "outcome": (expect.outcome, decision.outcome),
        "certain": (expect.certain, decision.certain),
    }
    for what, (wanted, found) in plain.items():
        if wanted is not None and wanted != found:
            yield f"{what} is {_word(found)}, expected {_word(wanted)}"
    yield from _score_differences(test, decision)
    for name, bands in expect.grades.items():
        wanted_bands = (bands,) if isinstance(bands, str) else bands
        found_bands = decision.grades.get(name)
        if found_bands is None:
            yield f"there is no grade `{name}`"
        elif set(found_bands) != set(wanted_bands):
            yield f"grade {name} is {_either(found_bands)}, expected {_either(wanted_bands)}"
    if expect.ask_first is not None:
        first = decision.missing[0].attribute if decision.missing else "nothing"
        if first != expect.ask_first:
            yield f"`{first}` is asked first, expected `{expect.ask_first}`"
    yield from _rule_differences(test, decision)


def _score_differences(test: TestDocument, decision: Decision) -> Iterator[str]:
    for name, wanted in test.expect.scores.items():
        found = decision.scores.get(name)
        if found is None:
            yield f"there is no score `{name}`"
        elif isinstance(wanted, SpanDocument):
            if (found.low, found.high) != (six_places(wanted.low), six_places(wanted.high)):
                span = f"{found.low:g} to {found.high:g}"
                yield f"{name} is from {span}, expected {wanted.low:g} to {wanted.high:g}"
        elif found.value != six_places(wanted):
            yield f"{name} is {found.value:g}, expected {wanted:g}"


def _rule_differences(test: TestDocument, decision: Decision) -> Iterator[str]:
    model, results = decision.model, decision.trace.open
    found = {gate.id: r.value for gate, r in zip(model.gates, results.gates, strict=True)}
    found |= {rule.id: r.value for rule, r in zip(model.rules, results.rules, strict=True)}
    for name, wanted in test.expect.rules.items():
        if name not in found:
            yield f"there is no rule `{name}`"
        elif found[name] != wanted:
            yield f"rule {name} is {found[name]}, expected {wanted}"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _either(bands: tuple[str, ...]) -> str:
    return " or ".join(bands)
