"""Published scorecards, translated from plain data into rule sets, and computed by hand.

The two halves share nothing: `rule_set_of` writes expressions, `points_by_hand` reads the
same data in plain Python. Where both agree on many leads, the rule set says what its authors
published.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Value = Any
"""A text, number, flag or list of them, as the cards hold it."""

When = Json | str
"""A condition of a card; `else` always holds."""

SENIORITY = ["individual", "manager", "director", "vp", "c_level"]
STAND_INS = {
    "<target>": ["software", "finance"],
    "<free mail>": ["gmail.com", "yahoo.com"],
    "<competitors>": ["rival.example"],
    "<complementary tool>": "slack",
    "<competitor>": "rivalsoft",
    "<ICP countries>": ["USA", "Germany"],
    "<very large>": 1_000_000,
}
"""What the published tables leave to their readers, filled in."""

_FORMS = {
    "gt": "{name} > {value}",
    "gte": "{name} >= {value}",
    "lt": "{name} < {value}",
    "lte": "{name} <= {value}",
    "eq": "{name} == {value}",
    "in": "{name} in {value}",
    "regex": "{name}.matches({value})",
    "contains": "{name}.contains({value})",
    "includes": "{value} in {name}",
}


def rule_set_of(card: Json) -> Json:
    """Return *card* as a rule set: its groups as one score, or its routes as gates."""
    rules = [rule for group in card.get("groups", [card]) for rule in group["rules"]]
    document: Json = {
        "rule_set": card["id"],
        "title": card["name"],
        "description": f"Restated from {card['source']}"[:2000],
        "missing": "assume_no",
        "attributes": attributes_of(card),
        "outcomes": [
            {"id": "take", "verdict": "qualify", "when": _threshold(card)},
            {"id": "look", "verdict": "review"},
        ],
    }
    if "groups" in card:
        document["scores"] = {"score": {"groups": [_group(group) for group in card["groups"]]}}
        return document
    document["gates"] = [
        {"id": rule["id"], "when": expression_of(rule["when"]), "then": _route(rule["id"])}
        for rule in sorted(rules, key=lambda rule: rule["id"] != "deprioritise")
    ]
    document["outcomes"] = [
        {"id": "route", "verdict": "qualify", "only_by_gate": True},
        {"id": "wait", "verdict": "review", "only_by_gate": True},
        {"id": "self_serve", "verdict": "disqualify", "message": "You can begin by yourself"},
    ]
    return document


def expression_of(when: When) -> str:
    """Return one condition of a card as an expression."""
    if isinstance(when, str):
        return "true"
    for word, sign in (("all", " && "), ("any", " || ")):
        if word in when:
            return sign.join(f"({expression_of(part)})" for part in when[word])
    name, value = when["attr"], _filled(when["value"])
    operator = "includes" if when["op"] == "contains" and name != "title" else when["op"]
    if operator == "between":
        return f"between({name}, {value[0]}, {value[1]})"
    return _FORMS[operator].format(name=name, value=json.dumps(value))


def points_by_hand(card: Json, lead: Mapping[str, Any]) -> float:
    """Return what *card* gives a lead of whom everything is known."""
    total = 0.0
    for group in card["groups"]:
        for rule in group["rules"]:
            if not holds(rule["when"], lead):
                continue
            times = lead[rule["when"]["attr"]] if rule.get("per") == "event" else 1
            total += rule["points"] * times
            if group["mode"] == "first_match":
                break
    return total


def holds(when: When, lead: Mapping[str, Any]) -> bool:
    """Say whether one condition of a card holds for *lead*."""
    if isinstance(when, str):
        return True
    if "all" in when:
        return all(holds(part, lead) for part in when["all"])
    if "any" in when:
        return any(holds(part, lead) for part in when["any"])
    found, value = lead[when["attr"]], _filled(when["value"])
    if when["attr"] == "seniority":
        found, value = SENIORITY.index(found), SENIORITY.index(value)
    tests: dict[str, Callable[[], bool]] = {
        "between": lambda: value[0] <= found <= value[1],
        "in": lambda: found in value,
        "regex": lambda: re.search(value, found) is not None,
        "contains": lambda: value in found,
        "gt": lambda: found > value,
        "gte": lambda: found >= value,
        "lt": lambda: found < value,
        "lte": lambda: found <= value,
        "eq": lambda: found == value,
    }
    return tests[when["op"]]()


def attributes_of(card: Json) -> Json:
    """Return the declaration of every attribute that *card* asks about."""
    return {name: _declared(name, checks) for name, checks in checks_of(card).items()}


def checks_of(card: Json) -> dict[str, list[Json]]:
    """Return every single check of *card*, by attribute."""
    found: dict[str, list[Json]] = {}
    for group in card.get("groups", [card]):
        for rule in group["rules"]:
            for check in _checks(rule["when"]):
                found.setdefault(check["attr"], []).append(check)
    return found


def _checks(when: When) -> Iterator[Json]:
    if isinstance(when, str):
        return
    parts = [*when.get("all", ()), *when.get("any", ())]
    if not parts:
        yield when
    for part in parts:
        yield from _checks(part)


def _declared(name: str, checks: list[Json]) -> Json:
    operators = {check["op"] for check in checks}
    if name == "seniority":
        return {"type": "choice", "choices": SENIORITY, "ordered": True}
    if "contains" in operators and name != "title":
        return {"type": "list"}
    values = [_filled(check["value"]) for check in checks]
    if any(isinstance(value, bool) for value in values):
        return {"type": "flag"}
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    if all(isinstance(item, int | float) for item in flat):
        return {"type": "number", "min": 0} if name != "mrr_growth" else {"type": "number"}
    return {"type": "text"}


def _group(group: Json) -> Json:
    mode = "first" if group["mode"] == "first_match" else "sum"
    return {"id": group["group"], "mode": mode, "rules": [_rule(r, group) for r in group["rules"]]}


def _rule(rule: Json, group: Json) -> Json:
    # Two cards name a rule alike in two groups (`pricing`, `industry`); ids are one space.
    found = {"id": f"{group['group']}_{rule['id']}", "when": expression_of(rule["when"])}
    if rule.get("per") != "event":
        return {**found, "points": rule["points"]}
    points = f"{rule['points']} * {rule['when']['attr']}"
    return {**found, "points": points, "bounds": [0, 1_000_000]}


def _threshold(card: Json) -> str:
    stated = [t["when"] for t in card.get("thresholds", [])]
    found = next((re.fullmatch(r"score (>=|<) (\d+)", words) for words in stated), None)
    return f"score >= {found[2]}" if found else "score >= 50"


def _route(rule: str) -> str:
    return "wait" if rule == "deprioritise" else "route"


def _filled(value: Value) -> Value:
    return STAND_INS.get(value, value) if isinstance(value, str) else value
