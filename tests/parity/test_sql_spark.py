"""Spark's answer is the evaluator's, in every column of every row; needs `goodfit[spark]` and Java.

`GOODFIT_CAMPAIGN=10 pytest tests/parity/test_sql_spark.py` compares twenty thousand rows.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.rules.attributes import admit
from service.rules.expression.functions import SAMPLE_FACTS, TREATY
from service.rules.sql import Selection
from tests.parity.agreeing import Cells, agree, tell
from tests.parity.engines import Rows
from tests.parity.tables import Table
from tests.rules.test_treaty import sample_attributes

RULE_SETS, LEADS = 12, 170
AT = datetime(2026, 3, 1, tzinfo=UTC)
sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed (goodfit[spark])")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java, and there is none", allow_module_level=True)


class Spark:
    """Spark in this process, on one thread."""

    dialect = "spark"

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - has no types where not installed
        """Work in *session*."""
        self._session = session

    def run(self, table: Table, selection: Selection) -> Rows:
        """Select from a temporary view of the leads."""
        columns, types = table.columns(selection), table.types(selection)
        rows = [
            tuple(list(cell) if isinstance(cell, tuple) else cell for cell in row)
            for row in zip(*columns.values(), strict=True)
        ]
        declared = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
        leads = self._session.createDataFrame(rows, declared).coalesce(1)
        leads.createOrReplaceTempView("leads")
        return sorted(tuple(row) for row in self._session.sql(selection.sql).collect())


@pytest.fixture(scope="module")
def engine() -> Iterator[Spark]:
    """Return Spark in local mode, stopped at the end."""
    builder = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield Spark(session)
    session.stop()


def test_generated_rule_sets_are_selected_alike(
    engine: Spark, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verdict, outcome, certainty, scores with their ranges, rules and missing attributes."""
    seen = agree(engine, rule_sets=RULE_SETS, leads=LEADS)
    tell(capsys, engine, seen)
    assert seen["rows"] >= RULE_SETS * LEADS


@pytest.mark.parametrize("final", [False, True])
def test_the_treatys_cases_hold(engine: Spark, *, final: bool) -> None:
    """Every operator satisfies its cases, open and closed."""
    expressions = [case.expression for row in TREATY.values() for case in row.cases]
    attributes = sample_attributes()
    facts = [admit(SAMPLE_FACTS, attributes).values, {}]
    cells = Cells(expressions, attributes, facts, AT.date())
    assert cells.disagreements(engine, final=final) == []
