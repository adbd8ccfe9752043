"""Decisions as the wire shows them: whole, narrowed for strangers, for ops, for the person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import orjson
from sqlalchemy import Row

from service.decisions.suspended import suspended_words
from service.decisions.word import InForce, override_shown, said_of
from service.rules import Decision
from service.rules.json_text import quoted, value
from service.rules.telling import Text
from service.storage import to_text
from service.web import rfc3339

__all__ = [
    "Head",
    "decision_shown",
    "decision_told",
    "explained_to_ops",
    "explained_to_subject",
    "head_of",
    "head_shown",
    "narrow_shown",
    "text_told",
]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What the service adds to the core's decision. *account* is a key.

    *override* is there where a person's word is in force. *suspensions* are what it was made
    under, as they are kept.
    """

    id: UUID | None
    decided_at: datetime
    subject: Literal["lead", "account"]
    external_id: str | None
    account: str | None
    rule_set: str
    version: int
    digest: str
    override: InForce | None = None
    suspensions: tuple[Mapping[str, Any], ...] = ()


def head_of(row: Row[Any], override: InForce | None = None) -> Head:
    """Return the head of a stored decision."""
    return Head(
        id=row.id,
        decided_at=row.decided_at,
        subject=row.subject,
        external_id=row.external_id,
        account=row.account_key,
        rule_set=row.rule_set,
        version=row.version,
        digest=row.digest,
        override=override,
        suspensions=tuple(row.suspensions or ()),
    )


def decision_shown(
    decision: Decision, head: Head, *, explain: Literal["short", "full"] = "short"
) -> dict[str, Any]:
    """Return the whole decision; with `full`, the rules that were no or unknown too."""
    core = decision.to_json(explain=explain)
    summary = core.pop("summary")
    said = said_of(decision, head.override)
    return {
        "id": None if head.id is None else to_text("dec", head.id),
        "decided_at": rfc3339(head.decided_at),
        "subject": _subject(head),
        **core,
        "verdict": said.verdict,
        "outcome": said.outcome,
        "next": said.next.to_json(),
        "override": _override(decision, head),
        "suspended": list(head.suspensions),
        "rule_set": _version(head),
        "summary": _summary(decision, head, str(summary)),
    }


def decision_told(
    decision: Decision, head: Head, *, explain: Literal["short", "full"] = "short"
) -> bytes:
    """Return `decision_shown` as JSON, in a fraction of the time that encoding it takes."""
    told = decision.told(explain=explain)
    told = told._replace(summary=_summary(decision, head, told.summary))
    if head.override is None:
        return text_told(told, head, outcome=told.outcome)
    said = said_of(decision, head.override)
    by_person = told._replace(verdict=said.verdict, next=value(said.next.to_json()))
    override = value(_override(decision, head))
    return text_told(by_person, head, outcome=said.outcome, override=override)


def text_told(told: Text, head: Head, *, outcome: str | None, override: str = "null") -> bytes:
    """Return what is *told* of a decision as its answer, with this *outcome*.

    *override* is JSON.
    """
    decision_id = "null" if head.id is None else f'"{to_text("dec", head.id)}"'
    suspended = value(list(head.suspensions)) if head.suspensions else "[]"
    text = (
        f'{{"id":{decision_id},"decided_at":"{rfc3339(head.decided_at)}",'
        f'"subject":{{"kind":"{head.subject}","external_id":{_text(head.external_id)},'
        f'"account":{_text(head.account)}}},"verdict":"{told.verdict}",'
        f'"outcome":{_text(outcome)},'
        f'{told.details},"next":{told.next},"data_problems":{told.data_problems},'
        f'"override":{override},"suspended":{suspended},'
        f'"rule_set":{{"id":{quoted(head.rule_set)},'
        f'"version":{head.version},"digest":{quoted(head.digest)}}},'
        f'"summary":{orjson.dumps(told.summary).decode()}}}'
    )
    return text.encode()


def narrow_shown(decision: Decision, head: Head) -> dict[str, Any]:
    """Return what a publishable key is told: verdict, next step, questions worth asking."""
    said = said_of(decision, head.override)
    return {
        "id": None if head.id is None else to_text("dec", head.id),
        "verdict": said.verdict,
        "next": {
            "action": said.next.action,
            "url": said.next.url,
            "message": said.next.message,
        },
        "missing": [
            {"attribute": one.attribute, "label": one.label, "ask": one.ask}
            for one in decision.missing
            if one.ask is not None and one.changes == "verdict"
        ],
    }


def head_shown(row: Row[Any], override: InForce | None = None) -> dict[str, Any]:
    """Return what a stored decision is in a list, and all that is left after an erasure."""
    head = head_of(row, override)
    erased_at = row.facts_erased_at
    return {
        "id": to_text("dec", row.id),
        "decided_at": rfc3339(row.decided_at),
        "subject": _subject(head),
        "verdict": row.verdict if override is None else override.verdict,
        "outcome": row.outcome if override is None else override.outcome,
        "certain": row.certain,
        "outcome_certain": row.outcome_certain,
        "scores": row.scores,
        "override": override_shown(override, verdict=row.verdict, outcome=row.outcome),
        "suspended": list(head.suspensions),
        "rule_set": _version(head),
        "final": row.final,
        "source": row.source,
        "facts_erased_at": None if erased_at is None else rfc3339(erased_at),
    }


def explained_to_ops(decision: Decision, head: Head) -> dict[str, Any]:
    """Return every rule with its words, and the facts that were read."""
    shown = decision_shown(decision, head, explain="full")
    return shown | {"facts": decision.facts.to_json()}


def explained_to_subject(decision: Decision, head: Head) -> dict[str, Any]:
    """Return what the person concerned may be told.

    Reasons are only the words that an author wrote for people, of the rules that spoke:
    generated words name thresholds. Values are the person's own. Where somebody decided
    otherwise, the rules' reasons and questions would explain another verdict: neither
    they, nor who it was, nor why, are told.
    """
    attributes = decision.model.attributes
    said = said_of(decision, head.override)
    is_by_rules = head.override is None
    return {
        "id": None if head.id is None else to_text("dec", head.id),
        "decided_at": rfc3339(head.decided_at),
        "verdict": said.verdict,
        "by_person": not is_by_rules,
        "message": said.next.message,
        "url": said.next.url,
        "reasons": _words_for_people(decision) if is_by_rules else [],
        "values": [
            {"label": attributes[name].label, "value": value}
            for name, value in decision.facts.to_json().items()
        ],
        "questions": [one.ask for one in decision.missing if is_by_rules and one.ask is not None],
    }


def _words_for_people(decision: Decision) -> list[str]:
    """Return the authors' reasons of the rules that spoke, each once, in their order."""
    model = decision.model
    by_id: dict[tuple[str, str], str | None] = {}
    by_id |= {("gate", gate.id): gate.reason for gate in model.gates}
    by_id |= {("points", rule.id): rule.reason for rule in model.rules}
    by_id |= {("outcome", outcome.id): outcome.reason for outcome in model.outcomes}
    spoken = [
        by_id.get((reason.kind, reason.rule))
        for reason in decision.reasons()
        if reason.result.value == "yes"
    ]
    return list(dict.fromkeys(words.strip() for words in spoken if words))


def _override(decision: Decision, head: Head) -> dict[str, Any] | None:
    return override_shown(head.override, verdict=decision.verdict, outcome=decision.outcome)


def _summary(decision: Decision, head: Head, told: str) -> str:
    """Return what the rules *told*, between who decided otherwise and what was suspended."""
    return f"{_first_sentence(decision, head)}{told}{suspended_words(head.suspensions)}"


def _first_sentence(decision: Decision, head: Head) -> str:
    """Return what a summary begins with where a person decided; it names no reason."""
    said = head.override
    if said is None:
        return ""
    if said.verdict != decision.verdict:
        return f"A person decided otherwise: {said.verdict} instead of {decision.verdict}. "
    if said.outcome not in {None, decision.outcome}:
        return f"A person decided otherwise: `{said.outcome}` instead of `{decision.outcome}`. "
    return f"A person decided on {said.verdict} as well. "


def _text(words: str | None) -> str:
    return "null" if words is None else quoted(words)


def _subject(head: Head) -> dict[str, Any]:
    return {"kind": head.subject, "external_id": head.external_id, "account": head.account}


def _version(head: Head) -> dict[str, Any]:
    return {"id": head.rule_set, "version": head.version, "digest": head.digest}
