"""How an account stands under each rule set: by the rules, or by a person's word."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import read_assessments
from service.decisions import override_store, store
from service.decisions.attributing import Pairs
from service.decisions.desk import Desk
from service.decisions.word import InForce, override_shown
from service.storage import to_text, transaction
from service.web import rfc3339

__all__ = ["read_standings"]


async def read_standings(
    key: str, *, rule_set: str | None, at: datetime, desk: Desk
) -> dict[str, Any]:
    """Return how the account of *key* stands at *at*, how it stood before, and what came between.

    The current decision is the account's override's that stands at *at*, unless the
    decision has one of its own; the one before reads as the decision itself does.

    Raises:
        AccountNotFound: If there is none.
    """
    async with transaction(desk.house.engine) as connection:
        key, shown, pairs = await _read(connection, key, rule_set=rule_set, at=at)
    told = Pairs.at(desk)
    for one, (before, after) in zip(shown, pairs, strict=True):
        one["moved"] = None if after is None else await told.moved_shown(before, after)
    return {"key": key, "data": shown}


_Pair = tuple[Row[Any] | None, Row[Any] | None]


async def _read(
    connection: AsyncConnection, key: str, *, rule_set: str | None, at: datetime
) -> tuple[str, list[dict[str, Any]], list[_Pair]]:
    """Return the account's own key, how it stands, and the decisions before and after."""
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
    shown = [_shown(row, standing.get(row.rule_set), of_decisions) for row in account.rows]
    return account.key, shown, [await _pair(connection, row) for row in account.rows]


async def _pair(connection: AsyncConnection, row: Row[Any]) -> _Pair:
    if row.previous_decision_id is None:
        return None, None
    return (
        await store.find_decision(connection, row.previous_decision_id),
        await store.find_decision(connection, row.decision_id),
    )


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
