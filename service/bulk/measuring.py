"""What the ledger adds up to for a piece of accounts, put among their facts."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy.ext.asyncio import AsyncEngine

from service.accounts import measure_accounts
from service.bulk.account_store import Piece
from service.rules import RuleSet
from service.storage import transaction

__all__ = ["with_measured"]

_LONG: Final = timedelta(minutes=3)
"""Longer than a statement may take (`rescoring_working.LIMITS`), which has an answer of its own."""


async def with_measured(
    piece: Piece, *, rules: RuleSet, at: datetime, engine: AsyncEngine
) -> Piece:
    """Return *piece* with what *rules* measure at the clock *at*, whatever stored facts say.

    What was recorded later does not count. What is not known is null.

    Raises:
        DatabaseUnavailable: As any transaction.
    """
    if not rules.metrics or not piece.ids:
        return piece
    async with transaction(engine, within=_LONG) as connection:
        measured = await measure_accounts(connection, piece.ids, rules=rules, at=at, known_at=at)
    return await anyio.to_thread.run_sync(_joined, piece, measured)


def _joined(piece: Piece, measured: Mapping[UUID, Mapping[str, Any]]) -> Piece:
    # The standard library's reader, because stored numbers may be past the doubles.
    accounts = json.loads(piece.facts)
    joined = [
        {**facts, **measured[account]} for account, facts in zip(piece.ids, accounts, strict=True)
    ]
    return replace(piece, facts=json.dumps(joined).encode())
