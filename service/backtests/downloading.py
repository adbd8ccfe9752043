"""All flips of a backtest as one file: CSV that a spreadsheet may open, or NDJSON."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from service.backtests import store
from service.backtests.flip_metrics import FlipMetrics
from service.backtests.showing import flip_shown
from service.storage import transaction
from service.web import csv_of

__all__ = ["MEDIA_TYPES", "FileFormat", "file_of"]

FileFormat = Literal["csv", "ndjson"]
MEDIA_TYPES: Final[Mapping[FileFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
}
_AT_ONCE: Final = 500
_COLUMNS: Final = (
    "decision",
    "account",
    "decided_at",
    "version",
    "external_id",
    "verdict_before",
    "verdict_after",
    "outcome_before",
    "outcome_after",
    "scores_before",
    "scores_after",
    "cause",
    "edits",
    "facts",
)


async def file_of(
    engine: AsyncEngine,
    backtest_id: UUID,
    *,
    edits: Sequence[Mapping[str, Any]],
    metrics: FlipMetrics,
    form: FileFormat,
) -> AsyncIterator[bytes]:
    """Yield the file piece by piece; each piece is read in a transaction of its own."""
    if form == "csv":
        yield csv_of([_COLUMNS])
    after: store.Position | None = None
    while True:
        async with transaction(engine) as connection:
            rows = await store.list_flips(connection, backtest_id, after=after, limit=_AT_ONCE)
            measured = await metrics.read(connection, rows)
        if not rows:
            return
        shown = [flip_shown(row, edits=edits, measured=measured) for row in rows]
        after = (rows[-1].decided_at, rows[-1].decision_id)
        if form == "csv":
            yield csv_of(_cells(flip) for flip in shown)
        else:
            yield b"".join(orjson.dumps(flip) + b"\n" for flip in shown)


def _cells(flip: Mapping[str, Any]) -> list[str]:
    cause = flip["cause"]
    edits = "; ".join(f"{edit['part']} {edit['id']}" for edit in cause["edits"])
    flat = {**flip, "cause": cause["kind"], "edits": edits}
    return [_text_of(flat[name]) for name in _COLUMNS]


def _text_of(value: object) -> str:
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return "" if value is None else str(value)
