"""Words: what a rule says of a subject, with the subject's own values and nothing beside them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import load_rule_set
from service.rules.expression.carrying import handed_out, judged
from service.rules.expression.phrases import say, spoken
from service.rules.expression.tokens import (
    Token,
    number,
    sentence,
    shown,
    signed,
    singular,
    uncapitalised,
)
from service.rules.reasons import Reason
from service.rules.sight import sight_of
from service.rules.trace import truths_of
from tests.rules.strategies import facts_for, rule_sets
from tests.sizes import looking

AT = datetime(2026, 3, 1, tzinfo=UTC)
ATTRIBUTES: dict[str, dict[str, object]] = {
    "vehicles": {"type": "number", "label": "Fleet size", "unit": "vehicles"},
    "drivers": {"type": "number", "label": "Drivers"},
    "revenue": {"type": "number", "label": "Revenue", "unit": "EUR"},
    "country": {"type": "choice", "choices": ["DE", "AT", "FR"], "label": "Country"},
    "role": {
        "type": "choice", "choices": ["manager", "director", "vp"], "ordered": True,
        "label": "Role",
    },
    "tools": {"type": "list", "label": "Software in use"},
    "budget": {"type": "flag", "label": "Budget this year"},
    "email": {"type": "text", "pii": True, "fold": True, "label": "E-mail"},
    "title": {"type": "text", "label": "Title"},
    "plan": {"type": "text", "label": "CRM plan"},
    "signed": {"type": "date", "label": "Signed up"},
}  # fmt: skip
FACTS: dict[str, object] = {
    "vehicles": 120, "drivers": 7, "revenue": 1250000.5, "country": "DE", "role": "manager",
    "tools": ["sap", "Samsara"], "budget": True, "email": "Ann@GMail.com",
    "title": "Senior Manager", "plan": "pro", "signed": "2026-01-31",
}  # fmt: skip
NOTHING: dict[str, object] = {}


def reason_of(when: str, facts: dict[str, object]) -> Reason:
    """Return the reason of a rule that asks *when*, no more answers expected."""
    rules = load_rule_set(
        {
            "rule_set": "words",
            "attributes": ATTRIBUTES,
            "lists": {"free_mail": ["gmail.com", "gmx.de"], "odd": [1, 3]},
            "derived": {
                "mail_domain": "registrable_domain(email)",
                "per_driver": "ratio(vehicles, drivers, 0)",
                "near": 'country in ["DE", "AT"]',
                "shown_title": "lower(title)",
            },
            "scores": {
                "fit": {
                    "groups": [
                        {
                            "id": "g",
                            "mode": "sum",
                            "rules": [{"id": "r", "when": when, "points": 1}],
                        }
                    ]
                }
            },
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )
    decision = rules.decide(facts, at=AT, final=True)
    return next(reason for reason in decision.reasons(full=True) if reason.rule == "r")


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("vehicles >= 20", "Fleet size is 120 vehicles, at least 20"),
        ("20 <= vehicles", "Fleet size is 120 vehicles, at least 20"),
        ("vehicles > 200", "Fleet size is 120 vehicles, at most 200"),
        ("vehicles < 20", "Fleet size is 120 vehicles, at least 20"),
        ("vehicles <= 20", "Fleet size is 120 vehicles, over 20"),
        ("vehicles == 120", "Fleet size is 120 vehicles"),
        ("vehicles != 3", "Fleet size is 120 vehicles, not 3"),
        ("vehicles < drivers", "Fleet size is 120 vehicles, at least drivers (7)"),
        ("vehicles in [1, 120]", "Fleet size is 120 vehicles"),
        ("vehicles in [1, 2, 3, 4, 5, 6]", "Fleet size is 120 vehicles, not 1, 2, 3, 4 or 2 more"),
        ("vehicles in lists.odd", "Fleet size is 120 vehicles, not one of odd"),
        ("between(vehicles, 5, 100)", "Fleet size is 120 vehicles, not between 5 and 100"),
        ("revenue > 1000000", "Revenue is 1,250,000.5 EUR, over 1,000,000"),
        ("ratio(vehicles, drivers, 0) > 20", "Fleet size per drivers is 17.142857, at most 20"),
        ("per_driver > 2", "Per driver is 17.142857, over 2"),
        ("vehicles - drivers > 3", "Fleet size - drivers is 113, over 3"),
        ("-vehicles < 3", "Minus fleet size is -120, under 3"),
        ("min(vehicles, drivers) > 3", "The smaller of fleet size and drivers is 7, over 3"),
        ("max(vehicles, drivers) < 3", "The larger of fleet size and drivers is 120, at least 3"),
        ("clamp(vehicles, 0, 50) == 50", "Fleet size kept between 0 and 50 is 50"),
        ("abs(vehicles) > 3", "Fleet size without its sign is 120, over 3"),
        ("round(vehicles / 50) == 2", "Fleet size / 50 rounded is 2"),
        ('country == "DE"', "Country is DE"),
        ('country == "FR"', "Country is DE, not FR"),
        ('country != "DE"', "Country is DE"),
        ('country in ["FR", "AT"]', "Country is DE, not FR or AT"),
        ("near", "Country is DE"),
        ("!near", "Country is DE"),
        ('role < "director"', "Role is manager, below director"),
        ('role >= "director"', "Role is manager, below director"),
        ('role >= "manager"', "Role is manager"),
        ('"sap" in tools', "Software in use includes sap"),
        ('"oracle" in tools', "Software in use does not include oracle"),
        ("size(tools) > 2", "Software in use has 2 items, at most 2"),
        ('tools.exists(t, t == "sap")', "Software in use includes sap"),
        ('tools.exists(t, lower(t).startsWith("sam"))',
         'Software in use includes Samsara, starting with "sam"'),
        ('tools.exists(t, t.contains("z"))', 'Software in use includes nothing containing "z"'),
        ('tools.all(t, t == "sap")', "Software in use includes Samsara, not sap"),
        ('tools.all(t, t.contains("sa"))', 'Software in use includes only items containing "sa"'),
        ("plan in tools", "CRM plan is pro, not one of software in use"),
        ("budget", "Budget this year is yes"),
        ("!budget", "Budget this year is yes"),
        ("has(vehicles)", "Fleet size is known"),
        ("mail_domain in lists.free_mail", "E-mail domain is gmail.com, one of free mail"),
        ('mail_domain == "x.example"', "E-mail domain is gmail.com, not x.example"),
        ('email == "ann@gmail.com"', "E-mail is Ann@GMail.com"),
        ('title.contains("Manager")', 'Title is Senior Manager, containing "Manager"'),
        ('title.startsWith("CEO")', 'Title is Senior Manager, not starting with "CEO"'),
        ('title.endsWith("er")', 'Title is Senior Manager, ending with "er"'),
        ('title.matches("^Sen")', 'Title is Senior Manager, matching "^Sen"'),
        ('shown_title.contains("ceo")', 'Title is senior manager, not containing "ceo"'),
        ("title == plan", "Title is Senior Manager, not CRM plan (pro)"),
        ('signed > date("2025-12-31")', "Signed up is 2026-01-31, after 2025-12-31"),
        ('signed < date("2025-12-31")', "Signed up is 2026-01-31, on or after 2025-12-31"),
        ("age_days(signed) >= 14", "Signed up is 29 days ago, at least 14"),
        ("age_months(signed) < 1", "Signed up is 1 month ago, at least 1"),
        ("1 == 1", "`1 == 1` holds"),
    ],
)  # fmt: skip
def test_a_check_speaks_of_the_subjects_own_value(when: str, words: str) -> None:
    """Label, value, unit, and how it stands to what the rule names; yes and no alike."""
    assert reason_of(when, FACTS).text == words


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("vehicles >= 20", "Fleet size is not known"),
        ("vehicles < drivers", "Fleet size and drivers are not known"),
        ("mail_domain in lists.free_mail", "E-mail is not known"),
        ("has(vehicles)", "Fleet size is not known"),
        ('budget && "sap" in tools && near',
         "Budget this year, software in use and country are not known"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_to_be_not_known(when: str, words: str) -> None:
    """The missing attributes are named by their labels, together."""
    assert reason_of(when, NOTHING).text == words


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ('vehicles > 500 || country == "DE"', "Country is DE"),
        ('vehicles > 500 && country == "DE"', "Fleet size is 120 vehicles, at most 500"),
        ('vehicles > 500 && country == "FR"',
         "Fleet size is 120 vehicles, at most 500; country is DE, not FR"),
        ('!(vehicles > 500 || country == "FR")',
         "Fleet size is 120 vehicles, at most 500; country is DE, not FR"),
        ('at_least(2, vehicles > 1, country == "FR", budget)',
         "Fleet size is 120 vehicles, over 1; budget this year is yes"),
        ('at_least(2, vehicles > 1, country == "FR", !budget)',
         "Country is DE, not FR; budget this year is yes"),
        ('"sap" in tools && "Samsara" in tools', "Software in use includes sap and Samsara"),
        ('!("x" in tools) && !("y" in tools)', "Software in use does not include x or y"),
        ('vehicles > 3 ? country == "DE" : budget',
         "Fleet size is 120 vehicles, over 3; country is DE"),
    ],
)  # fmt: skip
def test_only_the_checks_that_carried_the_result_are_named(when: str, words: str) -> None:
    """Of a yes `||` the yes, of a no `&&` the no, through negation and counting."""
    assert reason_of(when, FACTS).text == words


def test_tokens_tell_the_subjects_values_from_the_rules() -> None:
    """A page can hide what is personal: the value says whose it is, and that it is personal."""
    assert reason_of("mail_domain in lists.free_mail", FACTS).tokens == (
        Token("attribute", "E-mail domain", "email"),
        Token("operator", "is"),
        Token("value", "gmail.com", "mail_domain", pii=True),
        Token("text", ","),
        Token("operator", "one of"),
        Token("text", "free mail"),
    )
    assert reason_of("vehicles >= 20", FACTS).tokens[2:] == (
        Token("value", "120", "vehicles"),
        Token("unit", "vehicles", "vehicles"),
        Token("text", ","),
        Token("operator", "at least"),
        Token("value", "20"),
    )


def test_a_check_keeps_the_expression_and_the_values_it_read() -> None:
    """Every check of the condition is listed as written, carried or not."""
    reason = reason_of('near || mail_domain == "x.example" || revenue > 5', FACTS)
    assert [check.to_json() for check in reason.checks] == [
        {"expression": "near", "result": "yes", "values": {"near": True}},
        {
            "expression": 'mail_domain == "x.example"',
            "result": "no",
            "values": {"mail_domain": "gmail.com"},
        },
        {"expression": "revenue > 5", "result": "yes", "values": {"revenue": 1250000.5}},
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (120.0, "120"), (1998.0, "1998"), (12500.0, "12,500"), (0.25, "0.25"), (-3.0, "-3"),
        (0.0000004, "0"), (-0.0, "0"), (True, "yes"), ("", "empty"), ((), "empty"),
        (("a", "b", "c"), "a, b and c"),
    ],
)  # fmt: skip
def test_values_read_as_people_write_them(value: object, words: str) -> None:
    """No trailing zeros, commas only where a year would not have them."""
    assert shown(value) == words


def test_small_words_fit_their_place() -> None:
    """Signs, plurals and capitals inside a sentence."""
    assert [signed(25.0), signed(-30.0), number(2.50)] == ["+25", "-30", "2.5"]
    assert [singular(unit) for unit in ("vehicles", "companies", "boxes", "EUR", "%", "glass")] == [
        "vehicle", "company", "box", "EUR", "%", "glass",
    ]  # fmt: skip
    labels = ("Fleet size", "CRM plan", "E-mail", "A note")
    assert [uncapitalised(x) for x in labels] == ["fleet size", "CRM plan", "e-mail", "a note"]


@looking(60)
@given(st.data())
def test_kept_phrases_say_what_the_checks_say(data: st.DataObject) -> None:
    """Filling a phrase's slots gives the words that are made afresh, tokens and text."""
    rules = data.draw(rule_sets())
    for facts in data.draw(st.lists(facts_for(rules), min_size=2, max_size=3)):
        decision = rules.decide(facts, at=AT)
        seen = sight_of(decision)
        for rule in rules.model.rules:
            condition = rule.condition
            first = condition.first_check
            results = truths_of(decision.trace.checks[first : first + len(condition.checks)])
            afresh = judged(condition.node, seen.reading(condition.text), handed_out(results))
            kept = say(condition.node, results, seen, source=condition.text)
            assert kept == spoken(afresh.carried)
            assert kept.text == sentence(kept.tokens)


@looking(60)
@given(st.data())
def test_every_rule_finds_words(data: st.DataObject) -> None:
    """Whatever a rule set asks and whatever is known, every reason has a sentence."""
    rules = data.draw(rule_sets())
    facts = data.draw(facts_for(rules))
    decision = rules.decide(facts, at=AT, final=data.draw(st.booleans()))
    for reason in decision.reasons(full=True):
        assert reason.text
        assert reason.text == sentence(reason.tokens)
    assert decision.summary.endswith(".")
