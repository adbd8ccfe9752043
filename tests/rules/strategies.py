"""Hypothesis strategies for rule sets and facts, shared by every property of the core.

    @given(st.data())
    def test_a_law(data):
        rules = load_rule_set(data.draw(documents()))
        facts = data.draw(facts_for(rules))

Documents use every operator, group mode, limit and kind of name; facts sit on and beside the
constants of the rules. A failing example shrinks to few rules and few facts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final, TypeVar

from hypothesis import strategies as st

from service.rules import RuleSet, load_rule_set
from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.ranges import LARGEST_EXACT, six_places
from service.rules.uses import expressions as trees_of
from tests.rules import expressions as written
from tests.rules.expressions import (
    ATTRIBUTES,
    DAYS,
    LISTS,
    METRICS,
    MIDNIGHTS,
    NUMBERS,
    TEXTS,
    Scope,
)

Json = dict[str, object]
T = TypeVar("T")

CLOCKS: Final = st.sampled_from(
    [
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        datetime(2026, 3, 31, tzinfo=UTC),
    ]
)
"""Instants at which months are short, long or just beginning."""

_POINTS: Final[st.SearchStrategy[object]] = st.sampled_from(
    [5.0, 10.0, -20.0, 0.0, 0.1, 0.2, -0.3, 33.333333, 40.0]
)
_LEVELS: Final = (60.0, 40.0, 0.3, 0.0, -10.0)


# --- documents ---------------------------------------------------------------------------------


@st.composite
def documents(
    draw: st.DrawFn, *, missing: str | None = None, scope: Scope = written.ANY, depth: int = 2
) -> Json:
    """Return a rule-set document that `load_rule_set` accepts, as JSON members.

    Its rules read the names of *scope* and the choices, in conditions that nest *depth* times
    within each other; `missing` is drawn where not given.
    """
    measured = draw(st.sets(st.sampled_from(sorted(METRICS)))) if scope == written.ANY else set()
    scope = replace(scope, numbers=(*scope.numbers, *sorted(measured)))
    scope, derived = draw(_derived(scope))
    gates = draw(st.lists(written.conditions(scope, 1), max_size=2))
    scores, grades, scope = draw(_scores(scope, depth))
    outcomes = draw(_outcomes(scope, depth))
    body: Json = {
        "derived": derived,
        "gates": [
            {"id": f"gate{i}", "when": when, "then": draw(st.sampled_from(outcomes))["id"]}
            for i, when in enumerate(gates)
        ],
        "scores": scores,
        "grades": grades,
        "outcomes": outcomes,
    }
    used = set(re.findall(r"[a-z_]+", str(body)))
    asked = draw(st.sets(st.sampled_from(sorted(ATTRIBUTES))))
    declared = {
        name: {**declaration, **({"ask": f"{name}?"} if name in asked else {})}
        for name, declaration in ATTRIBUTES.items()
        if name in used or name == "active"
    }
    metrics = {name: METRICS[name] for name in measured & used}
    return {
        "rule_set": "generated",
        "subject": "account" if metrics else "lead",
        **({"metrics": metrics} if metrics else {}),
        "missing": missing or draw(st.sampled_from(["ask", "assume_no"])),
        "attributes": declared,
        "lists": dict(LISTS),
        **body,
    }


def rule_sets(*, missing: str | None = None) -> st.SearchStrategy[RuleSet]:
    """Return generated rule sets, ready to decide."""
    return documents(missing=missing).map(load_rule_set)


@st.composite
def _derived(draw: st.DrawFn, scope: Scope) -> tuple[Scope, dict[str, str]]:
    """Return some derived names and the scope that knows them."""
    found: dict[str, str] = {}
    makers = {
        "numbers": written.numbers,
        "texts": written.texts,
        "truths": written.conditions,
        "lists": written.lists,
    }
    kinds = [kind for kind in makers if getattr(scope, kind)]
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=3)):
        name = f"{kind}_{'abc'[len(found)]}"
        found[name] = draw(makers[kind](scope, 1))
        known: tuple[str, ...] = getattr(scope, kind)
        scope = Scope(**{**scope.__dict__, kind: (*known, name)})
    return scope, found


@st.composite
def _scores(draw: st.DrawFn, scope: Scope, depth: int) -> tuple[Json, Json, Scope]:
    """Return scores by groups and by formula, grades of them, and the scope of outcomes."""
    scores: Json = {}
    count = iter(range(1_000))
    for name in ("fit", "intent")[: draw(st.integers(1, 2))]:
        groups = [draw(_groups(scope, count, depth)) for _ in range(draw(st.integers(1, 2)))]
        scores[name] = {**draw(_limits("floor", "ceiling")), "groups": groups}
    seen = Scope(**{**scope.__dict__, "numbers": (*scope.numbers, *scores)})
    if draw(st.booleans()):
        formula = draw(written.numbers(seen, depth))
        scores["total"] = {"floor": -50, "ceiling": 100, "formula": formula}
        seen = Scope(**{**seen.__dict__, "numbers": (*seen.numbers, "total")})
    grades: dict[str, dict[str, object]] = {}
    for of in draw(st.sets(st.sampled_from(sorted(scores)), max_size=2)):
        levels = sorted(draw(st.sets(st.sampled_from(_LEVELS), max_size=3)), reverse=True)
        bands = dict(zip("ABCD", [*levels, None], strict=False))
        grades[f"{of}_grade"] = {"of": of, **bands}
    known = tuple((name, tuple(bands)[1:]) for name, bands in grades.items())
    return scores, dict(grades), Scope(**{**seen.__dict__, "grades": known})


@st.composite
def _groups(draw: st.DrawFn, scope: Scope, count: Iterator[int], depth: int) -> Json:
    """Return a group of one to four rules; *count* gives every id its number."""
    conditions = draw(st.lists(written.conditions(scope, depth), min_size=1, max_size=4))
    return {
        "id": f"group{next(count)}",
        "mode": draw(st.sampled_from(["sum", "first", "max"])),
        **draw(_limits("floor", "cap")),
        "rules": [
            {"id": f"rule{next(count)}", "when": when, **draw(_points(scope))}
            for when in conditions
        ],
    }


def _points(scope: Scope) -> st.SearchStrategy[Json]:
    bounds = st.sampled_from([[0, 20], [-10, 10.5], [-0.1, 0.0], [5, 40]])
    by_formula = st.fixed_dictionaries({"points": written.numbers(scope, 1), "bounds": bounds})
    return st.one_of(st.fixed_dictionaries({"points": _POINTS}), by_formula)


def _limits(low: str, high: str) -> st.SearchStrategy[Json]:
    lows, highs = st.sampled_from([0, -5.5, -100]), st.sampled_from([0.3, 20, 100])
    return st.fixed_dictionaries({}, optional={low: lows, high: highs})


@st.composite
def _outcomes(draw: st.DrawFn, scope: Scope, depth: int) -> list[Json]:
    verdicts = st.sampled_from(["qualify", "review", "disqualify"])
    outcomes: list[Json] = []
    conditions = st.none() | written.conditions(scope, depth)
    for when in draw(st.lists(conditions, min_size=1, max_size=3)):
        rest: Json = {"only_by_gate": True} if when is None else {"when": when}
        outcomes.append({"id": f"outcome{len(outcomes)}", "verdict": draw(verdicts), **rest})
    return [*outcomes, {"id": "rest", "verdict": draw(verdicts)}]


# --- facts -------------------------------------------------------------------------------------


def facts_for(rules: RuleSet) -> st.SearchStrategy[Json]:
    """Return raw facts: some missing, some blank, most on or beside a constant of the rules."""
    blank = st.sampled_from([None, "", "\u00a0 "])
    values = _values_of(rules)
    return st.fixed_dictionaries(
        {}, optional={name: value | blank for name, value in values.items()}
    )


def complete_facts_for(rules: RuleSet) -> st.SearchStrategy[Json]:
    """Return raw facts in which no attribute is missing."""
    return st.fixed_dictionaries(dict(_values_of(rules)))


def completions_of(rules: RuleSet, known: Mapping[str, object]) -> st.SearchStrategy[Json]:
    """Return complete facts that agree with what is *known* (facts as stored)."""
    return complete_facts_for(rules).map(lambda others: {**others, **known})


def values_for(rules: RuleSet) -> Mapping[str, list[object]]:
    """Return some raw values of each attribute, of which a table of many leads is drawn."""
    found: dict[str, list[object]] = {}
    for attribute in rules.attributes.values():
        values = list(_some_of(attribute, rules))
        found[attribute.name] = [*values, None, "\u00a0 "] if len(values) > 3 else values
    return found


def _some_of(attribute: Attribute, rules: RuleSet) -> Iterator[object]:
    match attribute.type:
        case "number":
            yield from _edges(attribute, rules)
        case "text":
            yield from (*_constants(rules, str), *TEXTS)
        case "choice":
            yield from (*attribute.choices, *(["elsewhere", "Elsewhere"] * attribute.other))
        case "flag":
            yield from (True, False)
        case "date":
            yield from (*DAYS, *MIDNIGHTS)
            yield from (day.isoformat() for day in _constants(rules, date))
        case "list":
            items = [*_constants(rules, str), *TEXTS, "red"]
            yield []
            yield from ([item] for item in items)
            yield from ([first, second] for first in items for second in ("red", items[0], "ß"))


def _values_of(rules: RuleSet) -> Mapping[str, st.SearchStrategy[object]]:
    return {name: _value(attribute, rules) for name, attribute in rules.attributes.items()}


def _value(attribute: Attribute, rules: RuleSet) -> st.SearchStrategy[object]:
    match attribute.type:
        case "number":
            return st.sampled_from(_edges(attribute, rules))
        case "text":
            return st.sampled_from(
                [text for text in (*_constants(rules, str), *TEXTS) if text.strip()]
            )
        case "choice":
            others = ["elsewhere", "Elsewhere"] if attribute.other else []
            return st.sampled_from([*attribute.choices, *others])
        case "flag":
            return st.booleans()
        case "date":
            days = [day.isoformat() for day in _constants(rules, date)]
            return st.sampled_from([*DAYS, *days])
        case "list":
            items = st.sampled_from([*_constants(rules, str), *TEXTS, "red"])
            return st.lists(items, max_size=3)


def _edges(attribute: Attribute, rules: RuleSet) -> list[float]:
    """Return the constants of the rules and their neighbours that *attribute* may have."""
    low = -LARGEST_EXACT if attribute.minimum is None else attribute.minimum
    high = LARGEST_EXACT if attribute.maximum is None else attribute.maximum
    around = (
        x + step for x in (*_constants(rules, float), *NUMBERS) for step in (0.0, 1e-6, -1e-6)
    )
    found = {six_places(x) for x in (*around, low, high)}
    return sorted((x for x in found if low <= x <= high), key=lambda x: (abs(x), x))


def _constants(rules: RuleSet, kind: type[T]) -> list[T]:
    trees = [*trees_of(rules.model), *(derived.node for derived in rules.model.derived)]
    found: list[T] = []
    for tree in trees:
        for node in ast.walk(tree):
            value = node.value if isinstance(node, ast.Constant) else ()
            values = value if isinstance(value, tuple) else (value,)
            found.extend(one for one in values if isinstance(one, kind))
    return list(dict.fromkeys(found))
