"""Decide otherwise: a person's word on one decision or account, kept beside the rules'.

What the rules decided is never changed. One word at a time is in force for a subject: a
new one ends the one before in its own transaction, and the history stays.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import read_assessments
from service.decisions import override_store
from service.decisions.desk import Desk
from service.decisions.replaying import existing_decision
from service.decisions.speaking import Part, spoke_in
from service.rules.model import Model, Outcome
from service.rulesets import Editor
from service.storage import Prefix, append_audit, to_text, transaction
from service.web import Fault, Refusal, rfc3339

__all__ = [
    "LONGEST",
    "NotAssessed",
    "NothingOtherwise",
    "OverrideEnded",
    "OverrideNotFound",
    "Overruled",
    "Word",
    "WordMalformed",
    "existing_override",
    "override",
    "overruled_account",
    "overruled_decision",
    "withdraw",
]

LONGEST: Final = timedelta(days=5 * 366)
"""How far ahead an override may expire."""


class WordMalformed(Refusal):
    """What a person decided does not fit the rules, or the clock."""

    code: ClassVar[str] = "validation_failed"


class NothingOtherwise(Refusal):
    """What a person decided is what the rules decided."""

    code: ClassVar[str] = "nothing_otherwise"


class NotAssessed(Refusal):
    """An account was not judged under this rule set, so there is nothing to overrule."""

    code: ClassVar[str] = "not_assessed"


class OverrideNotFound(Refusal):
    """No override has this id."""

    code: ClassVar[str] = "override_not_found"


class OverrideEnded(Refusal):
    """An override is not in force any more."""

    code: ClassVar[str] = "override_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person decided. *action* and *message* replace the outcome's."""

    verdict: str
    outcome: str | None
    action: str | None
    message: str | None
    reason: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """What the rules decided: *decision_id* of one decision, or how *account_id* stands."""

    rule_set: str
    version: int
    overruled: UUID
    decision_id: UUID | None
    account_id: UUID | None
    verdict: str
    outcome: str
    spoke: tuple[Part, ...]
    model: Model


async def overruled_decision(decision_id: UUID, desk: Desk) -> Overruled:
    """Return what one stored decision is, to be overruled.

    Raises:
        DecisionNotFound: If there is none.
    """
    row = await existing_decision(decision_id, desk)
    return await _overruled(row, desk, decision_id=decision_id, account_id=None)


async def overruled_account(key: str, desk: Desk, *, rule_set: str) -> Overruled:
    """Return how an account stands under *rule_set*, to be overruled.

    Raises:
        AccountNotFound: If there is none.
        NotAssessed: If it was not judged under this rule set.
    """
    async with transaction(desk.house.engine) as connection:
        account = await read_assessments(connection, key, rule_set=rule_set)
    if not account.rows:
        words = "these rules have not judged this account; POST /v1/qualify with its `account_key`"
        raise NotAssessed(words)
    row = await existing_decision(account.rows[0].decision_id, desk)
    return await _overruled(row, desk, decision_id=None, account_id=account.id)


async def override(
    connection: AsyncConnection, overruled: Overruled, word: Word, *, editor: Editor
) -> UUID:
    """Put *word* in force, end the one before, and return the new override's id.

    Raises:
        WordMalformed: If its outcome is not one of the version's with that verdict, or it
            expires in the past or too far ahead.
        NothingOtherwise: If one decision would stay as the rules made it.
    """
    outcome = _checked(word, overruled, now=editor.at)
    override_id = editor.fresh_id()
    values = _values(word, overruled, outcome) | {
        "id": override_id,
        "person": editor.person,
        "created_at": editor.at,
    }
    replaced = await _replace(connection, values, overruled, editor)
    expires_at = word.expires_at
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="decisions.override",
        subject=to_text("ovr", override_id),
        payload={
            "rule_set": overruled.rule_set,
            "version": overruled.version,
            "decision": to_text("dec", overruled.overruled),
            "account": _text("acc", overruled.account_id),
            "rules": {"verdict": overruled.verdict, "outcome": overruled.outcome},
            "verdict": word.verdict,
            "outcome": word.outcome,
            "expires_at": None if expires_at is None else rfc3339(expires_at),
            "replaces": _text("ovr", replaced),
        },
    )
    return override_id


async def withdraw(
    connection: AsyncConnection, override_id: UUID, *, reason: str, editor: Editor
) -> None:
    """End an override, so that the rules' word counts again.

    Raises:
        OverrideNotFound: If there is none.
        OverrideEnded: If it was withdrawn or replaced, or expired.
    """
    row = await existing_override(connection, override_id)
    ended = None
    if override_store.is_standing(row, at=editor.at):
        ended = await override_store.end_override(
            connection, {"id": override_id}, by=editor.person, at=editor.at, reason=reason
        )
    if ended is None:
        raise OverrideEnded("this override is not in force any more; there is nothing to withdraw")
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="decisions.withdraw",
        subject=to_text("ovr", override_id),
        payload={"rule_set": row.rule_set, "verdict": row.verdict, "outcome": row.outcome},
    )


async def existing_override(connection: AsyncConnection, override_id: UUID) -> Row[Any]:
    """Return an override.

    Raises:
        OverrideNotFound: If there is none.
    """
    row = await override_store.find_override(connection, override_id)
    if row is None:
        raise OverrideNotFound("there is no override with this id; GET /v1/overrides lists them")
    return row


async def _overruled(
    row: Row[Any], desk: Desk, *, decision_id: UUID | None, account_id: UUID | None
) -> Overruled:
    model = (await desk.live.version(row.rule_set, row.version)).rules.model
    return Overruled(
        rule_set=row.rule_set,
        version=row.version,
        overruled=row.id,
        decision_id=decision_id,
        account_id=account_id,
        verdict=row.verdict,
        outcome=row.outcome,
        spoke=spoke_in(model, verdict=row.verdict, outcome=row.outcome, trace=row.trace),
        model=model,
    )


async def _replace(
    connection: AsyncConnection,
    values: dict[str, object],
    overruled: Overruled,
    editor: Editor,
) -> UUID | None:
    """Insert an override after ending the one before, whose id is returned."""
    subject: dict[str, object] = {"decision_id": overruled.decision_id}
    if overruled.account_id is not None:
        subject = {"account_id": overruled.account_id, "rule_set": overruled.rule_set}
    while True:  # each further turn somebody else's was committed meanwhile, and ends now
        replaced = await override_store.end_override(
            connection, subject, by=editor.person, at=editor.at, reason=None
        )
        if await override_store.add_override(connection, values):
            return replaced


def _values(word: Word, overruled: Overruled, outcome: Outcome | None) -> dict[str, object]:
    return {
        "rule_set": overruled.rule_set,
        "version": overruled.version,
        "overruled": overruled.overruled,
        "decision_id": overruled.decision_id,
        "account_id": overruled.account_id,
        "verdict": word.verdict,
        "outcome": word.outcome,
        "action": word.action or (outcome and outcome.action),
        "url": outcome and outcome.url,
        "message": word.message or (outcome and outcome.message),
        "assign": outcome and outcome.assign,
        "rules_verdict": overruled.verdict,
        "rules_outcome": overruled.outcome,
        "rules": [part.to_json() for part in overruled.spoke],
        "reason": word.reason,
        "expires_at": word.expires_at,
    }


def _checked(word: Word, overruled: Overruled, *, now: datetime) -> Outcome | None:
    """Return the outcome that *word* names, None where it names none; or refuse."""
    faults = [*_faults_of_expiry(word, now=now), *_faults_of_outcome(word, overruled)]
    if faults:
        raise WordMalformed("this cannot be decided so; see errors", faults=faults)
    is_same = word.verdict == overruled.verdict and word.outcome in {None, overruled.outcome}
    is_nothing = is_same and word.action is None and word.message is None
    if is_nothing and overruled.decision_id is not None:
        words = "the rules decided the same; name another verdict or outcome"
        raise NothingOtherwise(words)
    return next((one for one in overruled.model.outcomes if one.id == word.outcome), None)


def _faults_of_expiry(word: Word, *, now: datetime) -> list[Fault]:
    if word.expires_at is None:
        return []
    if word.expires_at <= now:
        words = "this instant has passed; name a later one, or leave it out"
        return [Fault(code="in_the_past", message=words, pointer="/expires_at")]
    if word.expires_at - now > LONGEST:
        words = "this is more than five years ahead; name an earlier instant, or leave it out"
        return [Fault(code="too_far", message=words, pointer="/expires_at")]
    return []


def _faults_of_outcome(word: Word, overruled: Overruled) -> list[Fault]:
    if word.outcome is None:
        return []
    by_id = {outcome.id: outcome for outcome in overruled.model.outcomes}
    named = by_id.get(word.outcome)
    if named is None:
        known = ", ".join(f"`{name}`" for name in by_id)
        words = f"version {overruled.version} has no such outcome; name one of {known}"
        return [Fault(code="unknown_outcome", message=words, pointer="/outcome")]
    if named.verdict != word.verdict:
        words = f"`{named.id}` means {named.verdict}; name that verdict, or another outcome"
        return [Fault(code="other_verdict", message=words, pointer="/outcome")]
    return []


def _text(prefix: Prefix, value: UUID | None) -> str | None:
    return None if value is None else to_text(prefix, value)
