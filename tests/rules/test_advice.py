"""Warnings about drafts: what is found, what is left alone, and that no alarm is false."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import RuleSet, check_rule_set, load_rule_set
from service.rules.advice import Advice, advise
from service.rules.scores import judge
from service.rules.truth import YES
from tests.rules.strategies import facts_for, rule_sets
from tests.sizes import looking

DAY = date(2026, 1, 1)
FLEET = Path(__file__).parents[1] / "cases" / "fleet_leads.yaml"
ATTRIBUTES: dict[str, dict[str, object]] = {
    "employees": {"type": "number", "min": 0},
    "revenue": {"type": "number", "min": 0},
    "country": {"type": "choice", "choices": ["DE", "AT", "FR"]},
    "title": {"type": "text", "fold": True},
    "email": {"type": "text", "pii": True},
    "founded": {"type": "date"},
    "tools": {"type": "list"},
    "budget": {"type": "flag"},
}
REST: dict[str, object] = {"id": "rest", "verdict": "review"}
Rules = list[tuple[str, float]]


def advice_on(rule_set: dict[str, object]) -> tuple[Advice, ...]:
    """Return the advice on a rule set, without that on what nobody reads."""
    members = {"rule_set": "draft", "attributes": ATTRIBUTES, "outcomes": [REST], **rule_set}
    found = advise(load_rule_set(members).model)
    return tuple(advice for advice in found if advice.code != "unused")


def codes_of(*when: str, mode: str = "sum", **limits: object) -> list[tuple[str, str]]:
    """Return code and pointer's last part for a group of rules worth 5 points each."""
    found = advice_on(grouped([(text, 5) for text in when], mode, **limits))
    return [(a.code, a.pointer.removeprefix("/scores/fit/groups/0")) for a in found]


def grouped(rules: Rules, mode: str = "sum", **limits: object) -> dict[str, object]:
    """Return a score of one group with these conditions and points."""
    listed = [{"id": f"r{i}", "when": w, "points": p} for i, (w, p) in enumerate(rules)]
    return {"scores": {"fit": {"groups": [{"id": "g", "mode": mode, "rules": listed, **limits}]}}}


def outcomes(*conditions: str, **score: object) -> dict[str, object]:
    """Return a score from 0 to 100 and outcomes that ask about it."""
    body = grouped([("budget", 60), ('country == "DE"', 80)])
    fit = {"floor": 0, "ceiling": 100, **score, **dict(body["scores"]["fit"])}  # type: ignore[index]
    found = [{"id": f"o{i}", "verdict": "review", "when": w} for i, w in enumerate(conditions)]
    return {"scores": {"fit": fit}, "outcomes": [*found, REST]}


@pytest.mark.parametrize(
    "when",
    [
        "employees > 10 && employees < 5",
        "employees < 0",
        "employees in [5, 6] && employees > 6",
        'country == "DE" && country == "AT"',
        'title == "x" && title.contains("y")',
        'title.startsWith("ab") && !title.contains("b")',
        'email == "a@x.example" && registrable_domain(email) == "y.example"',
        'founded > date("2026-01-01") && founded < date("2025-01-01")',
        "age_days(founded) < 30 && age_months(founded) > 3",
        '"sap" in tools && size(tools) == 0',
        'tools.all(t, t == "a") && "b" in tools',
        "budget && !budget",
        "employees > revenue && employees < 0",
        "at_least(2, employees < 3, employees > 7)",
    ],
)
def test_a_condition_that_nothing_fits_is_impossible(when: str) -> None:
    """By the finite classes of what it reads, one attribute or several."""
    assert codes_of(when) == [("impossible", "/rules/0/when")]


@pytest.mark.parametrize(
    "when",
    [
        "employees > 10 && employees < 11",
        "employees >= 5 && employees <= 5",
        "employees > revenue && revenue > employees",
        'title.contains("x") && title.startsWith("y")',
        'title.matches("^a$") && title.matches("^b$")',
        "!has(employees)",
        "has(employees) && employees >= 0",
        "(has(employees) ? employees < 0 : budget) || budget",
        'age_days(date("2020-01-01")) > 5',
        'tools.exists(t, t == "a") && tools.exists(t, t == "b")',
    ],
)
def test_what_can_be_yes_or_is_not_certain_is_left_alone(when: str) -> None:
    """Narrow, relational, or beyond what can be decided: no false alarm."""
    assert codes_of(when) == []


def test_a_condition_that_is_yes_for_everybody_is_always() -> None:
    """Whatever the country is; but the last rule of a `first` group may take the rest."""
    assert codes_of('country == "DE" || country != "DE"') == [("always", "/rules/0/when")]
    assert codes_of("employees > 5", "employees >= 0", mode="first") == []


def test_a_rule_that_others_always_take_is_shadowed() -> None:
    """One earlier rule or several together; the message names them."""
    assert codes_of("employees >= 20", "employees >= 200", mode="first") == [
        ("shadowed", "/rules/1/when")
    ]
    assert codes_of("employees < 10", "employees >= 10", "revenue > 5 && employees > 3",
                    mode="first") == [("shadowed", "/rules/2/when")]  # fmt: skip
    assert codes_of('title.contains("chief")', 'title.contains("chiefs")', mode="first") == [
        ("shadowed", "/rules/1/when")
    ]
    found = advice_on(grouped([("employees >= 20", 5), ("employees >= 200", 9)], "first"))
    assert found[0].message == "`r1` never counts: whenever it is yes, `r0` is yes before it"


def test_a_rule_that_counts_when_something_is_missing_is_not_shadowed() -> None:
    """With the revenue unknown the first rule counts as no, so the second is reached."""
    rules = ("employees > 5 && revenue >= 0", "employees > 5")
    assert codes_of(*rules, mode="first") == []


def test_what_is_too_much_to_try_is_looked_at_in_pairs() -> None:
    """Ten independent flags have too many cases together; two rules of them do not."""
    flags = {f"f{number}": {"type": "flag"} for number in range(10)}
    rules: Rules = [(name, 5) for name in flags]
    body = grouped([*rules, ("f3 && employees > 5", 9)], "first")
    found = advice_on({**body, "attributes": {**ATTRIBUTES, **flags}})
    assert [(a.code, a.pointer) for a in found] == [
        ("shadowed", "/scores/fit/groups/0/rules/10/when")
    ]
    assert "`r3` is yes before it" in found[0].message


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (("between(employees, 11, 1000)", "employees >= 1000"), "`employees` 1000 is in both"),
        (("between(revenue, 50, 500)", "between(revenue, 400, 900)"),
         "`revenue` 400 to 500 is in both"),
        (("revenue < 500", "revenue > 400"), "`revenue` over 400 to under 500 is in both"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["sum", "first", "max"])
def test_a_value_in_two_bands_is_an_overlap(rules: tuple[str, str], words: str, mode: str) -> None:
    """Where neither band holds the other, the shared values are named."""
    found = advice_on(grouped([(when, 5) for when in rules], mode))
    assert [(a.code, a.pointer) for a in found] == [
        ("overlap", "/scores/fit/groups/0/rules/1/when")
    ]
    assert words in found[0].message


def test_bands_inside_each_other_are_meant() -> None:
    """Steps of a `first` group, or points on top in a `sum`, are how people write."""
    assert codes_of("employees >= 200", "employees >= 20", "employees < 5", mode="first") == []
    assert codes_of("employees >= 20", "employees >= 200") == []


def test_a_value_between_two_bands_is_a_gap() -> None:
    """A hole of exactly one value; wider ones are meant, ten to eleven people are none."""
    assert codes_of("employees < 130", "employees > 130") == [("gap", "/rules/1/when")]
    assert codes_of("between(employees, 1, 10)", "between(employees, 11, 50)") == []
    assert codes_of("employees < 5", "employees >= 20") == []
    assert codes_of("employees < 130", "employees > 130", "employees == 130 && budget") == []


def test_a_text_that_gets_fewer_points_from_an_earlier_rule_is_an_overlap() -> None:
    """A chief of marketing should not end as somebody in marketing."""
    junior, senior = 'title.contains("Marketing")', 'title.contains("Chief")'
    found = advice_on(grouped([(junior, 3), (senior, 10)], "first"))
    assert [a.code for a in found] == ["overlap"]
    assert '"chief marketing" gets 3, not 10' in found[0].message
    assert advice_on(grouped([(senior, 10), (junior, 3)], "first")) == ()
    assert advice_on(grouped([(junior, 3), (senior, 10)], "sum")) == ()


def test_a_score_between_two_outcomes_is_a_gap() -> None:
    """It falls through to the last outcome, which the message names."""
    found = advice_on(outcomes("fit < 50", "fit > 50"))
    assert [(a.code, a.pointer) for a in found] == [("gap", "/outcomes/1/when")]
    assert found[0].message == (
        "fit 50 falls between `o0` (below 50) and `o1` (above 50); it ends in `rest`"
    )


@pytest.mark.parametrize(
    ("conditions", "place"),
    [
        (("fit > 100",), 0),
        (("fit >= 40", "fit >= 60"), 1),
        (("fit >= 0", "fit >= 60"), 1),
        (("fit >= 60", "fit < 60 && fit >= 30", "fit >= 30"), 2),
        (("budget && fit > 100",), 0),
    ],
)
def test_an_outcome_no_score_leads_to_is_unreachable(
    conditions: tuple[str, ...], place: int
) -> None:
    """Past the score's limits, or taken by an earlier outcome every time."""
    found = advice_on(outcomes(*conditions))
    assert [(a.code, a.pointer.split("/")[2]) for a in found] == [("unreachable", str(place))]


def test_an_outcome_that_gates_lead_to_is_reached() -> None:
    """A gate decides whatever the score; without one, `only_by_gate` leads nowhere."""
    gated = {"id": "gated", "verdict": "review", "only_by_gate": True}
    gate = {"id": "g", "when": "budget", "then": "gated"}
    assert advice_on({"gates": [gate], "outcomes": [gated, REST]}) == ()
    assert [a.code for a in advice_on({"outcomes": [gated, REST]})] == ["unreachable"]


def test_a_cap_is_dead_above_every_sum_and_tight_below_one_rule() -> None:
    """A cap that equals the most that is possible only states it."""
    rules: Rules = [("budget", 5), ('country == "DE"', 10)]
    assert [a.code for a in advice_on(grouped(rules, cap=16))] == ["dead-cap"]
    assert [a.code for a in advice_on(grouped(rules, cap=9))] == ["tight-cap"]
    assert [a.code for a in advice_on(grouped(rules, "first", cap=11))] == ["dead-cap"]
    assert advice_on(grouped(rules, cap=15)) == ()
    assert advice_on(grouped(rules, "first", cap=10)) == ()


def test_an_attribute_no_rule_reads_is_unused() -> None:
    """Also one that only an idle derived name reads; `has` is a use."""
    members: dict[str, object] = {
        "rule_set": "draft",
        "attributes": ATTRIBUTES,
        "derived": {"mail_domain": "domain(email)"},
        "gates": [{"id": "g", "when": "has(employees) && revenue > 5", "then": "rest"}],
        "outcomes": [REST],
    }
    found = {a.pointer: a.message for a in advise(load_rule_set(members).model)}
    idle = {"country", "title", "email", "founded", "tools", "budget"}
    assert set(found) == {f"/attributes/{name}" for name in idle}
    assert "only `mail_domain` does" in found["/attributes/email"]


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ({"message": "Hi {email}, pick a time"}, ["personal"]),
        ({"url": "/book?who={mail_domain}"}, ["personal"]),
        ({"message": "Write to ann.smith@shop.example"}, ["personal"]),
        ({"message": "Check your email; write to sales@shop.example"}, []),
        ({"message": "A partner near you is faster", "url": "/garages"}, []),
        ({"action": "newsletter"}, ["dead-end"]),
    ],
)
def test_public_words_are_safe_and_lead_somewhere(words: dict[str, str], codes: list[str]) -> None:
    """No personal data in what everybody sees; no disqualification without an alternative."""
    last = {"id": "rest", "verdict": "disqualify", **words}
    found = advice_on({"derived": {"mail_domain": "domain(email)"}, "outcomes": [last]})
    assert [a.code for a in found] == codes


def test_the_worked_example_has_nothing_to_mend() -> None:
    """The design's own rule set is checked without a warning."""
    assert advise(load_rule_set(FLEET.read_text(encoding="utf-8")).model) == ()


def test_warnings_come_with_the_line_of_the_file() -> None:
    """`check` places each finding and lets the draft pass."""
    text = FLEET.read_text(encoding="utf-8").replace("points: 40}", "points: 41}", 1)
    checked = check_rule_set(text.replace("scores: {fit: 65", "scores: {fit: 64"))
    tight = [problem for problem in checked.warnings if problem.code == "tight-cap"]
    assert [problem.severity for problem in tight] == ["warning"]
    assert tight[0].line is not None
    assert "cap: 40" in text.splitlines()[tight[0].line - 1]


@looking(80)
@given(st.data())
def test_no_alarm_is_false(data: st.DataObject) -> None:
    """No facts make an impossible rule yes, a shadowed one count, a lost outcome come out."""
    rules = data.draw(rule_sets())
    advised = {a.pointer: a.code for a in advise(rules.model)}
    values = rules.admit(data.draw(facts_for(rules))).values
    trace = judge(rules.model, values, today=DAY)
    for place, result in enumerate(trace.closed.gates):
        if advised.get(f"/gates/{place}/when") == "impossible":
            assert result is not YES
    for pointer, place in _places(rules):
        if advised.get(pointer) == "impossible":
            assert trace.closed.rules[place] is not YES
        if advised.get(pointer) == "shadowed":
            assert trace.effects[place] == 0
    reached = trace.closed.outcomes.index(YES)
    if YES not in trace.closed.gates:
        lost = {f"/outcomes/{reached}", f"/outcomes/{reached}/when"} & set(advised)
        assert not {advised[pointer] for pointer in lost} & {"unreachable", "impossible"}


def _places(rules: RuleSet) -> list[tuple[str, int]]:
    """Return the pointer of every rule's condition and its place in the trace."""
    return [
        (f"/scores/{score.name}/groups/{g}/rules/{r}/when", group.first_rule + r)
        for score in rules.model.scores
        for g, group in enumerate(score.groups)
        for r in range(len(group.rules))
    ]
