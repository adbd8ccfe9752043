"""The treaty: every operator means the same in every meaning that has it."""

from datetime import UTC, datetime

import pytest

from service.rules import UNKNOWN, Attribute, evaluate
from service.rules.attributes import AttributeType, admit
from service.rules.expression import (
    compile_comparisons,
    compile_numbers,
    sql_comparisons,
    sql_numbers,
    words,
)
from service.rules.expression import evaluate as reference
from service.rules.expression.ast import Kind
from service.rules.expression.compile_alone import compile_expression
from service.rules.expression.compile_parts import View
from service.rules.expression.functions import SAMPLE_FACTS, SPECIAL_FORMS, TREATY
from service.rules.expression.signatures import Case
from service.rules.expression.sql_prepared import PREPARED
from service.rules.standalone import typed

AT = datetime(2026, 3, 1, tzinfo=UTC)
TYPES: dict[str, AttributeType] = {
    "n": "number", "m": "number", "z": "number", "t": "text", "mail": "text",
    "c": "choice", "f": "flag", "d": "date", "l": "list",
}  # fmt: skip
CHOICES = ("a", "b", "c")

MEANINGS = {
    "reference": {*reference.COMPARE, *reference.COMPUTE},
    "compiled": {*compile_comparisons.COMPARE, *compile_numbers.COMPUTE},
    "sql": {
        *sql_comparisons.COMPARE,
        *sql_comparisons.TESTS,
        *sql_numbers.COMPUTE,
        *sql_numbers.MEASURE,
    },
    "words": set(words.WORDS),
}
"""The rows that each meaning registers a half for."""

DECLINED: dict[str, set[str]] = {
    "reference": set(),
    "compiled": set(),
    "sql": set(PREPARED),
    "words": set(),
}
"""The rows that a meaning leaves out on purpose; SQL reads their results as input columns."""

CASES = [case for row in TREATY.values() for case in row.cases]


def sample_attributes() -> dict[str, Attribute]:
    """Return the attributes of the treaty's cases, each also as one that is missing."""
    return {
        name: Attribute(
            name=name,
            type=kind,
            label=name,
            choices=CHOICES if kind == "choice" else (),
            ordered=kind == "choice",
        )
        for known, kind in TYPES.items()
        for name in (known, f"x{known}")
    }


@pytest.mark.parametrize("meaning", MEANINGS)
def test_a_meaning_has_every_row_or_declines_it_by_name(meaning: str) -> None:
    """A new operator cannot be forgotten anywhere, and no half is left without its row."""
    assert MEANINGS[meaning] | DECLINED[meaning] == set(TREATY)
    assert not MEANINGS[meaning] & DECLINED[meaning]


@pytest.mark.parametrize("row", TREATY)
def test_a_row_has_cases_for_known_and_for_missing_operands(row: str) -> None:
    """What a row means is said by its cases, that a missing operand is unknown included."""
    values = [case.value for case in TREATY[row].cases]
    assert any(value is not None for value in values)
    assert None in values


def test_a_special_form_is_no_row() -> None:
    """A name means one thing: a row of the treaty or a node of its own."""
    assert not set(SPECIAL_FORMS) & set(TREATY)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.expression)
def test_the_reference_gives_a_cases_value(case: Case) -> None:
    """The reference meaning satisfies the treaty."""
    found = evaluate(case.expression, sample_attributes(), SAMPLE_FACTS, at=AT)
    assert found == (UNKNOWN if case.value is None else case.value)
    assert isinstance(found, bool) == isinstance(case.value, bool)


IN_VIEWS = [
    (view, case)
    for case in CASES
    for view in View
    if case.value is not None or view is not View.COMPLETE
]
"""With every fact known nothing is unknown."""


@pytest.mark.parametrize(
    ("view", "case"), IN_VIEWS, ids=[f"{case.expression} {view.name}" for view, case in IN_VIEWS]
)
def test_compiled_code_gives_a_cases_value(view: View, case: Case) -> None:
    """The compiled meaning satisfies the treaty in each of its views."""
    attributes = sample_attributes()
    node = typed(case.expression, attributes)
    values = admit(SAMPLE_FACTS, attributes).values
    found = compile_expression(node, attributes).value(values, today=AT.date(), view=view)
    if case.value is None:
        is_refused = view is View.CLOSED and node.type.kind is Kind.TRUTH
        assert found is (False if is_refused else None)
    else:
        assert found == case.value
        assert isinstance(found, bool) == isinstance(case.value, bool)
