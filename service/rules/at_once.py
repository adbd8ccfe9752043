"""A usual decision judged and told in one go, as the texts that are kept and answered of it.

Usual is where nothing is missing or suspended and no limit is in the way: most leads whose
form is finished. Nothing is made of it but text, so it takes a fraction of what a `Decision`
and its telling take; a test holds each text to theirs.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from service.rules.attributes import Facts
from service.rules.decide import Table
from service.rules.decided import Decided
from service.rules.json_text import number, quoted
from service.rules.meaning import Meaning
from service.rules.model import Model
from service.rules.ranges import point
from service.rules.scores import bands
from service.rules.telling import Text, sheet_for, text_of


class AtOnce(NamedTuple):
    """What a usual decision says; it is certain, exactly as a decision with nothing unknown is.

    Attributes:
        text: As `Decision.told` gives it.
        scores, trace: As they are stored, JSON.
        tabled: As of a decision.
    """

    text: Text
    scores: str
    trace: str
    tabled: Mapping[str, str]


def tell_at_once(
    meaning: Meaning, facts: Facts, *, today: date, decide: Callable[[], Decided]
) -> AtOnce | None:
    """Return the decision on *facts* told; None where it is not usual, or one of the first few.

    *decide* gives the same decision whole, for words that need it.
    """
    sheet = sheet_for(meaning.model)
    if sheet is None:
        return None
    table = Table({})
    found = meaning.outright(facts.values, today=today, registrable=table)
    if found is None:
        return None
    said = sheet.tell_outright(facts.values, found, decide=decide)
    if said is None:
        return None
    model = meaning.model
    scores = _scores_text(model, found.scores)
    grades = _grades(model, found.scores) if model.grades else {}
    outcome, told = said
    text = text_of(outcome, told, facts, scores=scores, grades=grades)
    return AtOnce(text, scores, found.to_text(), table.used)


def _scores_text(model: Model, values: tuple[float, ...]) -> str:
    spans = []
    for score, value in zip(model.scores, values, strict=True):
        at = number(value)
        spans.append(f'{quoted(score.name)}:{{"value":{at},"low":{at},"high":{at}}}')
    return f"{{{','.join(spans)}}}"


def _grades(model: Model, values: tuple[float, ...]) -> dict[str, tuple[str, ...]]:
    by_name = {score.name: value for score, value in zip(model.scores, values, strict=True)}
    return {
        grade.name: tuple(bands(grade.bands, point(by_name[grade.of]))) for grade in model.grades
    }
