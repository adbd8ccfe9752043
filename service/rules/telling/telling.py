"""The members of a decision as JSON text."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from service.rules.attributes import Facts
from service.rules.decided import Decided, MissingAttribute
from service.rules.json_text import number, quoted, value
from service.rules.model import Model, Outcome
from service.rules.telling.case import Case, Telling
from service.rules.telling.sheet import Sheet, Told, step_text
from service.rules.trace import ScoreRange

_MODELS_KEPT: Final = 256

Grades = Mapping[str, tuple[str, ...]]
"""By grade, the bands that a decision has."""


class Text(NamedTuple):
    """A decision's members in reading order, for others to stand between.

    *details* are the JSON members from `certain` to `missing`; *next* is an object and
    *data_problems* a list, both as JSON. The rest is plain text.
    """

    verdict: str
    outcome: str
    details: str
    next: str
    data_problems: str
    summary: str

    @property
    def whole(self) -> str:
        """All members as one JSON object."""
        return (
            f'{{"verdict":{quoted(self.verdict)},"outcome":{quoted(self.outcome)},{self.details},'
            f'"next":{self.next},"data_problems":{self.data_problems},'
            f'"summary":{quoted(self.summary)}}}'
        )


def tell(decision: Decided, *, full: bool = False) -> Text:
    """Return *decision* told; with *full*, also the rules that were no or unknown."""
    kept = _kept_of(decision.model)
    told = None if full or kept.sheet is None else kept.sheet.tell(decision)
    if told is None:
        case = Case(kept.telling, decision)
        step = step_text(decision.next)
        told = Told(case.reasons(full=full), case.summary(), _certainty(decision), step)
    missing = ",".join(map(_missing, decision.missing)) if decision.missing else ""
    return Text(
        decision.verdict,
        decision.outcome,
        _details(told, scores_text(decision.scores), _grades(decision.grades), missing),
        told.next,
        _problems(decision.facts),
        told.summary,
    )


def sheet_for(model: Model) -> Sheet | None:
    """Return what tells usual decisions of *model* outright; None until it is worth it."""
    sheet = _kept_of(model).sheet
    return sheet if sheet is not None and sheet.is_ready else None


def text_of(outcome: Outcome, told: Told, facts: Facts, *, scores: str, grades: str) -> Text:
    """Return what `tell` gives of a usual decision on *facts*; *scores* and *grades* are JSON."""
    return Text(
        outcome.verdict,
        outcome.id,
        _details(told, scores, grades, ""),
        told.next,
        _problems(facts),
        told.summary,
    )


def _problems(facts: Facts) -> str:
    return value([one.to_json() for one in facts.problems]) if facts.problems else "[]"


def scores_text(scores: Mapping[str, ScoreRange]) -> str:
    """Return the scores as a JSON object."""
    spans = []
    for name, span in scores.items():
        value, low, high = span.value, span.low, span.high
        at = number(value)
        # Nearly always all three are one and the same number.
        least = at if low is value else number(low)
        most = at if high is value else number(high)
        spans.append(f'{quoted(name)}:{{"value":{at},"low":{least},"high":{most}}}')
    return f"{{{','.join(spans)}}}"


def _details(told: Told, scores: str, grades: str, missing: str) -> str:
    return (
        f'{told.certainty},"scores":{scores},"grades":{grades},'
        f'"reasons":[{",".join(told.reasons)}],"missing":[{missing}]'
    )


def _certainty(decision: Decided) -> str:
    possible = ",".join(map(quoted, decision.possible_outcomes))
    return (
        f'"certain":{_flag(decision.certain)},'
        f'"outcome_certain":{_flag(decision.outcome_certain)},'
        f'"possible_outcomes":[{possible}],"exact":{_flag(decision.exact)}'
    )


def _flag(x: bool) -> str:  # noqa: FBT001  the value itself is the argument
    return "true" if x else "false"


def _grades(grades: Grades) -> str:
    found = (f"{quoted(name)}:[{','.join(map(quoted, bands))}]" for name, bands in grades.items())
    return f"{{{','.join(found)}}}"


def _missing(one: MissingAttribute) -> str:
    swing = (f"{quoted(score)}:{number(points)}" for score, points in one.swing.items())
    could_lead_to = ",".join(map(quoted, one.could_lead_to))
    return (
        f'{{"attribute":{quoted(one.attribute)},"label":{quoted(one.label)},'
        f'"ask":{value(one.ask)},"changes":{quoted(one.changes)},'
        f'"swing":{{{",".join(swing)}}},"could_lead_to":[{could_lead_to}]}}'
    )


class _Kept:
    """What is kept of one model. Its identity cannot become another's meanwhile."""

    __slots__ = ("model", "sheet", "telling")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.telling = Telling(model)
        self.sheet = Sheet(self.telling) if Sheet.can_tell(model) else None


_kept: dict[int, _Kept] = {}


def _kept_of(model: Model) -> _Kept:
    found = _kept.get(id(model))
    if found is None or found.model is not model:
        if len(_kept) >= _MODELS_KEPT:
            _kept.clear()
        found = _kept[id(model)] = _Kept(model)
    return found
