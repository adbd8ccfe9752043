"""What a decision says of an account, for people who were not there: pure."""

from collections.abc import Mapping
from typing import Any, Final

from service.portfolio.drawing import waterfall_of
from service.portfolio.pictures import Waterfall
from service.rules import YES, Attribute, Decision, RuleSet, value_shown

__all__ = [
    "facts_told",
    "is_in_grace",
    "labels_of",
    "notes_of",
    "scores_told",
    "unknown_told",
]

_TOO_EARLY: Final = "too_early"
_GRACE: Final = "grace"


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
    return told | {"by": word.get("by"), "others": word.get("others", [])}


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
        "by": None,
        "others": [],
        "is_read": attribute is not None,
    }
