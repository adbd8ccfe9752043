"""The compiled form, DuckDB and Postgres answer as the reference evaluator does: 200,000 times.

`counting` says what one comparison is; `make campaign` makes twenty million.
"""

import sys

import pytest

from service.rules.sql import Selection
from tests.parity.counting import COMPILED, Count, Different, Question
from tests.parity.engines import DuckDB, Rows, postgres
from tests.parity.tables import Table

COMPARISONS = 200_000
PARTS = 2
WORK = 40_000
_MOST_RULE_SETS = 200


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_form_differs_from_the_reference(
    module_database_url: str, capsys: pytest.CaptureFixture[str], *, part: int
) -> None:
    """Half of the comparisons, with every operator, group mode, limit, edge and answer in it."""
    count, number = Count(), part
    with postgres(module_database_url) as server:
        engines = (DuckDB(), server)
        while count.total < COMPARISONS // PARTS or count.never():
            assert count.rule_sets < _MOST_RULE_SETS, count.never()
            count.add(Question.of(number, work=WORK).compare(*engines))
            number += PARTS
    with capsys.disabled():
        sys.stdout.write(f"\n{count.total:,} comparisons over {count.rule_sets} rule sets\n")
    twice = dict.fromkeys(("duckdb", "postgres"), 2 * count.leads)
    assert count.comparisons == {COMPILED: count.leads, **twice}


class Careless(DuckDB):
    """DuckDB, but the last column of the last lead is another."""

    def run(self, table: Table, selection: Selection) -> Rows:
        """Return the rows with one cell changed."""
        rows = super().run(table, selection)
        return [*rows[:-1], (*rows[-1][:-1], "something")]


def test_one_wrong_cell_is_found_and_named() -> None:
    """The comparison itself would notice: form, rule set, lead and column are in the message."""
    question = Question.of(1, work=WORK)
    lead = len(question.table.facts) - 1
    with pytest.raises(Different, match=rf"rule set 1, lead {lead}, .*duckdb gives [a-z_0-9]+: "):
        question.compare(Careless())


def test_a_count_is_read_back_as_it_was_written() -> None:
    """The campaign goes on from its file with nothing lost."""
    count = Question.of(2, work=WORK).compare(DuckDB())
    again = Count.from_json(count.to_json())
    again.add(count)
    assert again.total == 2 * count.total > 0
    assert again.operators == count.operators + count.operators
    assert Question.of(2, work=WORK).table.facts == Question.of(2, work=WORK).table.facts
