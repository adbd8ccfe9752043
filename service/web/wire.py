"""What every room's schemas are made of.

What people send is read as it stands: no number from a text, no member we do not know.
A schema's validator is built when it is first used: of some four hundred a process uses few.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = ["Instant", "Sent", "Shown", "rfc3339"]

_TO_THE_MICROSECOND: Final = len("2026-01-31T09:30:00.000000")
_encoded: Final = msgspec.json.Encoder().encode


class Sent(BaseModel):
    """A body, or a part of one, as a caller sends it."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class Shown(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(
        frozen=True, json_schema_serialization_defaults_required=True, defer_build=True
    )


def rfc3339(at: datetime) -> str:
    """Return an aware instant as we write it: in UTC, to the microsecond, with `Z`."""
    there = at if at.tzinfo is UTC else at.astimezone(UTC)
    if there.microsecond:  # the encoder writes the same then, in a tenth of the time
        return _encoded(there).decode()[1:-1]
    return there.isoformat(timespec="microseconds")[:_TO_THE_MICROSECOND] + "Z"


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("an instant is a text such as 2026-01-31T09:30:00Z")  # noqa: TRY004 - pydantic turns ValueError into a fault
    at = datetime.fromisoformat(value)
    if at.tzinfo is None or len(value) < len("2026-01-31T09:30Z"):
        raise ValueError("an instant names its offset from UTC, such as Z")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant lies in the years 1 to 9999, in UTC too") from None


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An RFC 3339 instant in a body, with its offset; arrives in UTC."""
