"""The brief is what the reference comes to, whether rules are bits or not."""

import math
import random
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import RuleSet, compiled_masks, load_rule_set, scores
from service.rules.compiled import compile_model
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


@pytest.mark.parametrize("points", [(1.0, 2.0, -3.0), (0.5, -0.25, 4.0), (0.1, 0.2, -0.3)])
@pytest.mark.parametrize("count", [9, 45])
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_bits_at_and_beside_every_threshold(
    count: int, points: tuple[float, ...], seed: int
) -> None:
    """Exactly the reference's scores and outcome, to the bit, at and around each constant."""
    rules = rules_of(seed, count=count, points=points)
    compiled = compile_model(rules.model)
    chance = random.Random(seed)
    for _ in range(15):
        raw: dict[str, object] = {name: chance.choice(EDGES) for name in NAMES}
        raw["place"] = chance.choice(["here", "there"])
        facts = rules.admit(raw)
        found = compiled.brief(facts.values, TODAY)
        assert found is not None
        judged = scores.judge(rules.model, facts.values, today=TODAY)
        assert repr(found.scores) == repr(tuple(score.value for score in judged.scores))
        outcome = rules.model.outcomes[found.outcome]
        assert found.verdict == outcome.verdict
        assert (outcome.id == "good") == (judged.closed.outcomes[0] is YES)


def test_what_is_worth_bits() -> None:
    """Many rules over few numbers are bits; few are not, nor are points that round."""
    assert compiled_masks.bits_of(rules_of(1, count=45, points=(1.0, 2.0)).model) is not None
    assert compiled_masks.bits_of(rules_of(1, count=45, points=(0.1, 0.2)).model) is None
    assert compiled_masks.bits_of(rules_of(1, count=9, points=(1.0, 2.0)).model) is None
