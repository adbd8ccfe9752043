"""What the words about a decision can see: its closed evaluation, worked out when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from service.rules.decided import Decided
from service.rules.expression import evaluate
from service.rules.expression.derived import DerivedValues
from service.rules.expression.evaluate import Known
from service.rules.expression.seen import Seen
from service.rules.expression.text import registrable_domain
from service.rules.ranges import Range, point
from service.rules.scores import bands
from service.rules.told import told_of


def sight_of(decision: Decided) -> Seen:
    """Return what the words about *decision*'s closed evaluation are made from."""
    spans = {name: point(score.value) for name, score in decision.scores.items()}
    return _sight(decision, spans, is_open=False)


def open_sight_of(decision: Decided) -> Seen:
    """Return the same while more may be answered: scores are ranges."""
    spans = {name: Range(score.low, score.high) for name, score in decision.scores.items()}
    return _sight(decision, spans, is_open=True)


def _sight(decision: Decided, spans: Mapping[str, Range], *, is_open: bool) -> Seen:
    model = decision.model
    book = told_of(model).book
    derived = DerivedValues()
    known = Known(
        values=evaluate.reading(decision.facts.values, model.attributes),
        attributes=model.attributes,
        today=decision.at.astimezone(UTC).date(),
        is_open=is_open,
        derived=derived,
        formulas=book.formulas,
        scores=spans,
        grades={grade.name: bands(grade.bands, spans[grade.of]) for grade in model.grades},
        registrable=lambda text: looked_up(text, decision),
    )
    derived.known = known
    return Seen(known, decision.facts.values, book)


def looked_up(text: str, decision: Decided) -> str:
    """Return what the table said when the decision was made, where it was asked then."""
    said = decision.tabled.get(text)
    return registrable_domain(text) if said is None else said
