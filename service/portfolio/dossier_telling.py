"""What a decision says of an account, for people who were not there: pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from service.portfolio.drawing import waterfall_of
from service.portfolio.pictures import Waterfall
from service.rules import YES, Decision, Reach, RuleSet, Way
from service.rules.attributes import Attribute, Fact

__all__ = [
    "facts_told",
    "is_in_grace",
    "labels_of",
    "notes_of",
    "reach_words",
    "scores_told",
    "unknown_told",
    "value_shown",
    "ways_told",
]

_TOO_EARLY: Final = "too_early"
_GRACE: Final = "grace"
_CURRENCY: Final = re.compile("[A-Z]{3}")


def is_in_grace(decision: Decision) -> bool:
    """Return whether a gate of grace decided: one that leads to `too_early`, or is called so."""
    gates = decision.trace.closed.gates
    if YES not in gates:
        return False
    gate = decision.model.gates[gates.index(YES)]
    return decision.model.outcomes[gate.outcome].id == _TOO_EARLY or _GRACE in gate.id


def labels_of(rules: RuleSet) -> dict[str, str]:
    """Return what each outcome is called."""
    return {outcome.id: outcome.label for outcome in rules.model.outcomes}


def notes_of(rules: RuleSet) -> dict[str, str | None]:
    """Return what the author notes of each outcome: the words for the board."""
    return {outcome.id: outcome.note for outcome in rules.document.outcomes}


def scores_told(decision: Decision, *, pictured_at: str) -> list[dict[str, Any]]:
    """Return each score with what moved it, and where its picture is."""
    told = []
    for score in decision.model.scores:
        drawn = waterfall_of(decision, score.name)
        told.append(
            {
                "name": score.name,
                "label": score.label,
                "value": drawn.value,
                "low": drawn.low,
                "high": drawn.high,
                "floor": drawn.floor,
                "ceiling": drawn.ceiling,
                "steps": _steps(decision, drawn, score.name),
                "picture": f"{pictured_at}/waterfall/{score.name}.svg",
            }
        )
    return told


def _steps(decision: Decision, drawn: Waterfall, score: str) -> list[dict[str, Any]]:
    reasons = (reason for reason in decision.moves(score) if reason.effect is not None)
    return [
        {"rule": reason.rule, "words": step.words, "points": step.points, "is_limit": step.is_limit}
        for reason, step in zip(reasons, drawn.steps, strict=True)
    ]


def unknown_told(decision: Decision) -> list[dict[str, Any]]:
    """Return what nobody knows yet and could change the outcome, the most telling first."""
    return [
        {
            "attribute": one.attribute,
            "label": one.label,
            "ask": one.ask,
            "changes": one.changes,
            "could_lead_to": list(one.could_lead_to),
        }
        for one in decision.missing
    ]


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


def reach_words(reach: Reach, *, in_grace: bool, is_best: bool) -> str:
    """Return in a sentence what there is to say about ways to a better group."""
    if in_grace:
        return "It is too early to say; nothing has to change, time has to pass."
    if reach.gate is not None:
        return f"The gate `{reach.gate}` decided; no change of other facts undoes that."
    if is_best:
        return "There is no better group."
    if reach.better:
        return "By the rules themselves, everything else staying as it is:"
    whole = "" if reach.is_whole else " among what was tried"
    return f"Nothing within reach{whole}: no change of one or two known facts leads there."


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


def facts_told(
    stored: Mapping[str, object],
    provenance: Mapping[str, Mapping[str, Any]],
    *,
    rules: RuleSet | None,
    decision: Decision | None,
    measured_at: str | None,
) -> list[dict[str, Any]]:
    """Return every fact with who said it and when: first what the rules read, then the rest.

    What the rules measured comes from the ledger, as of the decision.
    """
    attributes = {} if rules is None else rules.attributes
    measured = set() if rules is None else {metric.name for metric in rules.metrics}
    told: dict[str, dict[str, Any]] = {}
    read = {} if decision is None else decision.facts.to_json()
    for name, attribute in attributes.items():
        if name in measured and name in read:
            told[name] = _fact(name, read[name], attribute, source="ledger", at=measured_at)
        elif name in stored and name not in measured:
            told[name] = _said(name, stored[name], attribute, provenance)
    for name, value in stored.items():
        if name not in told and name not in measured:
            told[name] = _said(name, value, None, provenance)
    return list(told.values())


def _said(
    name: str,
    value: object,
    attribute: Attribute | None,
    provenance: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    word = provenance.get(name, {})
    told = _fact(name, value, attribute, source=word.get("source"), at=word.get("at"))
    return told | {"others": word.get("others", [])}


def _fact(
    name: str, value: object, attribute: Attribute | None, *, source: str | None, at: str | None
) -> dict[str, Any]:
    label = name.replace("_", " ").capitalize() if attribute is None else attribute.label
    return {
        "attribute": name,
        "label": label,
        "value": value,
        "unit": None if attribute is None else attribute.unit,
        "words": value_shown(value, attribute),
        "source": source,
        "at": at,
        "others": [],
        "is_read": attribute is not None,
    }
