"""The solver means what the evaluator means: on any facts it ends where the evaluator ends."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.rules import RuleSet, load_rule_set
from service.rules.attributes import admit
from service.rules.expression.ast import Kind
from service.rules.expression.functions import SAMPLE_FACTS, TREATY
from service.rules.expression.signatures import Case
from service.rules.standalone import typed
from service.rules.truth import YES
from tests.rules.strategies import documents, facts_for
from tests.rules.test_treaty import sample_attributes

z3 = pytest.importorskip("z3", reason="the extra `solver` is not installed")
from service.rules.expression import solver, solver_numbers  # noqa: E402 - needs z3
from service.rules.solver import numbers  # noqa: E402
from service.rules.solver.session import OutOfTime, Session  # noqa: E402
from service.rules.solver.slots import exact  # noqa: E402

AT: Final = datetime(2026, 3, 1, tzinfo=UTC)
FLEET: Final = Path(__file__).parents[1] / "cases" / "fleet_leads.yaml"
CASES: Final = [case for row in TREATY.values() for case in row.cases]


def test_every_row_is_told_or_declined() -> None:
    """A new operator cannot be forgotten in the solver, and no half is left without its row."""
    mine = {*solver_numbers.COMPARE, *solver_numbers.COMPUTE, *solver.MEASURE}
    assert mine | solver.OPAQUE == set(TREATY)
    assert not mine & solver.OPAQUE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.expression)
def test_the_solver_gives_a_cases_value(case: Case) -> None:
    """On the treaty's facts a row can come to its value and to no other."""
    node = typed(case.expression, sample_attributes())
    session = session_of(as_condition(case, node.type.kind))
    values = admit(SAMPLE_FACTS, session.rule_sets[0].attributes).values
    fixed = session.fixed(values)
    (whole,) = session.wholes
    wanted = case.value is not None and case.value is not False
    assert session.check(*fixed, whole.rules[0] if wanted else z3.Not(whole.rules[0])) is not None
    if not session.guesses.opaque and not session.guesses.wishes:
        assert session.check(*fixed, z3.Not(whole.rules[0]) if wanted else whole.rules[0]) is None


def as_condition(case: Case, kind: Kind) -> RuleSet:
    """Return a rule set of one rule, which asks whether the case's expression has its value."""
    when = case.expression
    if kind is Kind.NUMBER:
        when = f"{when} == {0 if case.value is None else case.value}".replace("== -", "== 0 - ")
    elif kind is Kind.TEXT:
        when = f'{when} == "{case.value}"'
    kinds = {"n": "number", "m": "number", "z": "number", "t": "text", "mail": "text"}
    kinds |= {"c": "choice", "f": "flag", "d": "date", "l": "list"}
    attributes = {
        name: {
            "type": one,
            **({"choices": ["a", "b", "c"], "ordered": True} if one == "choice" else {}),
        }
        for known, one in kinds.items()
        for name in (known, f"x{known}")
    }
    return load_rule_set(
        {
            "rule_set": "one_case",
            "attributes": attributes,
            "scores": {
                "fit": {"groups": [{"id": "g", "rules": [{"id": "r", "when": when, "points": 1}]}]}
            },
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )


def session_of(rules: RuleSet) -> Session:
    """Return a session about one rule set."""
    return Session.of((rules,), at=AT, limit_s=20)


def assert_alike(session: Session, facts: dict[str, object]) -> bool:
    """Compare both on one lead; return whether the solver allows nothing else."""
    (rules,), (whole,) = session.rule_sets, session.wholes
    decision = rules.decide(facts, at=AT, final=True)
    fixed = session.fixed(decision.facts.values)
    place = [outcome.id for outcome in rules.model.outcomes].index(decision.outcome)
    goals = [whole.outcomes[place]]
    for term, result in zip(whole.rules, decision.trace.closed.rules, strict=True):
        goals.append(term if result is YES else z3.Not(term))
    for name, score in whole.scores.items():
        value = decision.scores[name].value
        told = numbers.Number(
            z3.BoolVal(val=True), exact(value), value, value, None, is_rounded=True
        )
        one, other, _ = numbers.in_step(score, told)
        goals.append(one == other)
    assert session.check(*fixed, *goals) is not None, (facts, decision.outcome)
    try:
        is_only = session.check(*fixed, z3.Not(whole.outcomes[place])) is None
    except OutOfTime:
        return False
    assert is_only or session.is_approximate
    return is_only


def test_the_worked_example_ends_where_the_evaluator_ends() -> None:
    """Each of its tests, and each of them with one fact missing."""
    rules = load_rule_set(FLEET.read_text())
    session = session_of(rules)
    for test in rules.document.tests:
        facts = dict(test.facts)
        for left_out in [None, *facts]:
            some = {name: value for name, value in facts.items() if name != left_out}
            assert assert_alike(session, some)


def test_generated_rule_sets_end_alike() -> None:
    """Whatever the rules and the facts, each rule, score and outcome; mostly nothing else fits."""
    seen: Counter[bool] = Counter()

    @settings(
        max_examples=40, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        rules = load_rule_set(data.draw(documents(), label="rule set"))
        session = session_of(rules)
        for facts in data.draw(st.lists(facts_for(rules), min_size=4, max_size=4)):
            seen[assert_alike(session, facts)] += 1

    compare()
    assert seen[True] >= 4 * seen[False]
