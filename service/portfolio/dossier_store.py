"""What a dossier reads of the ledger and of an account's row: SQL only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["Said", "read_erased_at", "read_merged_keys", "read_monthly"]

# What a number is to the ledger's metrics: of type number, up to 2^53, at six places. Nested,
# because AND may look at its right side first. Reversing entries cancel out in the sums.
_MONTHLY: Final = text("""
    SELECT CAST(date_trunc('month', event.at AT TIME ZONE 'UTC') AS date) AS month, event.kind,
      CASE WHEN event.kind = 'cost' AND jsonb_typeof(event.quantities -> 'driver') = 'string'
        THEN nullif(event.quantities ->> 'driver', '') END AS driver,
      wanted.quantity,
      sum(CASE WHEN wanted.quantity = 'amount' THEN event.amount
        WHEN jsonb_typeof(event.quantities -> wanted.quantity) = 'number' THEN CASE
          WHEN abs(CAST(event.quantities ->> wanted.quantity AS numeric)) <= 9007199254740992
          THEN round(CAST(event.quantities ->> wanted.quantity AS numeric), 6) END END) AS total
    FROM account
    JOIN account_event AS event ON event.account_id = account.id
    JOIN unnest(CAST(:kinds AS text[]), CAST(:quantities AS text[])) AS wanted (kind, quantity)
      ON wanted.kind = event.kind
    WHERE (account.id = :account OR account.merged_into = :account) AND event.at <= :at
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
""")
_ERASED: Final = text("SELECT facts_erased_at FROM account WHERE id = :account")
_MERGED: Final = text("SELECT key FROM account WHERE merged_into = :account ORDER BY key")


@dataclass(frozen=True, slots=True)
class Said:
    """What entries of one kind and driver say of one quantity in one month, summed up."""

    month: date
    kind: str
    driver: str | None
    quantity: str
    total: Decimal


async def read_monthly(
    connection: AsyncConnection,
    account_id: UUID,
    *,
    quantities: Mapping[str, Sequence[str]],
    at: datetime,
) -> list[Said]:
    """Return what the ledger says of an account and those merged into it, by UTC month.

    *quantities* names what is wanted, by kind. What happened after *at* is not seen.
    """
    wanted = [(kind, name) for kind, names in quantities.items() for name in names]
    rows = await connection.execute(
        _MONTHLY,
        {
            "account": account_id,
            "at": at,
            "kinds": [kind for kind, _ in wanted],
            "quantities": [name for _, name in wanted],
        },
    )
    return [
        Said(row.month, row.kind, row.driver, row.quantity, row.total or Decimal(0)) for row in rows
    ]


async def read_erased_at(connection: AsyncConnection, account_id: UUID) -> datetime | None:
    """Return when an account's facts were erased, if they were."""
    found: datetime | None = await connection.scalar(_ERASED, {"account": account_id})
    return found


async def read_merged_keys(connection: AsyncConnection, account_id: UUID) -> list[str]:
    """Return the keys of the accounts that were merged into this one."""
    return list((await connection.execute(_MERGED, {"account": account_id})).scalars())
