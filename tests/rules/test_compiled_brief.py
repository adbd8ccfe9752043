"""The brief is what the reference comes to, whichever way its rules are written."""

import math
import random
from datetime import date
from itertools import pairwise

import pytest

from service.rules import Facts, RuleSet, compiled_masks, compiled_table, load_rule_set, scores
from service.rules.truth import YES

TODAY = date(2026, 3, 1)
THRESHOLDS = (-5.0, -0.0, 0.1, 0.3, 0.30000000000000004, 1.0, 2.5, 7.0, 1e6, 2.0**53)
EDGES = sorted(
    {
        round(near, 6) + 0.0 if abs(near) < 1e9 else near
        for x in THRESHOLDS
        for near in (x - 1, x - 1e-6, math.nextafter(x, -math.inf), x, x + 1e-6, x + 0.5)
        if abs(near) <= 2.0**53
    }
)
NAMES = ("alpha", "beta", "gamma")


def constant(chance: random.Random) -> str:
    """Return a constant as one writes it."""
    value = chance.choice(THRESHOLDS)
    return format(value, "f").rstrip("0").rstrip(".") if abs(value) >= 1 else repr(value)


def one_test(chance: random.Random, name: str) -> str:
    """Return a test of one number, as deep as a pair of them."""
    low, high = constant(chance), constant(chance)
    order = chance.choice(["<", "<=", ">", ">=", "==", "!="])
    return chance.choice(
        [
            f"{name} {order} {low}",
            f"{low} {order} {name}",
            f"{name} in [{low}, {high}]",
            f"between({name}, {low}, {high})",
            f"!({name} {order} {low})",
            f"({name} > {low} && {name} <= {high})",
            f"({name} < {low} || {name} == {high})",
        ]
    )


def rules_of(seed: int, *, count: int, points: tuple[float, ...]) -> RuleSet:
    """Return a rule set of *count* rules over three numbers, some with a text besides."""
    chance = random.Random(seed)
    rules: list[dict[str, object]] = []
    for place in range(count):
        joined = chance.choice([" && ", " || "])
        tests = [
            one_test(chance, chance.choice((*NAMES, "delta"))) for _ in range(chance.randint(1, 4))
        ]
        if chance.random() < 0.1:
            tests.append('place == "here"')
        when = joined.join(tests)
        rules.append({"id": f"rule_{place}", "when": when, "points": chance.choice(points)})
    cuts = [0, 3, chance.randint(4, 7), count]
    modes = [chance.choice(["first", "max", "sum"]), "sum", "sum"]
    groups = [
        {"id": f"group_{first}", "mode": mode, "rules": rules[first:last]}
        for mode, (first, last) in zip(modes, pairwise(cuts), strict=True)
    ]
    attributes = {name: {"type": "number"} for name in NAMES} | {"place": {"type": "text"}}
    return load_rule_set(
        {
            "rule_set": "bits",
            "subject": "lead",
            "attributes": attributes,
            "derived": {"delta": "alpha + beta"},
            "scores": {"fit": {"groups": groups}},
            "outcomes": [
                {"id": "good", "verdict": "qualify", "when": "fit >= 3 || delta == 0.4"},
                {"id": "rest", "verdict": "disqualify"},
            ],
        }
    )


def assert_alike(rules: RuleSet, facts: Facts, suspended: frozenset[str] = frozenset()) -> None:
    """Hold the brief to the reference; `repr` shows every bit of a float and the sign of 0."""
    model = rules.model
    found = rules.meaning.briefly(today=TODAY, suspended=suspended)(facts)
    assert found is not None
    judged = scores.judge(model, facts.values, today=TODAY, suspended=suspended)
    assert repr(found.scores) == repr(tuple(score.value for score in judged.scores))
    gates = zip(model.gates, judged.closed.gates, strict=True)
    by_gate = [gate.outcome for gate, result in gates if result is YES]
    assert found.outcome == (by_gate[0] if by_gate else judged.closed.outcomes.index(YES))
    assert found.verdict == model.outcomes[found.outcome].verdict


@pytest.mark.parametrize("points", [(1.0, 2.0, -3.0), (0.5, -0.25, 4.0), (0.1, 0.2, -0.3)])
@pytest.mark.parametrize(("count", "seed"), [(9, 0), (9, 1), (9, 2), (45, 3), (45, 4)])
def test_bits_at_and_beside_every_threshold(
    count: int, points: tuple[float, ...], seed: int
) -> None:
    """Exactly the reference's scores and outcome, to the bit, at and around each constant."""
    rules = rules_of(seed, count=count, points=points)
    chance = random.Random(seed)
    for _ in range(12):
        raw: dict[str, object] = {name: chance.choice(EDGES) for name in NAMES}
        raw["place"] = chance.choice(["here", "there"])
        assert_alike(rules, rules.admit(raw))


def test_what_is_worth_bits() -> None:
    """Many rules over few numbers are bits; few are not, nor are points that round."""
    assert compiled_masks.bits_of(rules_of(1, count=45, points=(1.0, 2.0)).model) is not None
    assert compiled_masks.bits_of(rules_of(1, count=45, points=(0.1, 0.2)).model) is None
    assert compiled_masks.bits_of(rules_of(1, count=9, points=(1.0, 2.0)).model) is None


def tiers(points: list[float]) -> RuleSet:
    """Return rules on both sides of many limits of one number, some at the same limit."""
    orders = [">=", ">", "<=", "<"]
    rules = [
        {
            "id": f"tier_{place}",
            "when": f"alpha {orders[place % 4]} {place // 3} && beta > {place % 7}"
            + (f" && alpha >= {place / 8}" if place % 6 == 0 else "")
            + ' && place != "nowhere"',
            "points": value,
        }
        for place, value in enumerate(points)
    ]
    return load_rule_set(
        {
            "rule_set": "tiers",
            "subject": "lead",
            "attributes": {"alpha": {"type": "number"}, "beta": {"type": "number"}}
            | {"place": {"type": "text"}},
            "scores": {"fit": {"groups": [{"id": "all", "rules": rules}], "ceiling": 60}},
            "outcomes": [
                {"id": "good", "verdict": "qualify", "when": "fit >= 7"},
                {"id": "rest", "verdict": "disqualify"},
            ],
        }
    )


@pytest.mark.parametrize("kinds", [(1, 2, -3), (0.5, 3, -0.25), (2.0**53, 1, -(2.0**53), 0.1, 0.3)])
def test_rules_on_one_number_nest(kinds: tuple[float, ...]) -> None:
    """Deeper than one stretch, on both sides, at equal limits: as if each stood by itself.

    Points that come to another sum in another order are added in theirs.
    """
    rules = tiers([kinds[place % len(kinds)] for place in range(60)])
    assert compiled_masks.bits_of(rules.model) is None
    for alpha in [-1, 0, 2.999999, 3, 3.000001, 4, 9, 12.5, 19, 21]:
        for beta in (0, 3.5, 9):
            facts = rules.admit({"alpha": alpha, "beta": beta, "place": "here"})
            assert_alike(rules, facts)
    nowhere = rules.admit({"alpha": 5, "beta": 9.5, "place": "nowhere"})
    assert_alike(rules, nowhere)


def graded(more: dict[str, object], *, outcome: str = "rank == 'A' || both >= 12") -> RuleSet:
    """Return two scores, a score of both and a grade; *more* is said of the first group."""
    needs = [
        {"id": "wide", "when": "alpha >= 3", "points": 20},
        {"id": "wider", "when": "alpha > 3 && beta < 2", "points": 10},
        {"id": "far", "when": "beta >= 2.5", "points": -30},
    ]
    wants = [
        {"id": "near", "when": "beta <= 2", "points": 1},
        {"id": "nearer", "when": "beta < 1 || alpha == 4", "points": -4},
    ]
    plus = [{"id": "early", "when": "alpha <= 3", "points": 3}]
    return load_rule_set(
        {
            "rule_set": "graded",
            "subject": "lead",
            "attributes": {name: {"type": "number"} for name in ("alpha", "beta")},
            "gates": [
                {"id": "no_use", "when": "alpha < 0", "then": "shut"},
                {"id": "odd", "when": "beta == 5", "then": "look"},
            ],
            "scores": {
                "need": {"groups": [{"id": "needs", "rules": needs, **more}], "floor": -20},
                "want": {
                    "groups": [
                        {"id": "wants", "rules": wants},
                        {"id": "plus", "rules": plus, "cap": 2},
                    ],
                },
                "both": {"formula": "need / 3 + want * 2"},
            },
            "grades": {"rank": {"of": "need", "bands": {"A": 25, "B": 10, "C": None}}},
            "outcomes": [
                {"id": "good", "verdict": "qualify", "when": outcome},
                {"id": "look", "verdict": "review", "when": "want > 0"},
                {"id": "shut", "verdict": "disqualify", "only_by_gate": True},
                {"id": "rest", "verdict": "disqualify"},
            ],
        }
    )


@pytest.mark.parametrize("suspended", ["", "wide", "far early", "odd", "outcome:good near"])
@pytest.mark.parametrize("more", [{}, {"floor": -10, "cap": 25}])
def test_finished_briefs_are_what_would_be_made(more: dict[str, object], suspended: str) -> None:
    """A table has every gate, floor, cap, grade, formula and negative sum as the reference."""
    rules = graded(more)
    assert compiled_table.table_of(rules.model) is not None
    for alpha in (-1, 0, 2.999999, 3, 3.000001, 4):
        for beta in (0, 1.5, 2, 2.000001, 2.5, 5):
            facts = rules.admit({"alpha": alpha, "beta": beta})
            assert_alike(rules, facts, frozenset(suspended.split()))


def test_what_a_table_cannot_tell() -> None:
    """Points that are fractions, groups that pick, outcomes that read facts, and large tables."""
    assert compiled_table.table_of(graded({}, outcome="alpha > 3").model) is None
    assert compiled_table.table_of(graded({"mode": "max"}).model) is None
    assert compiled_table.table_of(tiers([0.5, 1.0]).model) is None
    assert compiled_table.table_of(tiers([999.0]).model) is not None
    assert compiled_table.table_of(tiers([999.0, 1.0]).model) is None
