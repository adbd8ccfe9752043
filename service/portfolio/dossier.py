"""The dossier of one account: what is known, who said it, how it stands, and what would help."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import account_shown, amount_text, existing_account, read_assessments
from service.decisions import (
    Desk,
    NotAssessed,
    Past,
    PeopleSaid,
    existing_decision,
    read_past,
    read_said,
    replay,
    ways_around,
)
from service.portfolio import dossier_store
from service.portfolio.dossier_money import Money, MoneyOf, add_up, rates_of, wanted_of
from service.portfolio.dossier_telling import (
    facts_told,
    is_in_grace,
    labels_of,
    notes_of,
    scores_told,
    unknown_told,
)
from service.rules import Decision, RuleSet, reach_words, ways_told
from service.storage import to_text, transaction
from service.web import Refusal, rfc3339

__all__ = ["dossier_of"]

_HISTORY: Final = 8
_NAMES: Final = ("name", "company_name", "company", "account_name")


@dataclass(frozen=True, slots=True)
class _Stand:
    """How an account stands under one rule set; *decision* is None where it cannot be told anew."""

    row: Row[Any]
    rules: RuleSet
    past: Past
    said: PeopleSaid
    decision: Decision | None
    untold: str | None


async def dossier_of(
    key: str, *, rule_set: str | None, fixed: Collection[str], desk: Desk
) -> dict[str, Any]:
    """Return the dossier of the account of *key* as it is now, for the wire.

    It is judged by *rule_set*, else by the rules that judged it last. What is *fixed* is not
    proposed to be changed.

    Raises:
        AccountNotFound: If there is no such account.
        NotAssessed: If *rule_set* did not judge it.
        NothingToSeek: If something *fixed* is nothing that the rules know.
    """
    now = desk.house.clock()
    async with transaction(desk.house.engine) as connection:
        account = await existing_account(connection, key)
        erased_at = await dossier_store.read_erased_at(connection, account.id)
        merged = await dossier_store.read_merged_keys(connection, account.id)
        assessed = await _assessed(connection, account.key, rule_set)
    stand = None if assessed is None else await _stand(account.key, assessed, desk=desk)
    rates = rates_of(None if stand is None else stand.rules)
    async with transaction(desk.house.engine) as connection:
        said = await dossier_store.read_monthly(
            connection, account.id, quantities=wanted_of(rates), at=now
        )
    shown = account_shown(account).model_dump()
    name = next((shown["facts"][one] for one in _NAMES if shown["facts"].get(one)), None)
    dossier: dict[str, Any] = {
        "account": {
            "key": account.key,
            "id": shown["id"],
            "name": name if isinstance(name, str) else None,
            "merged": merged,
            "created_at": shown["created_at"],
            "updated_at": shown["updated_at"],
        },
        "as_of": rfc3339(now),
        "facts_erased_at": None if erased_at is None else rfc3339(erased_at),
        "money": _money_told(add_up(said, rates=rates, at=now), desk.house.settings.currency),
        "facts": facts_told(
            shown["facts"],
            shown["provenance"],
            rules=None if stand is None else stand.rules,
            decision=None if stand is None else stand.decision,
            measured_at=None if stand is None else rfc3339(stand.row.decided_at),
        ),
        "rule_set": None,
        "standing": None,
        "scores": [],
        "unknown": [],
        "reach": None,
        "history": [],
        "overrides": [],
    }
    if stand is not None:
        dossier |= await _standing_told(stand, fixed=fixed)
    return dossier


async def _assessed(connection: AsyncConnection, key: str, rule_set: str | None) -> Row[Any] | None:
    assessments = await read_assessments(connection, key, rule_set=rule_set)
    if assessments.rows:
        return max(assessments.rows, key=lambda row: (row.at, row.rule_set))
    if rule_set is not None:
        words = "these rules have not judged this account; POST /v1/qualify with its `account_key`"
        raise NotAssessed(words)
    return None


async def _stand(key: str, assessed: Row[Any], *, desk: Desk) -> _Stand:
    """Return how the account stands, made again from what was stored."""
    row = await existing_decision(assessed.decision_id, desk)
    rule_set = assessed.rule_set
    past = await read_past(key, rule_set=rule_set, before=None, limit=_HISTORY, desk=desk)
    async with transaction(desk.house.engine) as connection:
        said = await read_said(connection, row, decisions=past.rows, at=desk.house.clock())
    rules = (await desk.live.version(row.rule_set, row.version)).rules
    try:
        decision, untold = (await replay(row, desk)).same(), None
    except Refusal as refusal:  # erased, or it comes out otherwise today: told as far as it is left
        decision, untold = None, str(refusal)
    return _Stand(row, rules, past, said, decision, untold)


async def _standing_told(stand: _Stand, *, fixed: Collection[str]) -> dict[str, Any]:
    row, rules, decision, word = stand.row, stand.rules, stand.decision, stand.said.word
    model = next(one for one in rules.model.outcomes if one.id == row.outcome)
    outcome = row.outcome if word is None else word.outcome
    labels, notes = labels_of(rules), notes_of(rules)
    step = model if decision is None else decision.next
    if word is not None:
        step = word.next
    # While it is undecided the outcome only says what would follow if nobody answered.
    is_open = word is None and row.verdict == "undecided"
    told: dict[str, Any] = {
        "rule_set": {
            "id": row.rule_set,
            "title": rules.title,
            "version": row.version,
            "digest": row.digest,
        },
        "standing": {
            "decision": to_text("dec", row.id),
            "decided_at": rfc3339(row.decided_at),
            "verdict": row.verdict if word is None else word.verdict,
            "outcome": outcome,
            "label": None if outcome is None else labels.get(outcome, outcome),
            "certain": row.certain,
            "in_grace": decision is not None and is_in_grace(decision),
            "by_person": None if word is None else word.person,
            "person_said": None if word is None else word.reason,
            "rules_verdict": row.verdict,
            "rules_outcome": row.outcome,
            "rules_label": labels.get(row.outcome, row.outcome),
            "summary": None if decision is None else decision.summary,
            "untold": stand.untold,
            "action": step.action,
            "assign": step.assign,
            "url": step.url,
            "for_the_customer": step.message,
            "for_the_board": None if outcome is None or is_open else notes.get(outcome),
            "reasons": [] if decision is None else _reasons_told(decision, rules),
        },
        "overrides": list(stand.said.overrides),
        "history": _history_told(stand.past, labels),
        "scores": _scores_left(row, rules),
    }
    if decision is None:
        return told
    pictured_at = f"/v1/decisions/{told['standing']['decision']}"
    reach = await ways_around(rules, decision, fixed=fixed)
    is_best = decision.outcome == next(
        (one.id for one in rules.model.outcomes if one.verdict == "qualify"), None
    )
    return told | {
        "scores": scores_told(decision, pictured_at=pictured_at),
        "unknown": unknown_told(decision),
        "reach": {
            "words": reach_words(reach, in_grace=told["standing"]["in_grace"], is_best=is_best),
            "better": ways_told(rules, reach.better),
            "near": ways_told(rules, reach.near),
            "possible": [
                {"outcome": one, "label": labels[one]}
                for one in decision.possible_outcomes
                if one != decision.outcome
            ],
            "is_whole": reach.is_whole,
        },
    }


def _reasons_told(decision: Decision, rules: RuleSet) -> list[dict[str, Any]]:
    """Return what decided, and every rule that spoke, with the author's note on each."""
    document = rules.document
    notes: dict[tuple[str, str], str | None] = {
        ("gate", gate.id): gate.note for gate in document.gates
    }
    notes |= {("outcome", outcome.id): outcome.note for outcome in document.outcomes}
    for score in document.scores.values():
        for group in score.groups or ():
            notes |= {("points", rule.id): rule.note for rule in group.rules}
    return [
        {
            "rule": reason.rule,
            "kind": reason.kind,
            "result": reason.result.value,
            "score": None if reason.effect is None else reason.effect.score,
            "points": None if reason.effect is None else reason.effect.points,
            "words": reason.text,
            "note": notes.get((reason.kind, reason.rule)),
        }
        for reason in decision.reasons()
    ]


def _scores_left(row: Row[Any], rules: RuleSet) -> list[dict[str, Any]]:
    """Return the scores of a decision that cannot be told anew: their numbers are all there is."""
    return [
        {
            "name": score.name,
            "label": score.label,
            **row.scores[score.name],
            "floor": score.floor,
            "ceiling": score.ceiling,
            "steps": [],
            "picture": None,
        }
        for score in rules.model.scores
        if score.name in row.scores
    ]


def _history_told(past: Past, labels: dict[str, str]) -> list[dict[str, Any]]:
    """Return the decisions by which the account stood, with what came between them."""
    return [
        shown | {"label": labels.get(shown["outcome"] or "", shown["outcome"])}
        for shown in past.shown.values()
    ]


def _money_told(money: Money, currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "cost_metric": money.rates.metric,
        "revenue_metric": money.rates.revenue_metric,
        "rates": {
            kind: {name: amount_text(rate) for name, rate in each.items()}
            for kind, each in money.rates.rates.items()
        },
        "drivers": list(money.drivers),
        "months": [
            {"month": f"{month:%Y-%m}", **_stretch(of, money.drivers)}
            for month, of in money.months.items()
        ],
        "recent": _stretch(money.recent, money.drivers),
        "earlier": _stretch(money.earlier, money.drivers),
        "total": _stretch(money.total, money.drivers),
    }


def _stretch(of: MoneyOf, drivers: Sequence[str]) -> dict[str, Any]:
    return {
        "revenue": amount_text(of.revenue),
        "cost": amount_text(of.cost),
        "margin": amount_text(of.margin),
        "costs": {name: amount_text(of.costs[name]) for name in drivers if name in of.costs},
    }
