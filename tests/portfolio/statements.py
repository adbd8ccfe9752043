"""Statements and positions put straight into the tables, for tests of what is made of them."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import Running
from service.storage import RANDOM_BYTES, make_uuid
from service.storage.tables import PositionRow, RescoringRow, StatementRow

__all__ = ["NOON", "new_uuid", "position", "store_statement"]

NOON: Final = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def new_uuid(at: datetime) -> UUID:
    """Return a fresh id."""
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))


def position(key: str, **told: Any) -> dict[str, Any]:  # noqa: ANN401 - any column
    """Return the columns of a position: certain, of high value and growth, and without money."""
    columns: dict[str, Any] = {
        "account_id": new_uuid(NOON),
        "key": key,
        "name": None,
        "decision_id": None,
        "version": 1,
        "verdict": "qualify",
        "outcome": "strong_partner",
        "certain": True,
        "scores": {"value": [100, 100], "growth": [60, 60]},
        "customer_since": None,
        "in_grace": False,
        "is_measured": True,
        "revenue": Decimal(0),
        "cost": Decimal(0),
        "costs": {},
        "support_hours": Decimal(0),
        "custom_hours": Decimal(0),
        "escalations": 0,
        "slices": {},
    } | told
    for score in ("value", "growth"):
        low, high = columns["scores"].get(score, (None, None))
        columns |= {f"{score}_low": low, f"{score}_high": high}
    return columns


async def store_statement(
    connection: AsyncConnection,
    running: Running,
    positions: Iterable[dict[str, Any]],
    *,
    at: datetime = NOON,
    state: str = "done",
) -> UUID:
    """Store a statement of *running* with *positions* and return its id."""
    statement_id, rescoring_id = new_uuid(at), new_uuid(at)
    rows = [{"statement_id": statement_id, **one} for one in positions]
    shared = {
        "rule_set": running.slug,
        "version": running.version,
        "digest": running.digest,
        "at": at,
        "state": state,
        "generation": 1,
        "attempts": 1,
        "created_at": at,
    }
    asked = {"id": rescoring_id, "done": 0, "asked_by": "ann@example.com"}
    await connection.execute(insert(RescoringRow).values(**shared, **asked))
    totals: dict[str, Any] = {}
    if state == "done":
        totals = {
            "accounts": len(rows),
            "revenue": sum((row["revenue"] for row in rows), Decimal(0)),
            "cost": sum((row["cost"] for row in rows), Decimal(0)),
        }
    await connection.execute(
        insert(StatementRow).values(
            **shared,
            **totals,
            id=statement_id,
            rescoring_id=rescoring_id,
            since=datetime(2025, 11, 26, 12, 0, tzinfo=UTC),
            window="12 months",
            revenue_metric="revenue_12m",
            cost_metric="cost_to_serve_12m",
            value_score="value",
            growth_score="growth",
            value_from=50,
            growth_from=40,
            slices=sorted({"segment"}.union(*(row["slices"] for row in rows))),
            taken_by="ann@example.com",
        )
    )
    if rows:
        await connection.execute(insert(PositionRow), rows)
    return statement_id
