"""The compiled form gives the reference's results, to the last bit, on whatever it is given.

`tests.sizes` says how to look at more rule sets.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import RuleSet, load_rule_set, scores
from service.rules.attributes import Attribute, Fact, Facts, admit
from service.rules.compiled import VARIANTS_KEPT, Compiled, compile_model
from service.rules.compiled_body import attributes_read
from service.rules.expression import ast, text
from service.rules.expression import evaluate as reference
from service.rules.expression.ast import Kind
from service.rules.expression.compile_alone import Value, compile_expression
from service.rules.expression.compile_parts import View
from service.rules.expression.functions import TREATY
from service.rules.meaning import Reference
from service.rules.ranges import Range
from service.rules.standalone import typed
from service.rules.trace import Trace
from service.rules.truth import NO, YES
from service.rules.uses import expressions as trees_of
from tests.rules import expressions as written
from tests.rules.expressions import ALONE
from tests.rules.strategies import CLOCKS, complete_facts_for, documents, facts_for
from tests.sizes import looking

FACTS_EACH = 25
TODAY = date(2026, 3, 1)
NODES = {
    ast.Constant, ast.Attribute, ast.Derived, ast.Score, ast.Grade, ast.Variable, ast.Not,
    ast.Logic, ast.AtLeast, ast.Has, ast.Choose, ast.Quantified, ast.Apply,
}  # fmt: skip


class Recorder:
    """`registrable_domain`, and what it was asked."""

    def __init__(self, answers: Mapping[str, str] | None = None) -> None:
        self.asked: set[str] = set()
        self._answers = answers or {}

    def __call__(self, value: str) -> str:
        """Return the registrable domain and remember the question."""
        self.asked.add(value)
        found = self._answers.get(value)
        return text.registrable_domain(value) if found is None else found


def several_facts(rules: RuleSet) -> st.SearchStrategy[list[dict[str, object]]]:
    """Return many leads at once: most with something missing, some with nothing."""
    some = facts_for(rules)
    one = st.one_of(some, some, complete_facts_for(rules))
    return st.lists(one, min_size=FACTS_EACH, max_size=FACTS_EACH)


def assert_alike(
    rules: RuleSet,
    compiled: Compiled,
    values: Mapping[str, Fact],
    *,
    today: date,
    suspended: frozenset[str] = frozenset(),
    answers: Mapping[str, str] | None = None,
) -> bool:
    """Compare both forms on one lead; `repr` shows every bit of a float and the sign of 0.

    Returns whether nothing was missing, so that the brief was compared too.
    """
    expected, found = Recorder(answers), Recorder(answers)
    judged = scores.judge(
        rules.model, values, today=today, suspended=suspended, registrable=expected
    )
    again = compiled.judge(values, today=today, suspended=suspended, registrable=found)
    assert repr(again) == repr(judged)
    assert found.asked == expected.asked
    outlined = scores.outline(
        rules.model, values, today=today, suspended=suspended, registrable=expected
    )
    drawn = compiled.outline(values, today=today, suspended=suspended, registrable=found)
    assert drawn == outlined
    assert repr(drawn.scores) == repr(outlined.scores)
    tell = compiled.briefly(today=today, suspended=suspended, registrable=Recorder(answers))
    brief = tell(Facts(values))
    assert (brief is None) == any(name not in values for name in attributes_read(rules.model))
    if brief is None:
        return False
    assert brief.outcome == first_yes(rules, judged)
    assert repr(brief.scores) == repr(tuple(score.value for score in judged.scores))
    return True


def first_yes(rules: RuleSet, judged: Trace) -> int:
    """Return the place of the outcome that a trace comes to."""
    gates = zip(rules.model.gates, judged.closed.gates, strict=True)
    by_gate = [gate.outcome for gate, result in gates if result is YES]
    return by_gate[0] if by_gate else judged.closed.outcomes.index(YES)


def test_generated_rule_sets_are_judged_alike() -> None:
    """Whatever the rules and the facts: the same trace, the same outline, the same look-ups."""
    seen: Counter[object] = Counter()

    @looking(120, quick=120)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        rules = load_rule_set(data.draw(documents(), label="rule set"))
        leads = data.draw(several_facts(rules), label="leads")
        today = data.draw(CLOCKS).date()
        compiled = compile_model(rules.model)
        for lead in leads:
            values = rules.admit(lead).values
            seen["briefs"] += assert_alike(rules, compiled, values, today=today)
        trees = [*trees_of(rules.model), *(derived.node for derived in rules.model.derived)]
        for node in (node for tree in trees for node in ast.walk(tree)):
            seen[type(node)] += 1
            seen[node.operator if isinstance(node, ast.Apply) else None] += 1
        seen["comparisons"] += 2 * len(leads)

    compare()
    assert not (set(TREATY) | NODES) - set(seen)
    assert seen["comparisons"] >= 5_000
    assert seen["briefs"] >= 500


@looking(60)
@given(data=st.data())
def test_suspended_rules_are_left_out_alike(data: st.DataObject) -> None:
    """A suspended gate, rule or outcome counts as no in both; an unknown id changes nothing."""
    rules = load_rule_set(data.draw(documents(), label="rule set"))
    model = rules.model
    ids = [*(gate.id for gate in model.gates), *(rule.id for rule in model.rules), "stranger"]
    ids += [outcome.suspended_as for outcome in model.outcomes]
    compiled = compile_model(model)
    for _ in range(3):
        suspended = data.draw(st.frozensets(st.sampled_from(ids)), label="suspended")
        values = rules.admit(data.draw(facts_for(rules))).values
        assert_alike(rules, compiled, values, today=TODAY, suspended=suspended)


@looking(40)
@given(data=st.data())
def test_tables_handed_in_are_used_alike(data: st.DataObject) -> None:
    """What a replay says of a registrable domain holds, whatever the shipped table says now."""
    rules = load_rule_set(data.draw(documents(), label="rule set"))
    compiled = compile_model(rules.model)
    answer = st.sampled_from(["", "gmail.com", "example.co.uk", "a"])
    answers = data.draw(st.dictionaries(st.sampled_from(written.TEXTS), answer))
    for lead in data.draw(st.lists(facts_for(rules), min_size=5, max_size=5)):
        values = rules.admit(lead).values
        assert_alike(rules, compiled, values, today=TODAY, answers=answers)


EVERYTHING = load_rule_set(
    {
        "rule_set": "everything",
        "attributes": dict(written.ATTRIBUTES),
        "outcomes": [{"id": "rest", "verdict": "review"}],
    }
)
"""Every attribute of the generated expressions, and no rules."""


EXPRESSIONS = st.one_of(
    [
        written.conditions(ALONE),
        written.numbers(ALONE),
        written.texts(ALONE),
        written.dates(ALONE),
        written.lists(ALONE),
    ]
)


@looking(400)
@given(data=st.data())
def test_single_expressions_have_the_same_value(data: st.DataObject) -> None:
    """An expression of any type, alone, open and closed, and with every fact known."""
    expression = data.draw(EXPRESSIONS, label="expression")
    leads = data.draw(several_facts(EVERYTHING), label="leads")
    today = data.draw(CLOCKS).date()
    attributes = used_by(expression)
    node = typed(expression, attributes)
    compiled = compile_expression(node, attributes)
    for lead in leads:
        values = {k: v for k, v in admit(lead, attributes).values.items() if k in attributes}
        for view in View:
            if view is View.COMPLETE and len(values) < len(attributes):
                continue
            found = compiled.value(values, today=today, view=view)
            assert repr(found) == repr(expected_value(node, values, attributes, today, view))


def used_by(expression: str) -> dict[str, Attribute]:
    """Return the attributes that *expression* mentions."""
    return {
        name: attribute for name, attribute in EVERYTHING.attributes.items() if name in expression
    }


def expected_value(
    node: ast.Node,
    values: Mapping[str, Fact],
    attributes: Mapping[str, Attribute],
    today: date,
    view: View,
) -> Value:
    """Return the reference's value as generated code holds it."""
    known = reference.Known(
        values=reference.reading(values, attributes),
        attributes=attributes,
        today=today,
        is_open=view is not View.CLOSED,
    )
    if node.type.kind is Kind.TRUTH:
        return {YES: True, NO: False}.get(reference.truth(node, known))
    value = reference.derive(node, known)
    if isinstance(value, Range):
        return value.low
    return value if isinstance(value, str | date | tuple) else None


def small(*rules: str, mode: str = "sum", when: str = "fit > 10") -> RuleSet:
    """Return a rule set with one group; each rule is a condition, its points its place."""
    return load_rule_set(
        {
            "rule_set": "small",
            "attributes": dict(written.ATTRIBUTES),
            "scores": {
                "fit": {
                    "groups": [
                        {
                            "id": "all",
                            "mode": mode,
                            "rules": [
                                {"id": f"rule{i}", "when": rule, "points": float(i % 7 - 3)}
                                for i, rule in enumerate(rules)
                            ],
                        }
                    ]
                }
            },
            "outcomes": [
                {"id": "good", "verdict": "qualify", "when": when},
                {"id": "rest", "verdict": "review"},
            ],
        }
    )


@pytest.mark.parametrize("mode", ["sum", "first", "max"])
def test_five_hundred_rules_in_one_group_are_judged_alike(mode: str) -> None:
    """Nothing in generated code nests deeper with every rule."""
    halves = [f"vehicles > {i} || balance == {i}" for i in range(500)]
    rules = small(*halves, mode=mode)
    compiled = compile_model(rules.model)
    for lead in ({}, {"vehicles": 3}, {"vehicles": 1e6, "balance": 0}, {"balance": 7}):
        assert_alike(rules, compiled, rules.admit(lead).values, today=TODAY)


def test_the_longest_chains_are_judged_alike() -> None:
    """A sum, a conjunction and an `at_least` of a thousand operands."""
    total = " + ".join(["vehicles"] * 1_000)
    many = ", ".join(["active", "vehicles > 2"] * 400)
    rules = small(f"{total} > 2999", " && ".join(["active"] * 1_000), f"at_least(400, {many})")
    compiled = compile_model(rules.model)
    for lead in ({}, {"vehicles": 3}, {"vehicles": 3, "active": True}):
        assert_alike(rules, compiled, rules.admit(lead).values, today=TODAY)


def test_constants_that_python_takes_for_equal_keep_their_type() -> None:
    """1.0, 1 and True are one key in Python; a score is never True for it."""
    rules = small("active == true", "vehicles == 1", "true", "vehicles >= 0", when="fit == 1")
    trace = compile_model(rules.model).judge({"active": True, "vehicles": 1.0}, today=TODAY)
    assert {type(effect) for effect in trace.effects} == {float}
    assert {type(score.value) for score in trace.scores} == {float}


def test_a_grade_in_an_undecided_ternary_agrees_with_the_band_beside_it() -> None:
    """Where both branches give the same band, the test does not matter."""
    document: dict[str, object] = {
        "rule_set": "graded",
        "attributes": {"active": {"type": "flag"}},
        "scores": {
            "fit": {"groups": [{"id": "g", "rules": [{"id": "r", "when": "true", "points": 1}]}]}
        },
        "grades": {"grade": {"of": "fit", "A": 1, "B": None}},
        "outcomes": [
            {"id": "good", "verdict": "qualify", "when": '(active ? grade : "A") == "A"'},
            {"id": "rest", "verdict": "review"},
        ],
    }
    rules = load_rule_set(document)
    assert scores.judge(rules.model, {}, today=TODAY).open.outcomes == (YES, YES)
    assert_alike(rules, compile_model(rules.model), {}, today=TODAY)


def test_more_sets_of_suspended_rules_than_are_kept_stay_right() -> None:
    """A set whose functions were dropped is compiled again."""
    rules = small(*[f"vehicles > {i}" for i in range(VARIANTS_KEPT + 2)])
    compiled = compile_model(rules.model)
    values = rules.admit({"vehicles": 9}).values
    for _ in range(2):
        for place in range(VARIANTS_KEPT + 2):
            suspended = frozenset({f"rule{place}"})
            assert_alike(rules, compiled, values, today=TODAY, suspended=suspended)


def test_preparing_compiles_ahead_and_changes_nothing() -> None:
    """What was compiled in good time gives what would have been compiled at first use."""
    rules = small("vehicles > 3", "vehicles > 5")
    rules.prepare()
    compiled = compile_model(rules.model)
    compiled.prepare()
    for lead in ({}, {"vehicles": 4}):
        assert_alike(rules, compiled, rules.admit(lead).values, today=TODAY)


@looking(25)
@given(data=st.data())
def test_whole_decisions_are_alike(data: st.DataObject) -> None:
    """Questions, reasons and words rest on the trace alone, whichever form made it."""
    rules = load_rule_set(data.draw(documents(), label="rule set"))
    slow = replace(rules, meaning=Reference(rules.model))
    facts = data.draw(facts_for(rules), label="facts")
    at = data.draw(CLOCKS)
    one, other = (form.decide(facts, at=at) for form in (rules, slow))
    assert one.to_json(explain="full") == other.to_json(explain="full")
    assert one.tabled == other.tabled
