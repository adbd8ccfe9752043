"""What tests of the ledger share: events as they are sent, and what the ledger adds up to."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import psycopg
from httpx import AsyncClient, Response

from service.storage import libpq_url

__all__ = ["NORTH", "SOUTH", "enter", "event", "sums"]

NORTH = "/v1/accounts/north-haulage"
SOUTH = "/v1/accounts/south-haulage"


def event(kind: str = "revenue", /, **members: object) -> dict[str, Any]:
    """Return an event as it is sent: of noon, of 100.00 where it is revenue."""
    quantities = members.pop("quantities", {"amount": "100.00"} if kind == "revenue" else {})
    told = {"kind": kind, "at": "2026-11-20T12:00:00Z", "quantities": quantities}
    return told | {"source": "billing", "event_id": "inv-1"} | members


async def enter(client: AsyncClient, sent: Mapping[str, Any], *, path: str = NORTH) -> Response:
    """Enter an event of an account, and return the answer."""
    return await client.post(f"{path}/events", json=dict(sent))


def sums(database_url: str) -> dict[tuple[str, str], Decimal]:
    """Return the sum of amounts by account and kind, straight from the table."""
    query = """
        SELECT account.key, kind, sum(amount) FROM account_event
        JOIN account ON account.id = account_id
        WHERE amount IS NOT NULL GROUP BY account.key, kind
    """
    with psycopg.connect(libpq_url(database_url)) as connection:
        return {(key, kind): total for key, kind, total in connection.execute(query)}
