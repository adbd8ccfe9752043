"""How an account stood under one rule set: decision after decision, with what came between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from service.accounts import read_facts
from service.decisions import store
from service.decisions.attributing import Pairs
from service.decisions.desk import Desk
from service.decisions.override_store import list_of_decisions
from service.decisions.showing import head_shown
from service.storage import transaction

__all__ = ["Past", "read_past"]

_REQUEST: Final = "request"
_BY_ITSELF: Final = frozenset({"change", "import", "release", "daily"})
_HEAD: Final = ("verdict", "outcome", "override", "certain", "scores", "source")


@dataclass(frozen=True, slots=True)
class Past:
    """Some decisions on the account of *key*, and all of them but one more as they are shown."""

    key: str
    rows: Sequence[Row[Any]]
    shown: Mapping[UUID, dict[str, Any]]


async def read_past(
    key: str,
    *,
    rule_set: str,
    before: tuple[datetime, UUID] | None,
    limit: int,
    desk: Desk,
) -> Past:
    """Return *limit* decisions by which an account stood, the newest first, and one more.

    Raises:
        AccountNotFound: If there is none.
        RuleSetNotFound: If there is no such rule set.
    """
    at = desk.house.clock()
    async with transaction(desk.house.engine) as connection:
        account = await read_facts(connection, key)
        rows = await store.list_assessments(
            connection, account.id, rule_set=rule_set, before=before, limit=limit + 1
        )
        words = await list_of_decisions(connection, rows, at=at)
    if not rows:
        await desk.live.check_there(rule_set, at)
    pairs, shown = Pairs.at(desk), {}
    for row, earlier in zip(rows[:limit], [*rows[1:], None], strict=False):
        head = head_shown(row, words.get(row.id))
        shown[row.id] = {
            "decision": head["id"],
            "at": head["decided_at"],
            "version": row.version,
            **{name: head[name] for name in _HEAD},
            "cause": _cause(row),
            "moved": await pairs.moved_shown(earlier, row),
        }
    return Past(account.key, rows, shown)


def _cause(row: Row[Any]) -> str:
    """Return what set a decision off: only what is asked for is timed, and bears any source."""
    is_ours = row.latency_us is None and row.source in _BY_ITSELF
    return str(row.source) if is_ours else _REQUEST
