"""Take a statement that was claimed: all of it in one transaction, or nothing."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.portfolio import store
from service.portfolio.reading import existing, statement_of, terms_of
from service.portfolio.scenario_asking import ask_default
from service.portfolio.taking_sql import insert_positions
from service.rulesets import Running
from service.storage import RANDOM_BYTES, SessionLimits, leases, make_uuid, transaction
from service.storage.tables import StatementRow
from service.web import LEASE

__all__ = ["LIMITS", "TakenAway", "take"]

_LONG: Final = timedelta(minutes=20)
LIMITS: Final = SessionLimits(transaction=timedelta(minutes=1), pool_size=2)
"""Of a process that takes statements; the one long transaction has its own."""


class TakenAway(Exception):
    """The statement was ended, or another process has it now."""


async def take(
    row: Row[Any],
    running: Running,
    *,
    engine: AsyncEngine,
    clock: Callable[[], datetime],
) -> None:
    """Take the claimed statement *row*, whose rescoring by *running* is done.

    Positions, totals and `done` are committed together, and with them the questions that
    everybody asks: what if costs were a fifth more or less, and why did accounts move. All is
    under the generation of the claim. Whatever ends the work early leaves nothing; whoever
    claims the row next begins anew.

    Raises:
        TakenAway: If the claim was lost.
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction.
    """
    terms = terms_of(row)
    written = await anyio.to_thread.run_sync(insert_positions, running.rules, terms)

    async def renew() -> None:
        async with transaction(engine) as connection:
            until = leases.longer(LEASE)
            await leases.set_columns(connection, StatementRow, row, lease_until=until)

    given = {
        "statement": row.id,
        "rule_set": row.rule_set,
        "version": row.version,
        "at": row.at,
        **({} if terms.since is None else {"since": terms.since}),
    }
    async with (
        leases.renewing(renew, lease=LEASE),
        transaction(engine, within=_LONG) as connection,
    ):
        await store.allow_long(connection)
        await store.add_positions(connection, written, given)
        accounts, revenue, cost = await store.sum_positions(connection, row.id)
        is_ours = await leases.set_columns(
            connection,
            StatementRow,
            row,
            state="done",
            accounts=accounts,
            revenue=revenue,
            cost=cost,
            attempts=0,
            lease_until=None,
            finished_at=clock(),
        )
        if not is_ours:
            raise TakenAway
        stated = statement_of(await existing(connection, row.rule_set, row.id))
        at = clock()
        await ask_default(connection, stated, new_id=lambda: _fresh(at), at=at, by=row.taken_by)


def _fresh(at: datetime) -> UUID:
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))
