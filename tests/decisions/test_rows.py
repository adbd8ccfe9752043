"""Rows of decisions as they are handed to Postgres."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import orjson
import pytest

from service.decisions.deciding import Record
from service.decisions.rows import row_of

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
FULL = Record(
    decided_at=AT,
    id=UUID(int=1),
    rule_set="fleet_leads",
    version=3,
    digest="sha256:0",
    meaning=1,
    subject="account",
    external_id='crm "7"\n\\ é',
    account_id=UUID(int=2**127),
    facts='{"name":"İß %_"}',
    tabled='{"a":"b"}',
    data_problems='[{"code":"undeclared"}]',
    final=True,
    suspended='["gate"]',
    suspensions='[{"part":"gate"}]',
    verdict="review",
    outcome="tier_a",
    certain=True,
    outcome_certain=False,
    scores='{"fit":{"value":1.5}}',
    trace='{"checks":"yn"}',
    trace_before='{"checks":"ny"}',
    source="form",
    override_of=UUID(int=7),
    latency_us=41,
)
EMPTY = msgspec.structs.replace(
    FULL,
    external_id=None,
    account_id=None,
    tabled=None,
    data_problems=None,
    suspended=None,
    suspensions=None,
    trace_before=None,
    source=None,
    override_of=None,
    latency_us=None,
)
TEXTS = (
    "facts", "tabled", "data_problems", "suspended", "suspensions", "scores", "trace",
    "trace_before",
)  # fmt: skip


@pytest.mark.parametrize("record", [FULL, EMPTY])
def test_a_row_names_every_column_that_has_a_value(record: Record) -> None:
    """No other is named, and none is forgotten, whatever stands in the texts."""
    row = orjson.loads(row_of(record))
    given = {k: v for k, v in msgspec.structs.asdict(record).items() if v is not None}
    expected = given | {name: orjson.loads(given[name]) for name in TEXTS if name in given}
    for name in {"id", "account_id", "override_of"} & row.keys():
        row[name] = UUID(row[name])
    row["decided_at"] = datetime.fromisoformat(row["decided_at"])
    assert row == expected
