"""Spark's answer is the evaluator's, in every column of every row; needs `goodfit[spark]` and Java.

`make campaign` compares twenty thousand rows.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.rules.attributes import admit
from service.rules.expression.functions import SAMPLE_FACTS, TREATY
from tests.parity.agreeing import Cells
from tests.parity.counting import Count, Question
from tests.parity.spark import Spark, spark, why_not
from tests.rules.test_treaty import sample_attributes

COMPARISONS = 2_000
WORK = 8_000
MOST_RULE_SETS = 40
WANTED = {"sum", "first", "max", "gate", "open", "final"}
AT = datetime(2026, 3, 1, tzinfo=UTC)

if (lacking := why_not()) is not None:
    pytest.skip(lacking, allow_module_level=True)


@pytest.fixture(scope="module")
def engine() -> Iterator[Spark]:
    """Return Spark in local mode, stopped at the end."""
    with spark() as found:
        yield found


@pytest.mark.slow
def test_generated_rule_sets_are_selected_alike(
    engine: Spark, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every column of every lead's answer, asked with `final` and without."""
    count, number = Count(), 0
    while count.comparisons["spark"] < COMPARISONS or not set(count.parts) >= WANTED:
        assert number < MOST_RULE_SETS, count.never()
        count.add(Question.of(number, work=WORK).compare(engine))
        number += 1
    with capsys.disabled():
        compared = count.comparisons["spark"]
        sys.stdout.write(f"\nspark: {compared:,} comparisons over {count.rule_sets} rule sets\n")
    assert count.comparisons["spark"] == 2 * count.leads


@pytest.mark.parametrize("final", [False, True])
def test_the_treatys_cases_hold(engine: Spark, *, final: bool) -> None:
    """Every operator satisfies its cases, open and closed."""
    expressions = [case.expression for row in TREATY.values() for case in row.cases]
    attributes = sample_attributes()
    facts = [admit(SAMPLE_FACTS, attributes).values, {}]
    cells = Cells(expressions, attributes, facts, AT.date())
    assert cells.disagreements(engine, final=final) == []
