"""Findings about names and words: nobody reads it, nobody is helped, too much is told."""

import re
from collections.abc import Iterator
from typing import Final

from service.rules.advising.found import Advice
from service.rules.model import Model, Outcome
from service.rules.uses import Reader, expressions, uses_of

_PERSONS_ADDRESS: Final = re.compile(r"\b[a-z]+\.[a-z]+@[a-z0-9.-]+\.[a-z]{2,}\b", re.IGNORECASE)


def unread(model: Model) -> Iterator[Advice]:
    """Yield `unused` for every attribute or metric that nothing reads."""
    reader = Reader.of(model)
    behind = {
        name: derived.name for derived in model.derived for name in reader.attributes(derived.node)
    }
    for name, use in uses_of(model, expressions(model)).items():
        if not use.is_none:
            continue
        message = f"no rule reads `{name}`"
        if name in behind:
            message += f"; only `{behind[name]}` does, which no rule reads either"
        place = "metrics" if any(metric.name == name for metric in model.metrics) else "attributes"
        yield Advice("unused", f"{message}; use it or leave it out", f"/{place}/{name}")


def dead_ends(model: Model) -> Iterator[Advice]:
    """Yield `dead-end` for every disqualification that offers nothing."""
    for index, outcome in enumerate(model.outcomes):
        if outcome.verdict == "disqualify" and outcome.url is None and outcome.message is None:
            message = f"`{outcome.id}` disqualifies without an alternative; add a url or a message"
            yield Advice("dead-end", message, f"/outcomes/{index}")


def personal(model: Model) -> Iterator[Advice]:
    """Yield `personal` where an outcome's public words hold, or mean to hold, personal data."""
    names = [name for name, attribute in model.attributes.items() if attribute.pii]
    names += _personal_derived(model, set(names))
    for index, outcome in enumerate(model.outcomes):
        for key, words in _public(outcome):
            pointer = f"/outcomes/{index}/{key}"
            for name in names:
                if re.search(rf"[{{<%$]\s*{name}\s*[}}>%]?(?![a-z0-9_])", words):
                    message = (
                        f"the {key} of `{outcome.id}` names `{name}`, which is personal;"
                        " public words are shown as they are and to everybody: leave it out"
                    )
                    yield Advice("personal", message, pointer)
            if _PERSONS_ADDRESS.search(words):
                message = f"the {key} of `{outcome.id}` holds somebody's address"
                yield Advice("personal", f"{message}; use a shared one or a link", pointer)


def _personal_derived(model: Model, personal_names: set[str]) -> list[str]:
    reader = Reader.of(model)
    return [d.name for d in model.derived if reader.attributes(d.node) & personal_names]


def _public(outcome: Outcome) -> Iterator[tuple[str, str]]:
    if outcome.message is not None:
        yield "message", outcome.message
    if outcome.url is not None:
        yield "url", outcome.url
