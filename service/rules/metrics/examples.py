"""The events that a rule set's own tests give: examples of a ledger."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from service.rules.document import EventDocument, RuleSetDocument
from service.rules.metrics.kinds import KINDS, Declared
from service.rules.metrics.measure import Event
from service.rules.metrics.model import Costed, Metric
from service.rules.problems import did_you_mean
from service.rules.source import pointer_to


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with an example, and where."""

    code: str
    message: str
    pointer: str
    suggestion: str | None = None


def event_of(event: EventDocument, place: int) -> Event:
    """Return an example as an event; of two at the same instant, the later in the file is later.

    Raises:
        ValueError: If its `at` is no instant, which `example_problems` tells.
    """
    at = datetime.fromisoformat(event.at)
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return Event(kind=event.event, at=at, quantities=event.quantities, id=f"{place:09}")


def example_problems(document: RuleSetDocument, metrics: Iterable[Metric]) -> Iterator[Finding]:
    """Yield what is wrong with the events of the tests of *document*."""
    known = _known(metrics)
    for number, test in enumerate(document.tests):
        for key in ("events", "reports"):
            if getattr(test, key) is not None and document.metrics is None:
                message = f"`{key}` is for metrics, and the rule set declares none"
                yield Finding("value", message, f"/tests/{number}/{key}")
        for place, kind in enumerate(test.reports or ()):
            yield from _kind(kind, known, f"/tests/{number}/reports/{place}")
        for place, event in enumerate(test.events or ()):
            yield from _event(event, known, f"/tests/{number}/events/{place}")


def _known(metrics: Iterable[Metric]) -> Mapping[str, Mapping[str, Declared]]:
    """Return what an event says, by the kinds that some metric looks at."""
    found: dict[str, dict[str, Declared]] = {}
    for metric in metrics:
        for kind in metric.kinds:
            own = found.setdefault(kind, dict(KINDS.get(kind, {})))
            if isinstance(metric, Costed):
                own.update(dict.fromkeys(metric.rates[kind], Declared("number")))
            else:
                own.update(metric.quantities)
    return found


def _kind(
    kind: str, known: Mapping[str, Mapping[str, Declared]], pointer: str
) -> Iterator[Finding]:
    if known and kind not in known:
        hint, meant = did_you_mean(kind, known)
        yield Finding("unknown-name", f"no metric looks at `{kind}`{hint}", pointer, meant)


def _event(
    event: EventDocument, known: Mapping[str, Mapping[str, Declared]], pointer: str
) -> Iterator[Finding]:
    yield from _kind(event.event, known, f"{pointer}/event")
    try:
        event_of(event, 0)
    except ValueError:
        message = "`at` is a day or an instant, such as 2025-12-31 or 2025-12-31T09:00:00Z"
        yield Finding("value", message, f"{pointer}/at")
    said = known.get(event.event, {})
    for name, value in event.quantities.items() if said or event.event in known else ():
        where = pointer + pointer_to(name)
        if name not in said:
            hint, meant = did_you_mean(name, said)
            message = f"`{name}` is not a quantity of `{event.event}`{hint}"
            yield Finding("unknown-name", message, where, meant)
        elif said[name].read(value) is None:
            message = f"`{name}` of `{event.event}` is a {said[name].type}"
            yield Finding("type", message, where)
