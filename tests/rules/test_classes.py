"""Classes of an attribute: every value acts like one of them, and none is empty."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import RuleSet, load_rule_set
from service.rules.attributes import Fact, admit
from service.rules.classes import AttributeClasses, classes_of
from service.rules.scores import judge
from tests.rules.strategies import complete_facts_for, rule_sets
from tests.sizes import looking

DAY = date(2026, 3, 1)
CASES = Path(__file__).parents[1] / "cases"


def rules_asking(declaration: str, *conditions: str, derived: str = "{}") -> RuleSet:
    """Return a rule set with the attribute `it` and a rule per condition."""
    rules = [f"{{id: r{i}, when: '{when}', points: 1}}" for i, when in enumerate(conditions)]
    return load_rule_set(
        f"""
        rule_set: sample
        attributes: {{it: {declaration}, other: {{type: number}}, mark: {{type: text}}}}
        lists: {{free: [gmail.com, gmx.de]}}
        derived: {derived}
        scores: {{fit: {{groups: [{{id: all, mode: sum, rules: [{", ".join(rules)}]}}]}}}}
        outcomes: [{{id: rest, verdict: review}}]
        """
    )


def classes_asking(declaration: str, *conditions: str, derived: str = "{}") -> AttributeClasses:
    """Return the classes of `it`."""
    rules = rules_asking(declaration, *conditions, derived=derived)
    return classes_of(rules.model, today=DAY)["it"]


@pytest.mark.parametrize(
    ("declaration", "conditions", "values"),
    [
        ("{type: number, min: 0}", ["it >= 20", "it < 5"], (0.0, 5.0, 20.0)),
        ("{type: number}", ["it > 130", "it < 130"], (0.0, 130.0, 131.0)),
        ("{type: number, min: 3, max: 4}", ["it == 3.5"], (3.0, 3.5)),
        ("{type: number, min: 0, max: 10}", ["it > 10"], (0.0,)),
        ("{type: number, min: 0}", ["it in [1, 2]"], (0.0, 1.0)),
        ("{type: number, min: 0}", ["between(it, 2.5, 3)"], (0.0, 3.0)),
        ("{type: number, min: 0}", ["it / 1000 - 2 >= 5"], (0.0, 7000.0)),
        ("{type: number, min: 0}", ["round(it) == 2"], (0.0, 2.0)),
        ("{type: number, min: 0}", ["it <= 0.1 + 0.2"], (0.0, 1.0)),
        ("{type: flag}", ["it"], (True, False)),
        ("{type: flag}", ["other > 1"], (True,)),
        ("{type: choice, choices: [a, b, c], ordered: true}", ['it >= "b"'], ("a", "b")),
        ("{type: choice, choices: [a, b], other: true}", ['it == "a"', 'it != "b"'],
         ("a", "b", "other")),
        ("{type: date}", ['it > date("2026-05-01")'], (DAY, date(2026, 5, 2))),
        ("{type: date}", ["age_months(it) >= 12"], (date(2025, 3, 1), DAY)),
        ("{type: text}", ['it == "x"'], ("x", "something else")),
        ("{type: text}", ['it == " x"', 'it == ""'], ("something else",)),
        ("{type: text}", ['it.contains("manager")', 'it.contains("senior manager")'],
         ("|", "|manager|", "|senior manager|")),
        ("{type: text}", ["registrable_domain(it) in lists.free"],
         ("someone@gmail.com", "someone@something-else.example")),
        ("{type: text}", ['registrable_domain(it) == ""'],
         ("nothing", "someone@something-else.example")),
        ("{type: list}", ['"sap" in it', "size(it) > 1"],
         ((), ("something else",) * 2, ("sap",), ("sap", "sap"))),
        ("{type: list}", ['it.all(t, t.startsWith("a"))'], ((), ("|",))),
    ],
)  # fmt: skip
def test_classes_are_told_apart_by_the_rules_and_no_further(
    declaration: str, conditions: list[str], values: tuple[Fact, ...]
) -> None:
    """One plain value per class, where the rules cut and nowhere else."""
    found = classes_asking(declaration, *conditions)
    assert found.finite
    assert set(found.values) == set(values)


@pytest.mark.parametrize(
    ("declaration", "condition"),
    [
        ("{type: number}", "it > other"),
        ("{type: number}", "it * it > 4"),
        ("{type: text}", "it == mark"),
        ("{type: text}", 'it.matches("^a+$")'),
        ("{type: text}", 'it.contains(".") && registrable_domain(it) == "x.example"'),
        ("{type: list}", "it.exists(t, t == mark)"),
        ("{type: list}", "size(it) > 1000"),
    ],
)
def test_what_cannot_be_cut_finitely_says_so(declaration: str, condition: str) -> None:
    """Beside another attribute, turning around, or by a pattern: a sample only."""
    assert not classes_asking(declaration, condition).finite


def test_points_that_count_with_a_number_leave_it_endless() -> None:
    """A number used in points has both of its ends in the sample."""
    text = (CASES / "fleet_leads.yaml").read_text(encoding="utf-8")
    clicks = classes_of(load_rule_set(text).model, today=DAY)["email_clicks"]
    assert not clicks.finite
    assert {0.0, float(2**53)} <= set(clicks.values)


def test_a_derived_name_is_looked_through() -> None:
    """The classes of an address follow the domain that the rules ask about."""
    found = classes_asking(
        "{type: text, fold: true}",
        'site == "big.example"',
        "site in lists.free",
        derived="{site: registrable_domain(it)}",
    )
    assert found.finite
    assert len(found.values) == 3


def test_hosts_and_domains_asked_together_are_all_met() -> None:
    """A whole address, a host and a registrable domain cut one text together."""
    found = classes_asking(
        "{type: text}",
        'it == "ann@shop.big.example"',
        'domain(it) == "shop.big.example"',
        'registrable_domain(it) in ["big.example", ""]',
    )
    assert found.finite
    assert len(found.values) == 4


def test_a_long_list_of_texts_has_two_classes() -> None:
    """Five thousand domains are on the list or not, whatever their number."""
    domains = ", ".join(f'"shop{number}.example"' for number in range(5_000))
    found = classes_asking("{type: text}", f"registrable_domain(it) in [{domains}]")
    assert found.finite
    assert found.values == ("someone@shop0.example", "someone@something-else.example")


def test_a_long_list_of_numbers_is_not_cut() -> None:
    """Thousands of single numbers are no classes to ask about."""
    numbers = ", ".join(str(number * 2) for number in range(1_000))
    assert not classes_asking("{type: number}", f"it in [{numbers}]").finite


@looking(80)
@given(st.data())
def test_every_value_acts_like_the_value_of_some_class(data: st.DataObject) -> None:
    """Where classes are finite, any value can be replaced by one of them and nothing moves."""
    rules = data.draw(rule_sets())
    facts = rules.admit(data.draw(complete_facts_for(rules))).values
    classes = classes_of(rules.model, today=DAY)
    finite = [name for name in facts if classes[name].finite]
    if not finite:
        return
    name = data.draw(st.sampled_from(finite))
    wanted = judge(rules.model, facts, today=DAY)
    found = (
        judge(rules.model, {**facts, name: value}, today=DAY) for value in classes[name].values
    )
    assert any(trace == wanted for trace in found)


@looking(50)
@given(st.data())
def test_no_class_is_empty(data: st.DataObject) -> None:
    """The door lets the value of each class through unchanged."""
    rules = data.draw(rule_sets())
    for name, found in classes_of(rules.model, today=DAY).items():
        assert found.values
        for value in found.values:
            raw = value.isoformat() if isinstance(value, date) else value
            assert admit({name: raw}, rules.attributes).values[name] == value
