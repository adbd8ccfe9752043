"""Scores as ranges: groups, caps, floors, formulas and points while facts are missing."""

from datetime import UTC, datetime

import pytest

from service.rules import load_rule_set

AT = datetime(2026, 1, 1, tzinfo=UTC)
ATTRIBUTES: dict[str, object] = {
    "a": {"type": "flag"},
    "b": {"type": "flag"},
    "c": {"type": "flag"},
    "n": {"type": "number", "min": 2, "max": 10},
    "free": {"type": "number"},
    "d": {"type": "date"},
}
Facts = dict[str, object]
Span = tuple[float, float, float]


def score(part: dict[str, object], facts: Facts, **others: object) -> Span:
    """Return (low, high, value) of a score with the given *part*."""
    document = {
        "rule_set": "sums",
        "attributes": ATTRIBUTES,
        "scores": {"fit": part, **others},
        "outcomes": [{"id": "rest", "verdict": "review"}],
    }
    found = load_rule_set(document).decide(facts, at=AT).scores["fit"]
    return found.low, found.high, found.value


def group(mode: str, *points: float | str, **limits: float) -> dict[str, object]:
    """Return a score of one group whose rules ask `a`, `b`, `c` in turn."""
    rules = [
        {"id": f"r_{name}", "when": name, "points": number}
        | ({"bounds": [-50, 50]} if isinstance(number, str) else {})
        for name, number in zip("abc", points, strict=False)
    ]
    return {"groups": [{"id": "g", "mode": mode, "rules": rules, **limits}]}


YES_NO_UNKNOWN: list[tuple[dict[str, object], Facts, Span]] = [
    (group("sum", 10, 5, -30), {"a": True, "b": False}, (-20, 10, 10)),
    (group("sum", 10, 5, -30), {}, (-30, 15, 0)),
    (group("sum", 10, 5, -30), {"a": True, "b": True, "c": True}, (-15, -15, -15)),
    (group("sum", 10, 5, cap=12), {"a": True, "b": True}, (12, 12, 12)),
    (group("sum", -10, -5, floor=-12), {"a": True, "b": True}, (-12, -12, -12)),
    (group("first", 40, 25, -30), {"a": True}, (40, 40, 40)),
    (group("first", 40, 25, -30), {"b": True}, (25, 40, 25)),
    (group("first", 40, 25, -30), {"a": False, "b": False}, (-30, 0, 0)),
    (group("first", 40, 25, -30), {}, (-30, 40, 0)),
    (group("first", 40, 25, -30), {"a": False, "b": False, "c": False}, (0, 0, 0)),
    (group("max", 40, 25, -30), {"b": True}, (25, 40, 25)),
    (group("max", 40, 25, -30), {"c": True}, (-30, 40, -30)),
    (group("max", -5, -7), {}, (-7, 0, 0)),
    (group("max", -5, -7), {"a": True}, (-5, -5, -5)),
    (group("max", 40, 25), {"a": False, "b": False}, (0, 0, 0)),
    (group("sum", 0.1, 0.2), {"a": True, "b": True}, (0.3, 0.3, 0.3)),
]

POINTS: list[tuple[str, Facts, Span]] = [
    ("3 * n", {"a": True}, (6, 30, 6)),
    ("3 * n", {"a": True, "n": 4}, (12, 12, 12)),
    ("3 * n", {}, (0, 30, 0)),
    ("20 * n", {"a": True, "n": 4}, (50, 50, 50)),
    ("free", {"a": True}, (-50, 50, 0)),
    ("-n", {"a": True}, (-10, -2, -2)),
    ("b ? 5 : 7", {"a": True}, (5, 7, 7)),
    ("b ? 5 : 7", {"a": True, "b": True}, (5, 5, 5)),
    ("ratio(10, n, 1)", {"a": True}, (1, 5, 5)),
    ("ratio(10, free, 1)", {"a": True}, (-50, 50, 1)),
    ("has(n) ? n : 1", {"a": True}, (1, 10, 1)),
    ("age_days(d)", {"a": True}, (-50, 50, 0)),
    ("age_days(d)", {"a": True, "d": "2025-12-30"}, (2, 2, 2)),
    ("round(n / 4)", {"a": True, "n": 6}, (2, 2, 2)),
    ("clamp(n, 3, 5)", {"a": True}, (3, 5, 3)),
]


@pytest.mark.parametrize(("part", "facts", "span"), YES_NO_UNKNOWN)
def test_a_group_ranges_over_what_its_rules_may_still_be(
    part: dict[str, object], facts: Facts, span: Span
) -> None:
    """Low and high are what is still possible; the value is what counts if nothing comes."""
    assert score(part, facts) == span


@pytest.mark.parametrize(("points", "facts", "span"), POINTS)
def test_points_range_over_the_numbers_they_lack(points: str, facts: Facts, span: Span) -> None:
    """A missing number ranges over its bounds; closed, it is the one nearest 0."""
    assert score(group("sum", points), facts) == span


def test_a_score_is_drawn_to_its_floor_and_ceiling() -> None:
    """Groups are added first, then the score's own limits hold."""
    part = group("sum", 90, 90) | {"floor": -5, "ceiling": 100}
    assert score(part, {"a": True, "b": True}) == (100, 100, 100)
    assert score(part, {"a": True}) == (90, 100, 90)


def test_a_formula_is_interval_arithmetic_over_finished_scores() -> None:
    """Scores enter a formula after their limits, with their ranges."""
    base = group("sum", 90, 90) | {"ceiling": 100}
    part = {"formula": "0.5 * base - n", "floor": -10, "ceiling": 60}
    assert score(part, {"a": True}, base=base) == (35, 48, 43)
    assert score(part, {"a": True, "b": False, "n": 10}, base=base) == (35, 35, 35)


def test_an_unknown_derived_number_ranges_like_what_it_is_made_of() -> None:
    """A formula looks through a derived name to the bounds of what is missing."""
    document = {
        "rule_set": "sums",
        "attributes": ATTRIBUTES,
        "derived": {"twice": "2 * n", "some": "a ? n : 3"},
        "scores": {"fit": {"formula": "twice + some", "floor": 0, "ceiling": 99}},
        "outcomes": [{"id": "rest", "verdict": "review"}],
    }
    rules = load_rule_set(document)
    found = rules.decide({}, at=AT).scores["fit"]
    assert (found.low, found.high, found.value) == (6, 30, 7)
