"""The same rules in everybody's own language, each as its users would write them."""

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.rules import CEILING, QUALIFIES_AT, PlainRule

__all__ = ["to_cel", "to_jdm", "to_json_rules", "to_sql"]


def to_jdm(rules: Sequence[PlainRule]) -> str:
    """Return *rules* as a GoRules graph: one expression a rule, then the score and the verdict.

    Of the forms that zen-engine offers, this is the fastest that says of each rule what it gave.
    """
    expressions = [
        {"id": rule.id, "key": rule.id, "value": _joined(rule, " and ", ">= {}")} for rule in rules
    ]
    total = " + ".join(f"($.{rule.id} ? {rule.points} : 0)" for rule in rules)
    verdict = f"$.fit >= {QUALIFIES_AT} ? 'qualify' : 'disqualify'"
    expressions += [
        {"id": "fit", "key": "fit", "value": f"min([{CEILING}, {total}])"},
        {"id": "verdict", "key": "verdict", "value": verdict},
    ]
    graph = {
        "nodes": [
            {"id": "asked", "type": "inputNode", "name": "asked", "content": {}},
            {
                "id": "rules",
                "type": "expressionNode",
                "name": "rules",
                "content": {"expressions": expressions},
            },
            {"id": "answer", "type": "outputNode", "name": "answer", "content": {}},
        ],
        "edges": [
            {"id": "in", "type": "edge", "sourceId": "asked", "targetId": "rules"},
            {"id": "out", "type": "edge", "sourceId": "rules", "targetId": "answer"},
        ],
    }
    return json.dumps(graph)


def to_cel(rules: Sequence[PlainRule]) -> list[dict[str, Any]]:
    """Return the CEL text and the points of each of *rules*."""
    return [{"when": _joined(rule, " && ", ">= {}.0"), "points": rule.points} for rule in rules]


def to_cel_as_one(rules: Sequence[PlainRule]) -> str:
    """Return the sum of *rules* as a single CEL expression, which says nothing of each rule."""
    return " + ".join(f"({_joined(rule, ' && ', '>= {}.0')} ? {rule.points} : 0)" for rule in rules)


def to_json_rules(rules: Sequence[PlainRule]) -> list[dict[str, Any]]:
    """Return *rules* for json-rules-engine."""
    return [
        {
            "name": rule.id,
            "conditions": {
                "all": [
                    {"fact": attribute, "operator": "greaterThanInclusive", "value": limit}
                    for attribute, limit in rule.limits
                ]
            },
            "event": {"type": rule.id, "params": {"points": rule.points}},
        }
        for rule in rules
    ]


def to_sql(rules: Sequence[PlainRule], *, facts: str) -> str:
    """Return the fit that *rules* give, as an SQL expression over the jsonb column *facts*."""
    total = " + ".join(
        "CASE WHEN "
        + " AND ".join(
            f"({facts} ->> '{attribute}')::float8 >= {limit}" for attribute, limit in rule.limits
        )
        + f" THEN {rule.points} ELSE 0 END"
        for rule in rules
    )
    return f"least({CEILING}, {total})"


def _joined(rule: PlainRule, word: str, form: str) -> str:
    return word.join(f"{attribute} {form.format(limit)}" for attribute, limit in rule.limits)
