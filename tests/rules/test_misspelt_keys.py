"""A misspelt key is one problem, and hides no other."""

from service.rules import check_rule_set

DOCUMENT = """\
rule_set: x
attributes: {a: {type: number, min: 0}}
scores:
  fit:
    groups:
      - id: g
        rules:
          - {id: r, whn: a > 1, points: 5}
          - {id: s, when: b > 1, points: 5}
outcomes: [{id: rest, verdict: review}]
"""


def test_a_misspelt_required_key_is_read_as_it_was_meant() -> None:
    """The key that is then missing is not complained about, and the rest is searched too."""
    problems = check_rule_set(DOCUMENT).problems
    assert [(p.code, p.line, p.column) for p in problems if p.severity == "error"] == [
        ("unknown-key", 8, 21),
        ("unknown-name", 9, 27),
    ]


def test_a_choice_unlike_any_is_answered_with_the_choices() -> None:
    """Where nothing is near, the author sees what there is."""
    text = DOCUMENT.replace("whn: a > 1", 'when: c == "Norway"').replace("b > 1", "a > 1")
    text = text.replace("min: 0}", "min: 0}, c: {type: choice, choices: [DE, AT]}")
    (problem,) = check_rule_set(text).errors
    assert problem.message == "`Norway` is not one of the choices; there are `DE`, `AT`"


def test_a_misspelt_key_beside_the_right_one_is_left_out() -> None:
    """What the right key says stays."""
    text = DOCUMENT.replace("whn: a > 1", "whn: a > 1, when: a > 2")
    codes = [p.code for p in check_rule_set(text).problems if p.severity == "error"]
    assert codes == ["unknown-key", "unknown-name"]
