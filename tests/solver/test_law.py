"""What is said of two versions holds: on generated pairs, tried lead by lead."""

import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import pytest

from service.rules import RuleSet, load_rule_set
from service.rules.solver import MeaningComparison
from service.rules.truth import YES
from tests.solver.pairs import Lead, Pair, pair_of, some_facts

pytest.importorskip("z3", reason="the extra `solver` is not installed")
from service.rules.solver.comparing import compare_meaning

AT: Final = datetime(2026, 3, 1, tzinfo=UTC)
SIZES: Final = (5, 10, 15, 20)
PAIRS: Final = 30
"""Of each size: 120 in all."""
LEADS: Final = 10_000
LIMIT_S: Final = 20.0


def outcomes_of(rules: RuleSet, leads: list[Lead]) -> list[str]:
    """Return the outcome of a closed evaluation of each of *leads*."""
    model = rules.model
    found: list[str] = []
    for lead in leads:
        trace = rules.meaning.judge(lead, today=AT.date())
        by_gate = [
            gate.outcome
            for gate, result in zip(model.gates, trace.closed.gates, strict=True)
            if result is YES
        ]
        place = by_gate[0] if by_gate else trace.closed.outcomes.index(YES)
        found.append(model.outcomes[place].id)
    return found


def assert_right(
    pair: Pair,
    found: MeaningComparison,
    *,
    rule_sets: tuple[RuleSet, RuleSet],
    leads: int,
    seed: int,
) -> None:
    """Try what was said of *pair*, whose *rule_sets* these are, on so many leads."""
    before, after = rule_sets
    told = {(one.before, one.after) for one in found.differences}
    for one in found.differences:
        facts = dict(one.witness.facts)
        decided = [rules.decide(facts, at=AT, final=True).outcome for rules in (before, after)]
        assert decided == [one.before, one.after], one.words
        assert one.before != one.after
    assert not (pair.is_same and told), pair.made_by
    if found.is_settled:
        some = some_facts(seed, leads)
        both = zip(outcomes_of(before, some), outcomes_of(after, some), strict=True)
        assert {two for two in both if two[0] != two[1]} <= told, (pair.made_by, found.words)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_no_answer_about_two_versions_is_wrong(
    size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every "same" holds on 10,000 leads, every difference reproduces, and none is left out."""
    said: Counter[str] = Counter()
    for number in range(PAIRS):
        pair = pair_of(1_000 * size + number, rules=size)
        before, after = load_rule_set(pair.before), load_rule_set(pair.after)
        found = compare_meaning(before, after, at=AT, limit_s=LIMIT_S)
        said["unsettled" if not found.is_settled else "same" if found.is_same else "other"] += 1
        leads = LEADS if found.is_same else LEADS // 10
        assert_right(pair, found, rule_sets=(before, after), leads=leads, seed=1)
    with capsys.disabled():
        share = said["unsettled"] / PAIRS
        sys.stdout.write(f"\n{size} rules: {dict(said)}, unsettled {share:.0%}\n")
    assert said["same"] >= PAIRS // 5
    assert said["other"] >= PAIRS // 5
    assert said["unsettled"] <= PAIRS // 5


def test_whoever_fits_a_region_is_decided_otherwise() -> None:
    """A region is no guess: whoever its parts fit moves as it says, whatever else is known."""
    tried = 0
    for number in range(60):
        pair = pair_of(number, rules=8)
        if pair.is_same:
            continue
        before, after = load_rule_set(pair.before), load_rule_set(pair.after)
        found = compare_meaning(before, after, at=AT, limit_s=LIMIT_S)
        for one in found.differences:
            if one.region is None:
                continue
            names = {part.attribute for part in one.region.parts}
            base = before.admit(dict(one.witness.facts)).values
            leads = [
                {
                    **{name: value for name, value in lead.items() if name not in names},
                    **{name: value for name, value in base.items() if name in names},
                }
                for lead in some_facts(1, 100)
            ]
            assert set(outcomes_of(before, leads)) == {one.before}
            assert set(outcomes_of(after, leads)) == {one.after}
            tried += 1
    assert tried >= 20
