"""The laws of the core, on generated rule sets and facts."""

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from math import prod
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from service.rules import (
    UNKNOWN,
    YES,
    Decision,
    RuleSet,
    Truth,
    evaluate,
    load_rule_set,
)
from service.rules.attributes import Fact, Facts
from service.rules.classes import ClassPlan
from tests.rules import expressions as written
from tests.rules.expressions import ALONE, Scope
from tests.rules.strategies import (
    CLOCKS,
    complete_facts_for,
    completions_of,
    documents,
    facts_for,
)
from tests.sizes import looking, size

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 3, 1, tzinfo=UTC)
FEW = Scope(numbers=("vehicles",), texts=(), folded=(), dates=(), lists=(), text_lists=())
"""Names with few classes, so that all combinations can be tried."""


def some_of(known: Mapping[str, object], data: st.DataObject, label: str) -> dict[str, object]:
    """Return a part of what is *known*."""
    names = st.sets(st.sampled_from(sorted(known))) if known else st.just(set())
    kept = data.draw(names, label=label)
    return {name: value for name, value in known.items() if name in kept}


def is_settled_alike(before: Truth, after: Truth) -> bool:
    """Whether what was yes or no still is."""
    return before is UNKNOWN or before is after


@looking(80)
@given(data=st.data())
def test_more_knowledge_never_widens_a_range_or_turns_a_result(data: st.DataObject) -> None:
    """Whatever we learn, score ranges only shrink, and what was yes or no stays so."""
    rules = load_rule_set(data.draw(documents(), label="rule set"))
    for _ in range(4):
        everything = rules.admit(data.draw(complete_facts_for(rules))).to_json()
        more = some_of(everything, data, "more")
        less = some_of(more, data, "less")
        before, after = (
            rules.meaning.outline(rules.admit(facts).values, today=AT.date())
            for facts in (less, more)
        )
        for (low, high), (new_low, new_high) in zip(before.scores, after.scores, strict=True):
            assert low <= new_low <= new_high <= high
        for part in ("gates", "rules", "outcomes", "checks"):
            pairs = zip(getattr(before, part), getattr(after, part), strict=True)
            assert all(is_settled_alike(*pair) for pair in pairs), part


@looking(90)
@given(data=st.data())
def test_a_settled_verdict_never_changes_when_facts_are_filled_in(data: st.DataObject) -> None:
    """A certain verdict holds for every completion, open or closed, and values stay in range.

    Where it was the exact pass that settled it, all answers agree; that no answer at all
    gives the same is not promised.
    """
    rules = load_rule_set(data.draw(documents(), label="rule set"))
    for _ in range(3):
        facts = rules.admit(data.draw(facts_for(rules), label="facts"))
        decision = rules.decide(facts, at=AT)
        for score in decision.scores.values():
            assert score.low <= score.value <= score.high
        if not decision.certain:
            continue
        complete = data.draw(completions_of(rules, facts.to_json()), label="completion")
        later = [rules.decide(complete, at=AT, final=final) for final in (False, True)]
        more = {**some_of(complete, data, "more"), **facts.to_json()}
        later.append(rules.decide(more, at=AT))
        if not decision.exact:
            later.append(rules.decide(more, at=AT, final=True))
        assert {one.verdict for one in later} == {decision.verdict}
        if decision.outcome_certain:
            assert {one.outcome for one in later} == {decision.outcome}


@looking(90)
@given(data=st.data())
def test_what_is_not_listed_as_missing_cannot_change_the_answer(data: st.DataObject) -> None:
    """Other answers to unlisted questions give the same verdict; so do those for the outcome."""
    rules = load_rule_set(data.draw(documents(missing="ask"), label="rule set"))
    for _ in range(3):
        facts = rules.admit(data.draw(facts_for(rules), label="facts"))
        decision = rules.decide(facts, at=AT)
        listed = {missing.attribute: missing.changes for missing in decision.missing}
        verdicts = {name for name, changes in listed.items() if changes == "verdict"}
        one = data.draw(completions_of(rules, facts.to_json()), label="one")
        other = data.draw(completions_of(rules, facts.to_json()), label="other")
        same_verdict = {**other, **{name: one[name] for name in verdicts}}
        same_outcome = {**other, **{name: one[name] for name in listed}}
        answer = rules.decide(one, at=AT)
        assert rules.decide(same_verdict, at=AT).verdict == answer.verdict
        assert rules.decide(same_outcome, at=AT).outcome == answer.outcome


def test_the_exact_pass_lists_exactly_what_matters() -> None:
    """Against every combination of answers: each listed question can change the answer."""
    tried: Counter[str] = Counter()

    @looking(140)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        document = data.draw(documents(missing="ask", scope=FEW), label="rule set")
        rules = load_rule_set(document)
        for _ in range(4):
            facts = rules.admit(data.draw(facts_for(rules), label="facts"))
            decision = rules.decide(facts, at=AT)
            answers = answers_to(rules, facts) if decision.exact else {}
            if not answers:
                continue
            tried["exact"] += 1
            assert set(answers.values()) == set(decision.possible_outcomes)
            assert {missing.attribute for missing in decision.missing} == what_matters(answers)

    compare()
    assert tried["exact"] >= size(20, quick=5)


Answers = dict[frozenset[tuple[str, Fact]], str]


def answers_to(rules: RuleSet, facts: Facts) -> Answers:
    """Return the outcome for each combination of classes of what is missing; none if many."""
    classes = ClassPlan.of(rules.model).classes(AT.date())
    unknown = [name for name in rules.attributes if name not in facts.values]
    if prod(len(classes[name].values) for name in unknown) > 400:
        return {}
    each = [[(name, value) for value in classes[name].values] for name in unknown]
    return {
        frozenset(chosen): outcome_of(rules, {**facts.values, **dict(chosen)})
        for chosen in itertools.product(*each)
    }


def what_matters(answers: Answers) -> set[str]:
    """Return the attributes for which two answers, all others alike, give two outcomes."""
    found: set[str] = set()
    for name in {name for chosen in answers for name, _ in chosen}:
        outcomes: dict[frozenset[tuple[str, Fact]], set[str]] = {}
        for chosen, outcome in answers.items():
            others = frozenset(pair for pair in chosen if pair[0] != name)
            outcomes.setdefault(others, set()).add(outcome)
        if any(len(several) > 1 for several in outcomes.values()):
            found.add(name)
    return found


def outcome_of(rules: RuleSet, values: Mapping[str, Fact]) -> str:
    """Return the outcome where every fact is known."""
    trace = rules.meaning.judge(values, today=AT.date())
    for gate, result in zip(rules.model.gates, trace.closed.gates, strict=True):
        if result is YES:
            return rules.model.outcomes[gate.outcome].id
    return rules.model.outcomes[trace.closed.outcomes.index(YES)].id


@looking(110)
@given(data=st.data())
def test_undecided_comes_with_a_question_until_answers_reach_a_verdict(
    data: st.DataObject,
) -> None:
    """Answering what is asked first, again and again, ends in a verdict."""
    rules = load_rule_set(data.draw(documents(missing="ask"), label="rule set"))
    facts = dict(rules.admit(data.draw(facts_for(rules), label="facts")).to_json())
    for _ in range(len(rules.attributes) + 1):
        decision = rules.decide(facts, at=AT)
        if decision.verdict != "undecided":
            return
        asked = [missing for missing in decision.missing if missing.ask is not None]
        assert asked
        assert decision.next.action == "ask"
        assert decision.next.message == asked[0].ask
        name = asked[0].attribute
        assert name not in facts
        facts[name] = data.draw(complete_facts_for(rules), label="answers")[name]
    message = "every question was answered and there is no verdict"
    raise AssertionError(message)


@looking(150)
@given(st.data())
def test_a_final_decision_is_the_same_without_saying_what_is_missing(data: st.DataObject) -> None:
    """Only `missing` is empty; an open one says it all the same, for it depends on it."""
    rules = load_rule_set(data.draw(documents()))
    facts, at = data.draw(facts_for(rules)), data.draw(CLOCKS)
    whole = rules.decide(facts, at=at, final=True)
    short = rules.decide(facts, at=at, final=True, with_missing=False)
    assert short.missing == ()
    assert structs.replace(short, missing=whole.missing) == whole
    assert rules.decide(facts, at=at, with_missing=False) == rules.decide(facts, at=at)


@looking(50)
@given(data=st.data())
def test_a_replay_is_byte_identical(data: st.DataObject) -> None:
    """Stored facts, clock and looked-up names give the same decision, byte for byte."""
    rules = load_rule_set(data.draw(documents(), label="rule set"))
    for _ in range(2):
        final = data.draw(st.booleans())
        ids = [rule.id for rule in rules.model.rules]
        ids += [outcome.suspended_as for outcome in rules.model.outcomes]
        suspended = data.draw(st.lists(st.sampled_from(ids), max_size=1))
        at = data.draw(CLOCKS)
        first = rules.decide(data.draw(facts_for(rules)), at=at, final=final, suspended=suspended)
        stored = orjson.loads(orjson.dumps(first.facts.to_json()))
        again = load_rule_set(rules.canonical).decide(
            stored, at=at, final=final, suspended=first.suspended, tabled=first.tabled
        )
        assert as_stored(again) == as_stored(first)
        assert again.tabled == first.tabled


def as_stored(decision: Decision) -> bytes:
    """Return everything a decision says, without what the raw facts alone can tell."""
    told = decision.to_json(explain="full")
    return orjson.dumps({**told, "data_problems": [], "trace": decision.trace.to_json()})


@looking(60)
@given(document=documents())
def test_the_canonical_form_round_trips(document: dict[str, object]) -> None:
    """What the canonical form says is the rule set, with the same digest."""
    rules = load_rule_set(document)
    again = load_rule_set(rules.canonical)
    assert again.canonical == rules.canonical
    assert (again.digest, again.logic_digest) == (rules.digest, rules.logic_digest)
    assert again.model == rules.model
    backwards = load_rule_set(dict(reversed(document.items())))
    assert backwards.digest == rules.digest


JUDGE_ALL = """
import json, sys
from datetime import UTC, datetime
from service.rules import load_rule_set
at = datetime(2026, 3, 1, tzinfo=UTC)
for line in sys.stdin:
    case = json.loads(line)
    rules = load_rule_set(case["document"])
    decision = rules.decide(case["facts"], at=at)
    told = {**decision.to_json(explain="full"), "trace": decision.trace.to_json()}
    print(rules.digest, rules.logic_digest, json.dumps(told))
"""


def test_digests_and_decisions_are_the_same_in_every_process() -> None:
    """Nothing depends on the order of a set, whatever the seed of Python's hashes."""
    cases: list[str] = []

    @looking(25)
    @given(st.data())
    def gather(data: st.DataObject) -> None:
        document = data.draw(documents(missing="ask"))
        facts = data.draw(facts_for(load_rule_set(document)))
        cases.append(json.dumps({"document": document, "facts": facts}))

    gather()
    answers = {
        subprocess.run(
            [sys.executable, "-c", JUDGE_ALL],
            input="\n".join(cases),
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "77")
    }
    assert len(answers) == 1
    assert len(next(iter(answers)).splitlines()) == len(cases)


EVERYTHING = load_rule_set(
    {
        "rule_set": "everything",
        "attributes": dict(written.ATTRIBUTES),
        "outcomes": [{"id": "rest", "verdict": "review"}],
    }
)
"""Every attribute of the generated expressions, and no rules."""


@looking(90)
@given(data=st.data())
def test_neither_order_nor_double_negation_matters(data: st.DataObject) -> None:
    """`&&`, `||` and `at_least` ask all their parts, whatever their order."""
    parts = data.draw(st.lists(written.conditions(ALONE, 1), min_size=2, max_size=4), label="parts")
    mixed = data.draw(st.permutations(parts), label="order")
    pairs = [
        (" && ".join(parts), " && ".join(mixed)),
        (" || ".join(parts), " || ".join(mixed)),
        (f"at_least(2, {', '.join(parts)})", f"at_least(2, {', '.join(mixed)})"),
        (parts[0], f"!(!({parts[0]}))"),
        (f"!({' && '.join(parts)})", " || ".join(f"!({part})" for part in parts)),
    ]
    for _ in range(3):
        facts = data.draw(facts_for(EVERYTHING), label="facts")
        for one, other in pairs:
            found = [evaluate(text, EVERYTHING.attributes, facts, at=AT) for text in (one, other)]
            assert found[0] == found[1], (one, other)
