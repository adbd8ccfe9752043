"""Judge one subject, and say what is to be written and answered: pure.

The clock and the id come in as arguments; the same arguments give the same bytes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
import orjson

from service.decisions.asking import Question
from service.decisions.showing import Head, decision_told, narrow_shown
from service.decisions.suspended import Suspension, Under, decide_under
from service.decisions.word import InForce
from service.rules import Decision, Facts
from service.rules.telling import scores_text
from service.rulesets import Running
from service.web import Fault, Refusal

MICROSECOND: Final = timedelta(microseconds=1)

__all__ = ["MICROSECOND", "Judged", "Record", "Subject", "WrongSubject", "decided_columns"]
__all__ += ["facts_text", "json_or_none", "judge", "record_of"]


class WrongSubject(Refusal):
    """A lead was sent to rules for accounts, or the other way round."""

    code: ClassVar[str] = "wrong_subject"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a question is about, once a stored account was looked up.

    *override* is what a person decided of the account, where that is in force.
    *suspensions* are those in force under the rule set, whoever they concern.
    """

    facts: Mapping[str, object]
    account_id: UUID | None = None
    account_key: str | None = None
    override: InForce | None = None
    suspensions: tuple[Suspension, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is written for one decision: a row of the table `decision`, jsonb as text."""

    decided_at: datetime
    id: UUID
    rule_set: str
    version: int
    digest: str
    meaning: int
    subject: Literal["lead", "account"]
    external_id: str | None
    account_id: UUID | None
    facts: str
    tabled: str | None
    data_problems: str | None
    final: bool
    suspended: str | None
    suspensions: str | None
    verdict: str
    outcome: str
    certain: bool
    outcome_certain: bool
    scores: str
    trace: str
    trace_before: str | None
    source: str | None
    override_of: UUID | None
    latency_us: int | None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with its answer: the bytes that are kept and sent."""

    decision: Decision
    under: Under
    head: Head
    answer: bytes


def judge(
    question: Question, subject: Subject, running: Running, *, at: datetime, decision_id: UUID
) -> Judged:
    """Return the decision of *running* on *subject* at *at*, and the answer to *question*.

    A dry run's answer has no id, because nothing can be found under it.

    Raises:
        WrongSubject: If these rules judge the other kind of subject.
    """
    rules = running.rules
    if rules.subject != question.subject:
        _refuse_subject(question, rules.subject)
    decision, under = decide_under(
        rules, subject.facts, subject.suspensions, at=at, final=question.final
    )
    head = Head(
        id=None if question.is_dry else decision_id,
        decided_at=at,
        subject=question.subject,
        external_id=question.external_id,
        account=subject.account_key,
        rule_set=running.slug,
        version=running.version,
        digest=running.digest,
        override=subject.override,
        suspensions=under.kept,
    )
    if question.is_narrow:
        answer = orjson.dumps(narrow_shown(decision, head))
    else:
        answer = decision_told(decision, head, explain=question.explain)
    return Judged(decision=decision, under=under, head=head, answer=answer)


def record_of(
    judged: Judged,
    question: Question,
    *,
    decision_id: UUID,
    account_id: UUID | None,
    latency: timedelta,
) -> Record:
    """Return the row to write for *judged*."""
    decision, head = judged.decision, judged.head
    return Record(
        decided_at=head.decided_at,
        id=decision_id,
        rule_set=head.rule_set,
        version=head.version,
        digest=head.digest,
        subject=head.subject,
        external_id=head.external_id,
        account_id=account_id,
        source=question.source,
        override_of=None if head.override is None else head.override.id,
        latency_us=latency // MICROSECOND,
        **decided_columns(decision, judged.under),
    )


def decided_columns(decision: Decision, under: Under) -> dict[str, Any]:
    """Return the columns of a `Record` that say what was decided, on what and under what."""
    return {
        "meaning": decision.meaning,
        "facts": facts_text(decision.facts),
        "tabled": json_or_none(dict(decision.tabled)),
        "data_problems": json_or_none([one.to_json() for one in decision.data_problems]),
        "final": decision.final,
        "suspended": json_or_none(list(decision.suspended)),
        "suspensions": json_or_none(list(under.kept)),
        "verdict": decision.verdict,
        "outcome": decision.outcome,
        "certain": decision.certain,
        "outcome_certain": decision.outcome_certain,
        "scores": scores_text(decision.scores),
        "trace": decision.trace.to_text(),
        "trace_before": None if under.before is None else under.before.to_text(),
    }


def _refuse_subject(question: Question, wanted: str) -> None:
    words = f"`{question.rule_set}` judges {wanted}s; send `{wanted}`"
    member = "account_key" if question.account_key is not None else question.subject
    raise WrongSubject(
        words, faults=[Fault(code="wrong_subject", message=words, pointer=f"/{member}")]
    )


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def facts_text(facts: Facts) -> str:
    """Return *facts* as they are stored."""
    return _json(facts.to_json())


def json_or_none(value: dict[str, str] | list[str] | list[dict[str, str]]) -> str | None:
    """Return JSON text; None for what is empty, which is not stored."""
    return _json(value) if value else None
