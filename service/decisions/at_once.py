"""Answer the usual question at once: a lead of which everything is known, by what is live.

Nothing is made on the way but what is written and sent. Whatever is not usual takes the way
of `deciding`; a test holds the row and the answer of both to each other.
"""

from datetime import datetime
from time import perf_counter
from uuid import UUID

from service.decisions.asking import Question
from service.decisions.deciding import Record, json_or_none
from service.decisions.showing import Head, text_told
from service.decisions.writing import Entry
from service.rules import MEANING
from service.rulesets import Running
from service.web import Claim

__all__ = ["entry_at_once"]


def entry_at_once(
    question: Question,
    running: Running,
    *,
    at: datetime,
    decision_id: UUID,
    claim: Claim | None,
    began_s: float,
) -> Entry | None:
    """Return what is to be kept and answered of *question*; None where it is not usual.

    *running* is the version that is live at the instant *at*.
    """
    rules, sent = running.rules, question.facts
    if (
        question.subject != "lead"
        or rules.subject != "lead"
        or sent is None
        or not rules.attributes.keys() <= sent.keys()
        or running.shadows
        or question.is_dry
        or question.is_narrow
        or question.explain != "short"
    ):
        return None
    facts = rules.admit(sent)
    told = rules.tell_at_once(facts, at=at)
    if told is None:
        return None
    text = told.text
    head = Head(
        id=decision_id,
        decided_at=at,
        subject="lead",
        external_id=question.external_id,
        account=None,
        rule_set=running.slug,
        version=running.version,
        digest=running.digest,
    )
    answer = text_told(text, head, outcome=text.outcome)
    record = Record(
        decided_at=at,
        id=decision_id,
        rule_set=running.slug,
        version=running.version,
        digest=running.digest,
        meaning=MEANING,
        subject="lead",
        external_id=question.external_id,
        account_id=None,
        facts=told.facts,
        tabled=json_or_none(dict(told.tabled)),
        data_problems=text.data_problems if facts.problems else None,
        final=question.final,
        suspended=None,
        suspensions=None,
        verdict=text.verdict,
        outcome=text.outcome,
        certain=True,
        outcome_certain=True,
        scores=told.scores,
        trace=told.trace,
        trace_before=None,
        source=question.source,
        override_of=None,
        latency_us=int((perf_counter() - began_s) * 1e6),
    )
    return Entry(record=record, answer=answer, claim=claim, epoch=running.epoch, assessed=None)
