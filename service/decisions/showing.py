"""Decisions as the wire shows them: whole, narrowed for strangers, for ops, for the person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row

from service.rules import Decision
from service.storage import to_text
from service.web import rfc3339

__all__ = [
    "Head",
    "decision_shown",
    "explained_to_ops",
    "explained_to_subject",
    "head_of",
    "head_shown",
    "narrow_shown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the service adds to the core's decision. *account* is a key."""

    id: UUID | None
    decided_at: datetime
    subject: Literal["lead", "account"]
    external_id: str | None
    account: str | None
    rule_set: str
    version: int
    digest: str


def head_of(row: Row[Any]) -> Head:
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
    )


def decision_shown(
    decision: Decision, head: Head, *, explain: Literal["short", "full"] = "short"
) -> dict[str, Any]:
    """Return the whole decision; with `full`, the rules that were no or unknown too."""
    core = decision.to_json(explain=explain)
    summary = core.pop("summary")
    return {
        "id": None if head.id is None else to_text("dec", head.id),
        "decided_at": rfc3339(head.decided_at),
        "subject": _subject(head),
        **core,
        "rule_set": _version(head),
        "summary": summary,
    }


def narrow_shown(decision: Decision, head: Head) -> dict[str, Any]:
    """Return what a publishable key is told: verdict, next step, questions worth asking."""
    return {
        "id": None if head.id is None else to_text("dec", head.id),
        "verdict": decision.verdict,
        "next": {
            "action": decision.next.action,
            "url": decision.next.url,
            "message": decision.next.message,
        },
        "missing": [
            {"attribute": one.attribute, "label": one.label, "ask": one.ask}
            for one in decision.missing
            if one.ask is not None
        ],
    }


def head_shown(row: Row[Any]) -> dict[str, Any]:
    """Return what a stored decision is in a list, and all that is left after an erasure."""
    head = head_of(row)
    erased_at = row.facts_erased_at
    return {
        "id": to_text("dec", row.id),
        "decided_at": rfc3339(row.decided_at),
        "subject": _subject(head),
        "verdict": row.verdict,
        "outcome": row.outcome,
        "certain": row.certain,
        "outcome_certain": row.outcome_certain,
        "scores": row.scores,
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
    generated words name thresholds. Values are the person's own.
    """
    attributes = decision.model.attributes
    return {
        "id": None if head.id is None else to_text("dec", head.id),
        "decided_at": rfc3339(head.decided_at),
        "verdict": decision.verdict,
        "message": decision.next.message,
        "url": decision.next.url,
        "reasons": _words_for_people(decision),
        "values": [
            {"label": attributes[name].label, "value": value}
            for name, value in decision.facts.to_json().items()
        ],
        "questions": [one.ask for one in decision.missing if one.ask is not None],
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


def _subject(head: Head) -> dict[str, Any]:
    return {"kind": head.subject, "external_id": head.external_id, "account": head.account}


def _version(head: Head) -> dict[str, Any]:
    return {"id": head.rule_set, "version": head.version, "digest": head.digest}
