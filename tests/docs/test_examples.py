"""Examples in the guide are run, so that a reader can trust them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.rules import UNKNOWN, check_rule_set, evaluate, load_rule_set
from tests.docs.blocks import Block, blocks

RULE_SETS = blocks("yaml rule-set")
EXPRESSION_BLOCKS = blocks("cel")
CLOCK = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
ATTRIBUTES = """
rule_set: guide
subject: lead
title: The attributes that the guide's expressions speak of
attributes:
  staff:   {type: number, min: 0, max: 1000000}
  revenue: {type: number, min: 0, max: 1000000000}
  country: {type: choice, choices: [DE, AT, CH], other: true}
  email:   {type: text}
  tools:   {type: list}
  founded: {type: date}
outcomes:
  - {id: everybody, verdict: review}
"""


@pytest.mark.parametrize("block", RULE_SETS, ids=str)
def test_a_rule_set_of_the_guide_has_no_problem(block: Block) -> None:
    """What the guide shows as a rule set is one, without an error or a warning."""
    assert [problem.message for problem in check_rule_set(block.text).problems] == []


@pytest.mark.parametrize("block", RULE_SETS, ids=str)
def test_a_rule_set_of_the_guide_passes_its_own_tests(block: Block) -> None:
    """The tests printed beside the rules come out as written."""
    results = load_rule_set(block.text).run_tests()
    assert results
    assert [(result.name, result.differences) for result in results if not result.passed] == []


def _examples(block: Block) -> Iterator[tuple[dict[str, object], str, object]]:
    """Yield facts, expression and the value promised behind its `#`."""
    facts: dict[str, object] = {}
    for line in block.text.splitlines():
        expression, _, promise = line.rpartition("#")
        if promise.strip().startswith("facts:"):
            facts = json.loads(promise.partition("facts:")[2])
        elif expression.strip():
            value = UNKNOWN if promise.strip() == "unknown" else json.loads(promise)
            yield facts, expression.strip(), value


@pytest.mark.parametrize(
    ("facts", "expression", "value"),
    [example for block in EXPRESSION_BLOCKS for example in _examples(block)],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_an_expression_of_the_guide_has_the_value_beside_it(
    facts: dict[str, object], expression: str, value: object
) -> None:
    """Each line of the expression examples evaluates to what its comment says."""
    rules = load_rule_set(ATTRIBUTES)
    known = rules.admit(facts)
    assert not known.problems
    result = evaluate(expression, rules.attributes, known, at=CLOCK)
    assert result is value if value is UNKNOWN else result == value
