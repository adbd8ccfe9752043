"""What lies around a decision, in words: pure."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from service.rules.attributes import Attribute, Fact
from service.rules.reach import Reach, Way
from service.rules.ruleset import RuleSet

__all__ = ["reach_words", "value_shown", "ways_told"]

_CURRENCY: Final = re.compile("[A-Z]{3}")


def ways_told(rules: RuleSet, ways: Sequence[Way]) -> list[dict[str, Any]]:
    """Return ways to other outcomes with their words, the smallest change first."""
    outcomes = {outcome.id: outcome for outcome in rules.model.outcomes}
    return [
        {
            "outcome": way.outcome,
            "label": outcomes[way.outcome].label,
            "verdict": outcomes[way.outcome].verdict,
            "action": outcomes[way.outcome].action,
            "changes": list(_changes(rules, way)),
            "words": " and ".join(change["words"] for change in _changes(rules, way)),
        }
        for way in ways
    ]


def reach_words(reach: Reach, *, in_grace: bool = False, is_best: bool = False) -> str:
    """Return in a sentence what there is to say about ways elsewhere."""
    if in_grace:
        return "It is too early to say; nothing has to change, time has to pass."
    if reach.gate is not None:
        return f"The gate `{reach.gate}` decided; no change of other facts undoes that."
    if is_best:
        return "There is no better group."
    if reach.better:
        return "By the rules themselves, everything else staying as it is:"
    whole = "" if reach.is_whole else " among what was tried"
    return f"Nothing within reach{whole}: no change of up to three known facts leads there."


def value_shown(value: Fact | object, attribute: Attribute | None) -> str:
    """Return a fact as people read it, with its unit."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            unit = None if attribute is None else attribute.unit
            return _number(value) if unit is None else f"{_number(value, unit)}\u00a0{unit}"
        case date():
            return value.isoformat()
        case tuple() | list():
            return ", ".join(value_shown(item, None) for item in value) or "none"
        case None:
            return "none"
        case _:
            return str(value)


def _changes(rules: RuleSet, way: Way) -> Iterator[dict[str, Any]]:
    for change in way.changes:
        attribute = rules.attributes[change.attribute]
        before = value_shown(change.before, attribute)
        after = value_shown(change.after, attribute)
        bound = ""
        if isinstance(change.after, float) and isinstance(change.before, float):
            bound = "at least " if change.after > change.before else "at most "
        yield {
            "attribute": change.attribute,
            "label": attribute.label,
            "before": _json(change.before),
            "after": _json(change.after),
            "words": f"{attribute.label}: from {before} to {bound}{after}",
        }


def _number(value: float, unit: str = "") -> str:
    """Return a number with its thousands apart; money that is not whole has its cents."""
    whole, _, places = f"{value:,.6f}".replace("-", "\u2212").partition(".")
    places = places.rstrip("0")
    if _CURRENCY.fullmatch(unit) and places:
        places = places.ljust(2, "0")
    return f"{whole}.{places}" if places else whole


def _json(value: Fact) -> object:
    return list(value) if isinstance(value, tuple) else _plain(value)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
