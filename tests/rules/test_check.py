"""Checking a draft: every problem at once, each with its place, a code and a way out."""

# ruff: noqa: E501  a row of a table reads best on one line

from pathlib import Path

import pytest

from service.rules import InvalidRuleSet, check_rule_set, load_rule_set

CASES = Path(__file__).resolve().parents[1] / "cases"

FIVE_MISTAKES = """\
rule_set: my_rules
attributes:
  vehicles: {type: number, min: 0, max: 5000}
  country: {type: choice, choices: [DE, AT]}
  email: {type: text, folded: true}
scores:
  fit:
    groups:
      - id: size
        mode: frist
        rules:
          - {id: large, when: vehicels >= 200, points: 40}
          - {id: large, when: vehicles >= 20, points: 25}
          - {id: home, when: 'country > "DE"', points: 5}
outcomes:
  - {id: good, verdict: qualify, when: fit >= 40, url: /book}
  - {id: not_now, verdict: disqualify, message: later}
"""


def minimal(**parts: str) -> str:
    """Return a small rule set with some of its parts replaced; each is a line of YAML."""
    lines = {
        "attributes": "attributes: {v: {type: number, min: 0, max: 9}, c: {type: choice, "
        "choices: [a, b]}, t: {type: text}, d: {type: date}, l: {type: list}}",
        "scores": "scores: {fit: {groups: [{id: g, rules: [{id: r, when: v > 3, points: 5}]}]}}",
        "outcomes": "outcomes: [{id: yes_, verdict: qualify, when: fit > 0}, "
        "{id: no_, verdict: disqualify, url: /x}]",
    } | parts
    return "rule_set: small\n" + "\n".join(lines.values()) + "\n"


def test_five_mistakes_are_all_reported_with_place_and_cure() -> None:
    """Mistakes of shape, names, ids and types do not hide one another."""
    problems = [p for p in check_rule_set(FIVE_MISTAKES).problems if p.severity == "error"]
    found = [(p.line, p.column, p.code, p.suggestion) for p in problems]
    assert found == [
        (5, 23, "unknown-key", "fold"),
        (10, 15, "value", "first"),
        (12, 31, "unknown-name", "vehicles"),
        (13, 18, "duplicate-id", None),
        (14, 30, "type", None),
    ]
    assert "line 12" in problems[3].message
    assert "needs an ordered choice or a number" in problems[4].message


BROKEN: list[tuple[str, str, str]] = [
    (minimal(derived="derived: {a: b + 1, b: a + 1}"), "circle", "/derived/a"),
    (minimal(derived="derived: {when_: d}"), "type", "/derived/when_"),
    (minimal(derived="derived: {if: v + 1}"), "reserved", "/derived/if"),
    (minimal(derived="derived: {v: v + 1}"), "duplicate-id", "/derived/v"),
    (minimal(derived="derived: {x: 'v +'}"), "syntax", "/derived/x"),
    (minimal(derived="derived: {x: fit + 1}"), "unknown-name", "/derived/x"),
    (minimal(lists="lists: {empty: []}"), "limit", "/lists/empty"),
    (minimal(gates="gates: [{id: g1, when: v > 1, then: nobody}]"), "unknown-outcome", "/gates/0/then"),
    (minimal(gates="gates: [{id: r, when: v > 1, then: no_}]"), "duplicate-id", "/gates/0/id"),
    (minimal(gates="gates: [{id: g1, when: fit > 1, then: no_}]"), "unknown-name", "/gates/0/when"),
    (minimal(grades="grades: {g: {of: fitt, A: 3, B: null}}"), "unknown-name", "/grades/g/of"),
    (minimal(grades="grades: {g: {of: fit, A: 3, B: 2}}"), "value", "/grades/g"),
    (minimal(scores="scores: {fit: {formula: v + total}, total: {formula: fit}}"), "circle", "/scores/fit/formula"),
    (minimal(scores="scores: {fit: {floor: 2, ceiling: 1, formula: v}}"), "value", "/scores/fit/floor"),
    (minimal(scores="scores: {fit: {note: nothing}}"), "missing-key", "/scores/fit"),
    (minimal(scores="scores: {fit: {formula: age_days(d)}}"), "endless", "/scores/fit/formula"),
    (minimal(scores="scores: {fit: {groups: [{id: g, cap: -1, rules: [{id: r, when: v > 3, points: 5}]}]}}"),
     "value", "/scores/fit/groups/0/cap"),
    (minimal(scores="scores: {fit: {groups: [{id: g, rules: [{id: r, when: v > 3, points: v}]}]}}"),
     "missing-key", "/scores/fit/groups/0/rules/0/points"),
    (minimal(scores="scores: {fit: {groups: [{id: g, rules: [{id: r, when: v, points: 1}]}]}}"),
     "type", "/scores/fit/groups/0/rules/0/when"),
    (minimal(outcomes="outcomes: [{id: a, verdict: review, when: fit > 1}]"), "last-outcome", "/outcomes/0"),
    (minimal(outcomes="outcomes: [{id: a, verdict: review}, {id: b, verdict: review}]"), "last-outcome", "/outcomes/0"),
    (minimal(outcomes="outcomes: [{id: a, verdict: undecided}]"), "value", "/outcomes/0/verdict"),
    (minimal(outcomes="outcomes: [{id: a, verdict: review, url: 'javascript:x'}]"), "value", "/outcomes/0/url"),
    (minimal(attributes="attributes: {v: {type: number, choices: [a]}}"), "value", "/attributes/v/choices"),
    (minimal(attributes="attributes: {v: {type: number, min: 3, max: 2}}"), "value", "/attributes/v/min"),
    (minimal(attributes="attributes: {v: {type: choice}}"), "missing-key", "/attributes/v"),
    (minimal(attributes="attributes: {V: {type: flag}}"), "value", "/attributes/V"),
    (minimal(tests="tests: [{name: t, facts: {v: 5}, expect: {outcome: no_}}]"), "test-failed", "/tests/0"),
    (minimal(tests="tests: [{name: t, facts: {v: 98765432109876543}, expect: {}}]"), "limit", "/tests"),
    ("rule_set: a\nrule_set: b\n", "duplicate-key", "/rule_set"),
    ("- 1\n", "type", ""),
    ("", "syntax", ""),
    ("a: [", "syntax", ""),
    ("\0", "syntax", ""),
    ("rule_set: &a [*a]", "limit", "/rule_set" + "/0" * 15),
    ("[" * 50_000, "limit", ""),
    ("a: " + "x" * 300_000, "limit", ""),
    ("rule_set: !!python/object:os.system x", "syntax", "/rule_set"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "pointer"), BROKEN)
def test_each_mistake_has_its_code_and_pointer(text: str, code: str, pointer: str) -> None:
    """A script can rely on code and pointer; a person gets words."""
    checked = check_rule_set(text)
    assert (code, pointer) in {(p.code, p.pointer) for p in checked.problems}
    assert checked.rules is None
    assert all(p.message and not p.message.endswith(".") for p in checked.problems)


def test_a_rule_set_without_mistakes_has_none() -> None:
    """The frame that the table above breaks is itself whole."""
    assert check_rule_set(minimal()).errors == ()


def test_an_object_is_checked_like_its_text() -> None:
    """What an API client sends as JSON has the same problems, placed by pointer alone."""
    document = {"rule_set": "x", "attributes": {"v": {"type": "number"}}, "outcomes": [{"id": "a"}]}
    (problem,) = check_rule_set(document).problems
    assert (problem.code, problem.pointer, problem.line) == (
        "missing-key",
        "/outcomes/0/verdict",
        None,
    )


def test_loading_raises_with_every_problem() -> None:
    """`load_rule_set` refuses with all errors in one exception."""
    with pytest.raises(InvalidRuleSet) as refused:
        load_rule_set(FIVE_MISTAKES)
    assert len(refused.value.problems) == 5
    assert "and 4 more" in str(refused.value)


def test_norway_stays_norway() -> None:
    """YAML 1.2: `NO` is a text, not false."""
    rules = load_rule_set(
        minimal(attributes="attributes: {v: {type: number}, c: {type: choice, choices: [NO, SE]}}")
    )
    assert rules.attributes["c"].choices == ("NO", "SE")


PLACES = [
    ("derived: {x: vehicels}", (3, 14)),
    ("derived:\n  x: 1 + vehicels", (4, 10)),
    ('derived:\n  x: "1 + vehicels"', (4, 11)),
    ("derived:\n  x: |\n    1 +\n      vehicels", (6, 7)),
]


@pytest.mark.parametrize(("derived", "place"), PLACES)
def test_a_problem_points_into_the_expression(derived: str, place: tuple[int, int]) -> None:
    """Line and column are those of the word itself, in plain, quoted and block text."""
    text = f"rule_set: x\nattributes: {{vehicles: {{type: number}}}}\n{derived}\noutcomes: [{{id: a, verdict: review}}]"
    problem = next(p for p in check_rule_set(text).problems if p.code == "unknown-name")
    assert (problem.line, problem.column) == place


LIMITS = [
    ("rules", 500, lambda n: minimal(scores="scores: {fit: {groups: [{id: g, rules: [" + ", ".join(
        f"{{id: r{i}, when: c == 'a', points: 1}}" for i in range(n)) + "]}]}}")),
    ("depth", 9, lambda n: minimal(derived="derived: {x: '" + "abs(" * n + "v" + ")" * n + " > 1'}")),
    ("list", 10_000, lambda n: minimal(lists="lists: {x: [" + ", ".join(f"w{i}" for i in range(n)) + "]}")),
    ("pattern", 128, lambda n: minimal(derived="derived: {x: 't.matches(\"" + "a" * n + "\")'}")),
    ("patterns", 50, lambda n: minimal(derived="derived: {" + ", ".join(
        f"x{i}: 't.matches(\"a\")'" for i in range(n)) + "}")),
]  # fmt: skip


@pytest.mark.parametrize(("what", "limit", "text"), LIMITS, ids=[row[0] for row in LIMITS])
def test_limits_hold_at_the_limit_and_one_past_it(what: str, limit: int, text: object) -> None:
    """At the limit a rule set is accepted, one past it and ten times it refused with words."""
    assert callable(text)
    assert check_rule_set(text(limit)).errors == (), what
    for past in (limit + 1, limit * 10 if what != "list" else limit + 2):
        assert check_rule_set(text(past)).errors, what


def test_the_worked_example_passes_its_own_tests() -> None:
    """The document of the language guide has no errors and decides as it says."""
    checked = check_rule_set((CASES / "fleet_leads.yaml").read_text(encoding="utf-8"))
    assert checked.errors == ()
    assert [result.passed for result in checked.tests] == [True, True, True]
