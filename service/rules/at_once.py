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
from service.rules.meaning import Meaning
from service.rules.telling import Text, sheet_for, text_of


class AtOnce(NamedTuple):
    """What a usual decision says; it is certain, exactly as a decision with nothing unknown is.

    Attributes:
        text: As `Decision.told` gives it.
        facts, scores, trace: As they are stored, JSON.
        tabled: As of a decision.
    """

    text: Text
    facts: str
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
    outcome, told = said
    standing = sheet.standing(found.scores)
    text = text_of(outcome, told, facts, scores=standing.scores, grades=standing.grades)
    return AtOnce(
        text=text,
        facts=sheet.stored(facts.values, told),
        scores=standing.scores,
        trace=found.to_text(standing.spans),
        tabled=table.used,
    )
