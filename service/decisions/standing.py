"""How an account stands under each rule set: by the rules, or by a person's word."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import read_assessments
from service.decisions import override_store
from service.decisions.word import InForce, override_shown
from service.storage import to_text
from service.web import rfc3339

__all__ = ["read_standings"]


async def read_standings(
    connection: AsyncConnection, key: str, *, rule_set: str | None, at: datetime
) -> dict[str, Any]:
    """Return how the account of *key* stands at *at*, and how it stood before.

    The current decision is the account's override's that stands at *at*, unless the
    decision has one of its own; the one before reads as the decision itself does.

    Raises:
        AccountNotFound: If there is none.
    """
    account = await read_assessments(connection, key, rule_set=rule_set)
    before = {
        (row.previous_at, row.previous_decision_id)
        for row in account.rows
        if row.previous_decision_id is not None
    }
    standing, of_decisions = await override_store.list_of_account(
        connection,
        account.id,
        at=at,
        current={row.decision_id for row in account.rows},
        previous=before,
    )
    return {
        "key": account.key,
        "data": [_shown(row, standing.get(row.rule_set), of_decisions) for row in account.rows],
    }


def _shown(
    row: Row[Any], standing: InForce | None, of_decisions: Mapping[UUID, InForce]
) -> dict[str, Any]:
    word = of_decisions.get(row.decision_id, standing)
    before = of_decisions.get(row.previous_decision_id)
    return {
        "rule_set": row.rule_set,
        "current": _judgement(row, "", word),
        "previous": None
        if row.previous_decision_id is None
        else _judgement(row, "previous_", before),
    }


def _judgement(
    row: Row[Any], which: Literal["", "previous_"], word: InForce | None
) -> dict[str, Any]:
    def of(column: str) -> Any:  # noqa: ANN401 - any column of the row
        return getattr(row, which + column)

    verdict, outcome = of("verdict"), of("outcome")
    return {
        "decision": to_text("dec", of("decision_id")),
        "version": of("version"),
        "verdict": verdict if word is None else word.verdict,
        "outcome": outcome if word is None else word.outcome,
        "override": override_shown(word, verdict=verdict, outcome=outcome),
        "at": rfc3339(of("at")),
    }
