"""Lists a page at a time: an opaque cursor after the last row, and a `Link` to follow.

A cursor holds the position and a fingerprint of the filters it was made under, so that
it cannot silently continue another list. It is checked, not signed: it opens nothing
that its reader's key does not open anyway.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from service.web.refusals import Fault, Refusal

__all__ = [
    "CursorParameter",
    "InvalidCursor",
    "LimitParameter",
    "Position",
    "instant_after",
    "link_to_next",
    "number_after",
    "page_of",
    "read_cursor",
    "text_after",
    "uuid_after",
    "write_cursor",
]

_Row = TypeVar("_Row")

Position = str | int | datetime | UUID
LimitParameter = Annotated[int, Query(ge=1, le=200, description="Rows a page, at most.")]
CursorParameter = Annotated[
    str | None,
    Query(max_length=1_000, description="`next_cursor` of the page before; filters unchanged."),
]
_FINGERPRINT: Final = 8


class InvalidCursor(Refusal):
    """A cursor was not made by this list under these filters."""

    code: ClassVar[str] = "invalid_cursor"


def write_cursor(position: Sequence[Position], *, filters: Mapping[str, object]) -> str:
    """Return the cursor that continues after *position* under *filters*."""
    steps = [step.isoformat() if isinstance(step, datetime) else step for step in position]
    payload = orjson.dumps([_fingerprint(filters), *steps])
    return urlsafe_b64encode(payload).rstrip(b"=").decode()


def read_cursor(
    cursor: str, *, filters: Mapping[str, object], shape: Sequence[type[Position]]
) -> tuple[Position, ...]:
    """Return the position in *cursor*, one value for each type in *shape*.

    Raises:
        InvalidCursor: If it is damaged, of another list, or made under other filters.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        fingerprint, *steps = orjson.loads(urlsafe_b64decode(padded))
        if fingerprint != _fingerprint(filters) or len(steps) != len(shape):
            raise _not_ours()
        return tuple(_step(kind, step) for kind, step in zip(shape, steps, strict=True))
    except (ValueError, TypeError, binascii.Error):
        raise _not_ours() from None


def text_after(cursor: str | None, *, filters: Mapping[str, object]) -> str | None:
    """Return the one text a cursor holds; None without a cursor. Raises as `read_cursor`."""
    step = _only(cursor, filters, str)
    return step if isinstance(step, str) else None


def number_after(cursor: str | None, *, filters: Mapping[str, object]) -> int | None:
    """Return the one number a cursor holds; None without a cursor. Raises as `read_cursor`."""
    step = _only(cursor, filters, int)
    return step if isinstance(step, int) else None


def uuid_after(cursor: str | None, *, filters: Mapping[str, object]) -> UUID | None:
    """Return the one id a cursor holds; None without a cursor. Raises as `read_cursor`."""
    step = _only(cursor, filters, UUID)
    return step if isinstance(step, UUID) else None


def instant_after(
    cursor: str | None, *, filters: Mapping[str, object]
) -> tuple[datetime, UUID] | None:
    """Return the instant and the id a cursor holds; None without one. Raises as `read_cursor`."""
    if cursor is None:
        return None
    at, row_id = read_cursor(cursor, filters=filters, shape=(datetime, UUID))
    if isinstance(at, datetime) and isinstance(row_id, UUID):
        return at, row_id
    raise AssertionError("a cursor holds what its shape says")


def page_of(
    rows: Sequence[_Row],
    *,
    show: Callable[[_Row], dict[str, Any]],
    position: Callable[[_Row], Sequence[Position]],
    limit: int,
    filters: Mapping[str, object],
    request: Request,
    response: Response,
) -> dict[str, Any]:
    """Return `{data, next_cursor}` of the first *limit* rows, and link to the next page.

    *rows* holds one more than *limit* where there are more: ask the database for that.
    """
    cursor = None
    if len(rows) > limit:
        cursor = write_cursor(position(rows[limit - 1]), filters=filters)
        response.headers.update(link_to_next(request, cursor))
    return {"data": [show(row) for row in rows[:limit]], "next_cursor": cursor}


def link_to_next(request: Request, cursor: str) -> dict[str, str]:
    """Return the `Link` header (RFC 8288) to the next page, relative to the host."""
    following = request.url.include_query_params(cursor=cursor)
    return {"Link": f'<{following.path}?{following.query}>; rel="next"'}


def _only(
    cursor: str | None, filters: Mapping[str, object], kind: type[Position]
) -> Position | None:
    if cursor is None:
        return None
    (step,) = read_cursor(cursor, filters=filters, shape=(kind,))
    return step


def _step(kind: type[Position], step: object) -> Position:
    if kind is datetime and isinstance(step, str):
        at = datetime.fromisoformat(step)
        if at.tzinfo is None:
            raise _not_ours()
        return at
    if kind is UUID and isinstance(step, str):
        return UUID(step)
    if kind is str and isinstance(step, str) and "\0" not in step:
        return step
    if kind is int and isinstance(step, int) and abs(step) < 2**63:
        return step
    raise _not_ours()


def _fingerprint(filters: Mapping[str, object]) -> str:
    given = sorted((name, str(value)) for name, value in filters.items() if value is not None)
    return hashlib.sha256(orjson.dumps(given)).hexdigest()[:_FINGERPRINT]


def _not_ours() -> InvalidCursor:
    words = "begin again without it; a cursor goes with the list and filters it came from"
    fault = Fault(code="invalid_cursor", message=words, parameter="cursor")
    return InvalidCursor("the cursor cannot be used here; begin without one", faults=[fault])
