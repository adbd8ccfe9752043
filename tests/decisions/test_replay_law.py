"""Whatever rules decide about whatever lead: what is stored is enough to decide it again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from service.decisions.asking import Question
from service.decisions.deciding import Record, Subject, judge, record_of
from service.decisions.replaying import decide_again
from service.decisions.showing import decision_shown
from service.rules import load_rule_set
from service.rulesets import Running
from service.storage import libpq_url
from tests.rules.strategies import documents, facts_for

AT = datetime(2026, 11, 22, 12, 30, 0, 123_456, tzinfo=UTC)
ID = UUID(int=7)
STORED_AS_JSONB = ("facts", "tabled", "data_problems", "suspended", "scores", "trace")


@pytest.fixture(scope="module")
def postgres(module_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Return a session, for what jsonb makes of JSON."""
    with psycopg.connect(libpq_url(module_database_url), autocommit=True) as connection:
        yield connection


def stored(record: Record, postgres: psycopg.Connection[Any]) -> Any:  # noqa: ANN401 - a row
    """Return *record* as it would be read from its table."""
    columns = structs.asdict(record)
    texts = [columns[name] for name in STORED_AS_JSONB]
    placeholders = ", ".join(["%s::jsonb"] * len(texts))
    row = postgres.execute(f"SELECT {placeholders}", texts).fetchone()
    assert row is not None
    return SimpleNamespace(**(columns | dict(zip(STORED_AS_JSONB, row, strict=True))))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), document=documents(), final=st.booleans())
def test_a_stored_decision_replays_byte_for_byte(
    postgres: psycopg.Connection[Any], data: st.DataObject, document: dict[str, Any], *, final: bool
) -> None:
    """Digest, facts and clock, through jsonb and back, give the bytes of the first answer."""
    written = load_rule_set(document)
    rules = load_rule_set(written.canonical)
    assert rules.digest == written.digest
    facts = data.draw(facts_for(rules))
    question = Question(
        rule_set=rules.id,
        subject=rules.subject,
        facts=facts,
        account_key=None,
        external_id="crm-1",
        final=final,
        source=None,
        is_dry=False,
        explain="short",
        at_version=None,
        is_narrow=False,
    )
    running = Running(rules=rules, slug=rules.id, version=1, digest=rules.digest, epoch=1)
    judged = judge(question, Subject(facts=facts), running, at=AT, decision_id=ID)
    record = record_of(
        judged, question, decision_id=ID, account_id=None, latency=timedelta(microseconds=9)
    )
    again = decide_again(cast("Any", stored(record, postgres)), rules)
    assert again.differences == ()
    assert orjson.dumps(decision_shown(again.decision, judged.head)) == judged.answer
