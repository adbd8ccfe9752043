"""Postgres' answer is the evaluator's where generated rule sets do not lead (see test_counted)."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.rules.attributes import admit
from service.rules.expression.functions import SAMPLE_FACTS, TREATY
from tests.parity.agreeing import Cells, assert_same, wide_rules
from tests.parity.engines import Postgres, postgres
from tests.parity.tables import Table
from tests.rules.test_treaty import sample_attributes

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[Postgres]:
    """Return the engine on a database of its own."""
    with postgres(module_database_url) as found:
        yield found


@pytest.mark.parametrize("final", [False, True])
def test_the_treatys_cases_hold(engine: Postgres, *, final: bool) -> None:
    """Every operator satisfies its cases, open and closed."""
    expressions = [case.expression for row in TREATY.values() for case in row.cases]
    attributes = sample_attributes()
    facts = [admit(SAMPLE_FACTS, attributes).values, {}]
    cells = Cells(expressions, attributes, facts, AT.date())
    assert cells.disagreements(engine, final=final) == []


@pytest.mark.parametrize("mode", ["sum", "first", "max"])
def test_five_hundred_rules_are_selected_alike(engine: Postgres, mode: str) -> None:
    """Nothing nests deeper, and no step is wider, than the engine takes."""
    assert_same(engine, Table.of(wide_rules(500, mode), AT.date(), leads=40, seed=1))
