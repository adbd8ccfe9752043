"""The usual question is answered at once with the bytes that deciding it gives."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest

from service.decisions.asking import Question
from service.decisions.at_once import entry_at_once
from service.decisions.deciding import Subject, judge, record_of
from service.decisions.writing import Entry
from service.rules import load_rule_set
from service.rules.telling import sheet
from service.rulesets import Running, Shadow

AT: Final = datetime(2026, 3, 1, 9, 30, 0, 120000, tzinfo=UTC)
ID: Final = UUID("0195507c-0000-7000-8000-000000000001")
NAMES: Final = ("email", "vehicles", "since", "tools", "country")
RULES: Final = load_rule_set({
    "rule_set": "trades",
    "subject": "lead",
    "attributes": {
        "email": {"type": "text", "fold": True},
        "vehicles": {"type": "number", "unit": "vehicles", "min": 0},
        "since": {"type": "date"},
        "tools": {"type": "list"},
        "country": {"type": "choice", "choices": ["DE", "FR"], "other": True},
    },
    "derived": {"firm": "registrable_domain(email)"},
    "gates": [{"id": "named", "when": 'firm == "big.example"', "then": "good"}],
    "scores": {"fit": {"ceiling": 100, "groups": [{"id": "all", "rules": [
        {"id": "large", "when": "vehicles >= 20", "points": 25},
        {"id": "stack", "when": '"sap" in tools || country == "DE"', "points": 5},
        {"id": "young", "when": "age_months(since) < 12", "points": -3},
    ]}]}},
    "grades": {"size": {"of": "fit", "A": 25, "B": None}},
    "outcomes": [
        {"id": "good", "verdict": "qualify", "when": "fit >= 20", "action": "book", "url": "/b"},
        {"id": "rest", "verdict": "disqualify", "message": "Sorry"},
    ],
})  # fmt: skip
RUNNING: Final = Running(rules=RULES, slug="trades", version=3, digest=RULES.digest, epoch=7)
FACTS: Final = [
    dict(zip(NAMES, values, strict=True))
    for values in product(
        ["a@big.example", "Ünï@x.co.uk", "\u2028 'quoted\" \\"],
        [0, 1, 20.5, "1e3"],
        ["2026-02-01", "2001-01-01"],
        [[], "sap; ß"],
        ["DE", "XX"],
    )
]


def question(**members: Any) -> Question:  # noqa: ANN401  as of questions
    """Return the usual question, but for these *members*."""
    usual = Question(
        rule_set="trades",
        subject="lead",
        facts=FACTS[0],
        account_key=None,
        external_id=None,
        final=False,
        source=None,
        is_dry=False,
        explain="short",
        at_version=None,
        is_narrow=False,
    )
    return msgspec.structs.replace(usual, **members)


def at_once(asked: Question, running: Running = RUNNING) -> Entry | None:
    """Return what is made of the question at once."""
    return entry_at_once(asked, running, at=AT, decision_id=ID, claim=None, began_s=0.0)


@pytest.fixture(autouse=True, scope="module")
def warmed_up() -> None:
    """Let there have been usual decisions enough."""
    for _ in range(sheet.COMPILED_AFTER + 1):
        RULES.decide(FACTS[0], at=AT).told()


@pytest.mark.parametrize(
    "members",
    [{}, {"final": True, "source": 'a "form"', "external_id": "crm-1 é"}],
    ids=["bare", "with all it may say"],
)
def test_row_and_answer_are_those_of_a_decision(members: dict[str, Any]) -> None:
    """Whatever is usual; of the rest nothing is made at once."""
    told = 0
    for facts in [*FACTS, {**FACTS[1], "no_such": 1}]:
        asked = question(facts=facts, **members)
        entry = at_once(asked)
        judged = judge(asked, Subject(facts=facts), RUNNING, at=AT, decision_id=ID)
        record = record_of(judged, asked, decision_id=ID, account_id=None, latency=timedelta(0))
        if entry is None:
            assert judged.decision.trace.open is not judged.decision.trace.closed
            continue
        told += 1
        assert entry.answer == judged.answer
        assert msgspec.structs.replace(entry.record, latency_us=0) == record
        assert (entry.epoch, entry.assessed, entry.original) == (7, None, None)
    assert told == len(FACTS) * 3 // 4 + 1  # `1e3` is no number


@pytest.mark.parametrize(
    "members",
    [
        {"subject": "account"},
        {"facts": None, "account_key": "north"},
        {"facts": {"vehicles": 3}},
        {"is_dry": True},
        {"is_narrow": True},
        {"explain": "full"},
    ],
    ids=str,
)
def test_what_asks_for_more_is_decided(members: dict[str, Any]) -> None:
    """An account, a fact that is missing, a dry run, a stranger's question, and all reasons."""
    assert at_once(question(**members)) is None


def test_what_others_judge_too_is_decided() -> None:
    """A version in the shadow is held against a whole decision."""
    shadow = Shadow(version=4, digest="sha256:0", release_id=ID, share=0.5, since=AT)
    running = msgspec.structs.replace(RUNNING, shadows=(shadow,))
    assert at_once(question()) is not None
    assert at_once(question(), running) is None
