"""The rules that everybody judges by, and the leads that are judged."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["ATTRIBUTES", "CEILING", "QUALIFIES_AT", "PlainRule", "leads", "plain_rules", "rule_set"]

ATTRIBUTES: Final = tuple(f"number_{letter}" for letter in "abcdefghij")
CEILING: Final = 100
QUALIFIES_AT: Final = 60

_FOUR: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRule:
    """Points for whoever is at or above every limit."""

    id: str
    limits: tuple[tuple[str, int], ...]
    points: int


def plain_rules(count: int, *, conditions: int = _FOUR) -> tuple[PlainRule, ...]:
    """Return *count* rules of so many *conditions* each over ten numbers."""
    return tuple(
        PlainRule(
            id=f"rule_{place}",
            limits=tuple(
                (ATTRIBUTES[(place + step) % len(ATTRIBUTES)], (place * 7 + step * 13) % 100)
                for step in range(conditions)
            ),
            points=place % 9 + 1,
        )
        for place in range(count)
    )


def rule_set(
    count: int,
    *,
    conditions: int = _FOUR,
    name: str = "",
    subject: Literal["lead", "account"] = "lead",
) -> dict[str, Any]:
    """Return the document of a rule set of `plain_rules(count)`, named after its size."""
    rules = [
        {
            "id": rule.id,
            "when": " && ".join(f"{attribute} >= {limit}" for attribute, limit in rule.limits),
            "points": rule.points,
        }
        for rule in plain_rules(count, conditions=conditions)
    ]
    group = {"id": "all", "rules": rules}
    return {
        "rule_set": name or f"plain_rules_{count}",
        "subject": subject,
        "attributes": {name: {"type": "number", "min": 0, "max": 100} for name in ATTRIBUTES},
        "scores": {"fit": {"groups": [group], "floor": 0, "ceiling": CEILING}},
        "outcomes": [
            {"id": "good", "verdict": "qualify", "when": f"fit >= {QUALIFIES_AT}"},
            {"id": "rest", "verdict": "disqualify"},
        ],
    }


def leads(count: int, *, seed: int = 1) -> Iterator[dict[str, float]]:
    """Yield *count* leads, good ones and bad ones, of whom everything is known."""
    chance = random.Random(seed)
    for _ in range(count):
        level = chance.uniform(10, 110)
        yield {name: round(min(100.0, max(0.0, chance.gauss(level, 15))), 1) for name in ATTRIBUTES}
