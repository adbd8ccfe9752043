"""What people said of an account, for rooms that tell of it: whose word stands, and all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import override_store
from service.decisions.override_showing import override_told
from service.decisions.word import InForce

__all__ = ["PeopleSaid", "read_said"]

_OVERRIDES: Final = 50


@dataclass(frozen=True, slots=True)
class PeopleSaid:
    """Words of people on an account under one rule set.

    Attributes:
        word: The one by which it stands, where there is one.
        overrides: All of them, as they are shown; what is in force first, then the newest.
    """

    word: InForce | None
    overrides: Sequence[dict[str, Any]]


async def read_said(
    connection: AsyncConnection, current: Row[Any], *, decisions: Sequence[Row[Any]], at: datetime
) -> PeopleSaid:
    """Return what people said of the account of the decision *current*, by which it stands at *at*.

    What they said of one of *decisions* alone is among it.
    """
    account, rule_set = current.account_key, current.rule_set
    words = await override_store.list_of_decisions(connection, [current], at=at)
    standing = await override_store.find_of_account(
        connection, current.account_id, rule_set=rule_set, at=at
    )
    wanted = [override_store.Filters(rule_set=rule_set, account=account)]
    wanted += [override_store.Filters(decision=row.id) for row in decisions]
    found = [
        row
        for filters in wanted
        for row in await override_store.list_overrides(
            connection, filters, at=at, before=None, limit=_OVERRIDES
        )
    ]
    newest_first = sorted(found, key=lambda row: row.id)[::-1]
    told = [override_told(row, at=at) for row in newest_first]
    return PeopleSaid(
        words.get(current.id, standing),
        sorted(told, key=lambda one: one["state"] != "in_force"),
    )
