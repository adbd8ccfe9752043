"""Warnings about a draft: what is allowed but probably not meant. None of them is a guess."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.rules.model import Model
from service.rules.uses import Use, uses_of


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that is probably not meant; *pointer* is a JSON pointer into the document."""

    code: str
    message: str
    pointer: str


def advise(model: Model) -> tuple[Advice, ...]:
    """Return what looks wrong in *model*, each finding certain: no false alarms.

    Codes: `unused` (an attribute nothing reads), `dead-end` (a disqualification that offers
    nothing).
    """
    return (*_unused(uses_of(model), model), *_dead_ends(model))


def _unused(uses: dict[str, Use], model: Model) -> Iterator[Advice]:
    for name in model.attributes:
        if uses[name].is_none:
            message = f"no rule reads `{name}`; use it or leave it out"
            yield Advice("unused", message, f"/attributes/{name}")


def _dead_ends(model: Model) -> Iterator[Advice]:
    for index, outcome in enumerate(model.outcomes):
        if outcome.verdict == "disqualify" and outcome.url is None and outcome.message is None:
            message = f"`{outcome.id}` disqualifies without an alternative; add a url or a message"
            yield Advice("dead-end", message, f"/outcomes/{index}")
