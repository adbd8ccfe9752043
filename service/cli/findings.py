"""What `goodfit doctor` finds, one thing at a time; and what it finds of work that waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import count_due
from service.cli.screen import count_of
from service.storage import to_text
from service.storage.tables import (
    BacktestRow,
    EndpointRow,
    ImportRow,
    RescoringRow,
    ScenarioRow,
    StatementRow,
)

__all__ = ["Finding", "find_due", "find_endpoints", "find_stale"]

_SOON: Final = timedelta(minutes=10)
_LATE: Final = timedelta(hours=1)
_NAMED: Final = 5
_OVER: Final = timedelta(minutes=1)
_WORK: Final[Mapping[str, type[Any]]] = {
    "backtest": BacktestRow,
    "rescoring": RescoringRow,
    "statement": StatementRow,
    "scenario": ScenarioRow,
    "import": ImportRow,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is well, in words, and what to do where it is not."""

    name: str
    is_well: bool
    words: str
    advice: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return all members."""
        return {"name": self.name, "ok": self.is_well, "is": self.words, "do": self.advice}


async def find_due(connection: AsyncConnection) -> Finding:
    """Say how many accounts wait to be assessed; one that waits for ten minutes is not well."""
    due = await count_due(connection)
    words = "no account waits to be assessed"
    if due.accounts:
        minutes = due.longest // timedelta(minutes=1)
        accounts = count_of(due.accounts, "account")
        words = f"{accounts} to be assessed, the longest since {count_of(minutes, 'minute')}"
    advice = "run `goodfit serve` with GOODFIT_ASSESS_EVERY_S above 0; its log says what fails"
    return Finding("assessments", due.longest <= _SOON, words, advice)


async def find_stale(connection: AsyncConnection) -> Finding:
    """Say which work was begun and let go of: a lease that ran out and that nobody took."""
    ran_out = func.clock_timestamp() - _OVER
    counts = [
        select(literal(name).label("name"), func.count().label("number")).where(
            table.state == "running", table.lease_until < ran_out
        )
        for name, table in _WORK.items()
    ]
    rows = await connection.execute(union_all(*counts))
    stale = {row.name: row.number for row in rows if row.number}
    words = "all work that was begun is being done, or over"
    if stale:
        listed = ", ".join(count_of(number, name) for name, number in stale.items())
        words = f"nobody goes on with {listed}"
    return Finding("work", not stale, words, "run `goodfit serve`, which takes up what was left")


async def find_endpoints(connection: AsyncConnection) -> Finding:
    """Say which endpoints hear nothing: switched off by us, or failing for an hour."""
    is_late = EndpointRow.failing_since < func.clock_timestamp() - _LATE
    statement = (
        select(EndpointRow.id, EndpointRow.disabled_because)
        .where(or_(EndpointRow.disabled_because.in_(("gone", "failing")), is_late))
        .where(or_(EndpointRow.state == "enabled", EndpointRow.disabled_because != "asked"))
        .order_by(EndpointRow.id)
    )
    rows = (await connection.execute(statement)).all()
    told = [
        f"{to_text('whe', row.id)} ({'fails' if row.disabled_because is None else 'off'})"
        for row in rows[:_NAMED]
    ]
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    words = "every endpoint that is on hears of events"
    if rows:
        words = f"{count_of(len(rows), 'endpoint')} unheard: {', '.join(told)}{more}"
    advice = (
        "GET /v1/endpoints/{id}/deliveries says what it answers; mend it there, and switch it on"
        ' by PATCH with {"state": "enabled"}'
    )
    return Finding("endpoints", not rows, words, advice)
