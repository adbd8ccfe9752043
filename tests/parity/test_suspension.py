"""What a suspension means, case by case, alike in every form that decides.

`docs/guide/systemic.md` says it in words; generated rules are suspended in `test_counted`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from service.rules import load_rule_set
from service.rules.meaning import Reference
from tests.parity.engines import DuckDB, postgres
from tests.parity.tables import Row, Table, expected_rows

AT: Final = datetime(2026, 3, 1, tzinfo=UTC)
RULES: Final = load_rule_set({
    "rule_set": "suspended",
    "subject": "account",
    "missing": "assume_no",
    "attributes": {
        "size": {"type": "number", "min": 0, "max": 1000},
        "late": {"type": "flag"},
    },
    "gates": [{"id": "stop", "when": "size > 900", "then": "bad"}],
    "scores": {
        "fit": {
            "floor": -30,
            "ceiling": 40,
            "groups": [
                {
                    "id": "all",
                    "rules": [
                        {"id": "large", "when": "size >= 100", "points": 40},
                        {"id": "is_late", "when": "late", "points": -30},
                    ],
                }
            ],
        }
    },
    "outcomes": [
        {"id": "bad", "verdict": "disqualify", "when": "fit < 0"},
        {"id": "good", "verdict": "qualify", "when": "fit >= 40"},
        {"id": "rest", "verdict": "review"},
    ],
})  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One row: what is suspended, of whom, and what comes of it; *without* is what else would."""

    claim: str
    suspended: str
    facts: dict[str, Any]
    outcome: str
    fit: tuple[float, float]
    without: tuple[str, tuple[float, float]]


TREATY: Final = (
    Case("a rule that would say yes gives no points",
         "is_late", {"size": 200, "late": True}, "good", (40, 40), ("rest", (10, 10))),
    Case("a rule that would say no stays without effect",
         "is_late", {"size": 200, "late": False}, "good", (40, 40), ("good", (40, 40))),
    Case("a rule of which it is not known leaves nothing open",
         "is_late", {"size": 200}, "good", (40, 40), ("good", (10, 40))),
    Case("other rules still count",
         "large", {"size": 200, "late": True}, "bad", (-30, -30), ("rest", (10, 10))),
    Case("a gate that would say yes does not decide",
         "stop", {"size": 950, "late": False}, "good", (40, 40), ("bad", (40, 40))),
    Case("an outcome that would follow is passed over",
         "outcome:bad", {"size": 50, "late": True}, "rest", (-30, -30), ("bad", (-30, -30))),
    Case("a gate still leads to an outcome that is suspended",
         "outcome:bad", {"size": 950, "late": False}, "bad", (40, 40), ("bad", (40, 40))),
    Case("the last outcome has no condition to suspend",
         "outcome:rest", {"size": 200, "late": True}, "rest", (10, 10), ("rest", (10, 10))),
    Case("an outcome is not meant by the id of a rule",
         "bad", {"size": 50, "late": True}, "bad", (-30, -30), ("bad", (-30, -30))),
    Case("what nobody knows suspends nothing",
         "elsewhere", {"size": 200, "late": True}, "rest", (10, 10), ("rest", (10, 10))),
)  # fmt: skip


def told(row: Row) -> tuple[object, tuple[object, object]]:
    """Return what the cases speak of."""
    return row["outcome"], (row["low_fit"], row["high_fit"])


@pytest.mark.parametrize("case", TREATY, ids=lambda case: case.claim)
def test_a_suspended_part_counts_as_no(case: Case) -> None:
    """In the evaluator, in the compiled form, and in the decision that people read."""
    values = RULES.admit(case.facts).values
    wanted = case.outcome, case.fit
    for by in (Reference(RULES.model), RULES.meaning):
        for suspended, expected in (((case.suspended,), wanted), ((), case.without)):
            row, _ = expected_rows(RULES, values, today=AT.date(), by=by, suspended=suspended)
            assert told(row) == expected
    decision = RULES.decide(case.facts, at=AT, final=True, suspended=(case.suspended,))
    score = decision.scores["fit"]
    assert (decision.outcome, (score.low, score.high)) == wanted
    assert decision.suspended == (case.suspended,)


def test_sql_suspends_alike(database_url: str) -> None:
    """DuckDB and Postgres give what the cases say, suspended or not."""
    with postgres(database_url) as server:
        for engine in (DuckDB(), server):
            for case in TREATY:
                table = Table(RULES, AT.date(), [RULES.admit(case.facts).values])
                for suspended, expected in (
                    ((case.suspended,), (case.outcome, case.fit)),
                    ((), case.without),
                ):
                    selection = table.select(engine.dialect, final=True, suspended=suspended)
                    ((_, *cells),) = engine.run(table, selection)
                    row = dict(zip(selection.outputs, cells, strict=True))
                    assert told(row) == expected, (engine.dialect, case.claim)
