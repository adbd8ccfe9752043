"""Pairs of rule sets for the solver: the same in other words, or with one planted edit.

Everything follows from a number, so that a pair that fails can be made again.
"""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any, Final

from service.rules import load_rule_set
from service.rules.attributes import Fact

Json = dict[str, Any]
Lead = dict[str, Fact]

TODAY: Final = date(2026, 3, 1)
COUNTRIES: Final = ["DE", "AT", "CH", "FR", "IT"]
LEVELS: Final = ["individual", "manager", "director", "vp"]
TOOLS: Final = ["sap", "samsara", "excel"]
ATTRIBUTES: Final[Json] = {
    "vehicles": {"type": "number", "unit": "vehicles", "min": 0},
    "revenue": {"type": "number", "min": 0, "max": 10_000_000},
    "growth": {"type": "number"},
    "clicks": {"type": "number", "min": 0},
    "country": {"type": "choice", "choices": COUNTRIES, "other": True},
    "level": {"type": "choice", "choices": LEVELS, "ordered": True},
    "has_budget": {"type": "flag"},
    "is_partner": {"type": "flag"},
    "title": {"type": "text", "fold": True},
    "tools": {"type": "list"},
    "founded": {"type": "date"},
}
NUMBERS: Final[dict[str, list[float]]] = {
    "vehicles": [3, 5, 10, 20, 50, 200],
    "revenue": [10_000, 250_000.5, 1_000_000],
    "growth": [-5, 0, 0.1, 12.5],
    "clicks": [0, 1, 4, 9],
}
MOVES: Final = (1, 5, 0.5)
"""How far an edit moves a number."""
WORDS: Final = ["manager", "chief", "head", "assistant"]


@dataclass(frozen=True)
class Pair:
    """Two documents, and how the second was made of the first."""

    before: Json
    after: Json
    made_by: str
    is_same: bool
    """By construction; a planted edit may still never be noticed."""


def pair_of(number: int, *, rules: int) -> Pair:
    """Return pair *number*, its documents with about so many *rules*."""
    chance = Random(number)
    before = document(chance, rules=rules)
    after = copy.deepcopy(before)
    is_same = chance.random() < 0.5
    if is_same:
        for rewrite in chance.sample(REWRITES, chance.randint(1, len(REWRITES))):
            rewrite(after, chance)
        return Pair(before, after, "rewritten", is_same=True)
    edit = chance.choice(EDITS)
    for _ in range(20):
        if edit(after, chance):
            break
        edit = chance.choice(EDITS)
    return Pair(before, after, edit.__name__, is_same=False)


def document(chance: Random, *, rules: int) -> Json:
    """Return a rule set with so many *rules*, in groups of every mode."""
    groups: list[Json] = []
    left = rules
    while left:
        size = min(left, chance.randint(2, 5))
        groups.append(_group(chance, len(groups), rules - left, size))
        left -= size
    most = sum(max(_most(rule), 0) for group in groups for rule in group["rules"])
    high = round(most * chance.choice([0.3, 0.4, 0.5]))
    low = round(most * chance.choice([0.1, 0.2]))
    best = max(high, 1)
    better = min(max(low, 0.5), best - 0.5)  # two bands never begin at one score
    body: Json = {
        "gates": [{"id": "gate0", "when": _condition(chance, 2), "then": "gone"}],
        "scores": {"fit": {"floor": 0, "ceiling": max(round(most * 0.9), 1), "groups": groups}},
        "grades": {"grade": {"of": "fit", "A": best, "B": better, "C": None}},
        "outcomes": [
            {"id": "top", "verdict": "qualify", "when": f"fit >= {high} && {_check(chance)}"},
            {"id": "good", "verdict": "qualify", "when": f'grade == "A" || fit >= {high + 3}'},
            {"id": "look", "verdict": "review", "when": f"fit >= {low}"},
            {"id": "gone", "verdict": "disqualify", "only_by_gate": True},
            {"id": "rest", "verdict": "disqualify"},
        ],
    }
    used = set(re.findall(r"[a-z_]+", str(body)))
    attributes = {name: one for name, one in ATTRIBUTES.items() if name in used}
    return {"rule_set": "generated", "missing": "assume_no", "attributes": attributes, **body}


def _most(rule: Json) -> float:
    return 20.0 if isinstance(rule["points"], str) else float(rule["points"])


def _group(chance: Random, place: int, first: int, size: int) -> Json:
    mode = chance.choice(["sum", "sum", "first", "max"])
    limits = {"cap": chance.choice([20, 30.5])} if mode == "sum" and chance.random() < 0.4 else {}
    rules: list[Json] = []
    for number in range(first, first + size):
        if chance.random() < 0.06:
            worth: Json = {"points": "5 * clicks", "bounds": [0, 20]}
        else:
            worth = {"points": chance.choice([5, 10, 15, 2.5, -5, 20, 0.1])}
        rules.append({"id": f"rule{number}", "when": _condition(chance, 2), **worth})
    return {"id": f"group{place}", "mode": mode, **limits, "rules": rules}


def _condition(chance: Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.35:
        return _check(chance)
    parts = [_condition(chance, depth - 1) for _ in range(chance.randint(2, 3))]
    match chance.randrange(5):
        case 0:
            return f"!({parts[0]})"
        case 1:
            return f"at_least(2, {', '.join([*parts, _check(chance)])})"
        case 2 | 3:
            return "(" + " && ".join(parts) + ")"
        case _:
            return "(" + " || ".join(parts) + ")"


def _check(chance: Random) -> str:  # noqa: PLR0911 - one for each type
    name = chance.choice(list(ATTRIBUTES))
    match ATTRIBUTES[name]["type"]:
        case "number":
            sign = chance.choice([">=", ">", "<", "<=", "=="])
            return f"{name} {sign} {chance.choice(NUMBERS[name])}"
        case "choice" if name == "level":
            return f'level {chance.choice([">=", "<", "=="])} "{chance.choice(LEVELS)}"'
        case "choice":
            some = chance.sample(COUNTRIES, chance.randint(1, 3))
            return f"{name} in {json.dumps(some)}"
        case "flag":
            return chance.choice([name, f"!{name}", f"has({name})"])
        case "text":
            word = chance.choice(WORDS)
            return chance.choice([f'title.contains("{word}")', f'title == "{word}"'])
        case "list":
            return chance.choice([f'"{chance.choice(TOOLS)}" in tools', "size(tools) >= 2"])
        case _:
            return f"age_days(founded) > {chance.choice([30, 365, 3650])}"


# --- the same in other words --------------------------------------------------------------------


def _all_rules(body: Json) -> list[Json]:
    return [rule for group in body["scores"]["fit"]["groups"] for rule in group["rules"]]


def reordered(body: Json, chance: Random) -> None:
    """Put the rules of groups in which their order means nothing into another."""
    for group in body["scores"]["fit"]["groups"]:
        if group["mode"] != "first":
            chance.shuffle(group["rules"])


def turned(body: Json, chance: Random) -> None:
    """Say conditions by their contrary, after De Morgan."""
    for rule in [*_all_rules(body), *body["gates"]]:
        if chance.random() < 0.5:
            rule["when"] = _contrary(_contrary(rule["when"]))


def _contrary(when: str) -> str:
    return f"!({when})"


_OPPOSITE: Final = {" >= ": " < ", " > ": " <= ", " < ": " >= ", " <= ": " > "}


def restated(body: Json, chance: Random) -> None:
    """Say single comparisons by the opposite one, and pairs by what they leave out."""
    for rule in _all_rules(body):
        when = rule["when"]
        found = re.fullmatch(r"(\w+)( >= | > | < | <= )(\S+)", when)
        if found:
            rule["when"] = f"!({found[1]}{_OPPOSITE[found[2]]}{found[3]})"
        elif when.startswith("(") and chance.random() < 0.7:
            rule["when"] = _de_morgan(when)


def _de_morgan(when: str) -> str:
    inner = when[1:-1]
    for sign, other in ((" && ", " || "), (" || ", " && ")):
        parts = _split(inner, sign)
        if len(parts) > 1:
            return "!(" + other.join(f"!({part})" for part in reversed(parts)) + ")"
    return when


def _split(text: str, sign: str) -> list[str]:
    """Return the parts of *text* between the signs that stand in no parentheses."""
    parts, depth, start, place = [], 0, 0, 0
    while place < len(text):
        depth += (text[place] in "([") - (text[place] in ")]")
        if depth == 0 and text.startswith(sign, place):
            parts.append(text[start:place])
            start = place = place + len(sign)
            continue
        place += 1
    return [*parts, text[start:]]


def split_weights(body: Json, chance: Random) -> None:
    """Give the points of a rule by two rules that ask the same."""
    for group in body["scores"]["fit"]["groups"]:
        if group["mode"] != "sum":
            continue
        rule = chance.choice(group["rules"])
        if isinstance(rule["points"], str):
            continue
        half = chance.choice([1, 2, 0.5])
        rule["points"] -= half
        group["rules"].append({"id": f"{rule['id']}_b", "when": rule["when"], "points": half})


REWRITES: Final[list[Callable[[Json, Random], None]]] = [
    reordered, turned, restated, split_weights,
]  # fmt: skip


# --- one edit -----------------------------------------------------------------------------------


def threshold(body: Json, chance: Random) -> bool:
    """Move one number in one condition."""
    rule = chance.choice(_all_rules(body))
    found = list(re.finditer(r"(?<=[><=] )\d+(\.\d+)?", rule["when"]))
    if not found:
        return False
    spot = chance.choice(found)
    moved = float(spot[0]) + chance.choice(MOVES)
    rule["when"] = f"{rule['when'][: spot.start()]}{moved:g}{rule['when'][spot.end() :]}"
    return True


def points(body: Json, chance: Random) -> bool:
    """Give one rule other points."""
    rule = chance.choice(_all_rules(body))
    if isinstance(rule["points"], str):
        return False
    rule["points"] += chance.choice([-5, 0.5, 1, 10])
    return True


def dropped(body: Json, chance: Random) -> bool:
    """Leave out one rule."""
    groups = [g for g in body["scores"]["fit"]["groups"] if len(g["rules"]) > 1]
    if not groups:
        return False
    rules = chance.choice(groups)["rules"]
    rules.pop(chance.randrange(len(rules)))
    return True


def sharper(body: Json, chance: Random) -> bool:
    """Take the edge out of one comparison."""
    rule = chance.choice(_all_rules(body))
    if ">= " not in rule["when"]:
        return False
    rule["when"] = rule["when"].replace(">= ", "> ", 1) if "level" not in rule["when"] else (
        rule["when"].replace("level >= ", "level == ", 1)
    )  # fmt: skip
    return True


def level(body: Json, chance: Random) -> bool:
    """Ask for another score."""
    outcome = body["outcomes"][2]
    number = float(outcome["when"].split()[-1])
    outcome["when"] = f"fit >= {number + chance.choice([0.5, 1, 5]):g}"
    return True


def capped(body: Json, chance: Random) -> bool:
    """Give one group a cap."""
    group = chance.choice(body["scores"]["fit"]["groups"])
    group["cap"] = chance.choice([5, 12.5])
    return True


EDITS: Final[list[Callable[[Json, Random], bool]]] = [
    threshold, points, dropped, sharper, level, capped,
]  # fmt: skip


# --- facts --------------------------------------------------------------------------------------


@cache
def some_facts(seed: int, count: int) -> list[Lead]:
    """Return leads on and beside the numbers that rules here ask for, a fifth of it missing.

    They are facts as the door admits them: all documents here declare an attribute alike.
    """
    chance = Random(seed)
    everything = load_rule_set(
        {
            "rule_set": "everything",
            "attributes": ATTRIBUTES,
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )
    values = {
        name: [everything.admit({name: raw}).values[name] for raw in _values(name)]
        for name in ATTRIBUTES
    }
    return [
        {name: chance.choice(some) for name, some in values.items() if chance.random() < 0.8}
        for _ in range(count)
    ]


def _values(name: str) -> list[object]:
    match ATTRIBUTES[name]["type"]:
        case "number":
            found = {x + moved for x in NUMBERS[name] for moved in (0, *MOVES)}
            near = {x + step for x in found | {0.0} for step in (-1e-6, 0, 1e-6)}
            low = ATTRIBUTES[name].get("min", -1e6)
            return [*sorted(x for x in near if x >= low), 1e6]
        case "choice":
            return [*ATTRIBUTES[name]["choices"], *(["XX"] if name == "country" else [])]
        case "flag":
            return [True, False]
        case "text":
            return [*WORDS, "Chief Manager", "head of it", "Head assistant", "nobody"]
        case "list":
            return [[], ["sap"], ["excel", "x"], ["sap", "samsara"], ["a", "b", "c"], TOOLS]
        case _:
            return [(TODAY - timedelta(days=d)).isoformat() for d in (0, 30, 31, 365, 366, 9999)]
