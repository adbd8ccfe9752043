"""An answer is told in the bytes that encoding the documented decision gives."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from service.decisions.showing import Head, decision_shown, decision_told
from service.decisions.word import InForce
from service.rules import load_rule_set
from service.rules.decided import Next
from tests.decisions.rules import FLEET_LEADS, LARGE_FLEET, SMALL_FLEET

AT = datetime(2026, 11, 22, 12, 30, 0, 123_456, tzinfo=UTC)
ID = UUID("01939f2c-7b1a-7c3d-8e4f-5a6b7c8d9e0f")
RULES = load_rule_set(FLEET_LEADS)
LEADS: tuple[dict[str, object], ...] = (
    LARGE_FLEET,
    SMALL_FLEET,
    {"country": "DE"},
    {"vehicles": "many", "fax": 1},
    {},
)

EXPLAIN: tuple[Literal["short", "full"], ...] = ("short", "full")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
steps = st.builds(
    Next,
    action=st.none() | texts,
    url=st.none() | texts,
    message=st.none() | texts,
    assign=st.none() | texts,
)
overrides = st.builds(
    InForce,
    id=st.just(ID),
    verdict=st.sampled_from(["qualify", "review", "disqualify"]),
    outcome=st.sampled_from([None, "tier_a", "not_now"]),
    next=steps,
    reason=texts,
    person=texts,
    expires_at=st.none() | st.just(AT),
)
heads = st.builds(
    Head,
    id=st.none() | st.just(ID),
    decided_at=st.just(AT),
    subject=st.sampled_from(["lead", "account"]),
    external_id=st.none() | texts,
    account=st.none() | texts,
    rule_set=st.just("fleet_leads"),
    version=st.integers(1, 10**6),
    digest=st.just("sha256:" + "0" * 64),
    override=st.none() | overrides,
)


@settings(max_examples=300, deadline=None)
@given(
    lead=st.sampled_from(LEADS),
    head=heads,
    explain=st.sampled_from(EXPLAIN),
    final=st.booleans(),
)
def test_an_answer_is_told_as_it_is_shown(
    lead: dict[str, object], head: Head, explain: Literal["short", "full"], *, final: bool
) -> None:
    """Whoever the subject is, and whatever a person said of it."""
    decision = RULES.decide(lead, at=AT, final=final)
    told = decision_told(decision, head, explain=explain)
    assert told == orjson.dumps(decision_shown(decision, head, explain=explain))
