"""The header `Goodfit-Visit`: which visitor asks, and what the page saw of them.

It holds nothing of a lead: an item with parameters (RFC 9651) beside the question, so that
the question itself stays facts, `external_id`, `final` and `source`.

    Goodfit-Visit: vis_01m8...;mode=progressive;fields=5;shown=2;ms=8140
    Goodfit-Visit: new;trap
"""

import re
from typing import Any, ClassVar, Final, Literal, get_args
from uuid import UUID

import msgspec

from service.storage import InvalidId, parse_id
from service.web import Refusal

__all__ = ["VISIT_HEADER", "InvalidVisit", "Mode", "Seen", "read_seen", "seen_of"]

Mode = Literal["submit", "redirect", "progressive", "post", "other"]

VISIT_HEADER: Final = b"goodfit-visit"
_NEW: Final = "new"
_LONGEST: Final = 200
_MOST_FIELDS: Final = 200
_LONGEST_MS: Final = 7 * 24 * 3600 * 1000
_PART: Final = re.compile(r"([a-z]{1,12})(?:=([a-z0-9]{1,16}))?", re.ASCII)
_MODES: Final = frozenset(get_args(Mode))


class InvalidVisit(Refusal):
    """The header `Goodfit-Visit` cannot be read."""

    code: ClassVar[str] = "invalid_visit"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says of its visitor. All of it may be made up.

    *visit* is the id that was handed out before. *fields* are the questions the whole form
    has, *shown* those this visitor was shown. *elapsed_ms* is from the page's load to its
    sending, *is_trapped* whether a field was filled in that no person sees.
    """

    visit: UUID | None = None
    mode: Mode = "other"
    fields: int = 0
    shown: int = 0
    elapsed_ms: int | None = None
    is_trapped: bool = False

    def is_caught(self, fastest_s: float) -> bool:
        """Return whether this was hardly a person: a trap, or faster than *fastest_s*."""
        is_too_fast = self.elapsed_ms is not None and self.elapsed_ms < fastest_s * 1000
        return self.is_trapped or is_too_fast


def read_seen(header: bytes | None) -> Seen:
    """Return what the header says; nothing without one.

    Raises:
        InvalidVisit: If it has another form, or a member that is not known or out of bounds.
    """
    if header is None:
        return Seen()
    text = header.decode("latin-1").strip()
    item, *rest = [part.strip() for part in text.split(";")]
    told: dict[str, str | None] = {}
    for part in rest:
        found = _PART.fullmatch(part)
        if found is None:
            raise _invalid("a parameter is `name=value` in small letters and digits")
        told[found[1]] = found[2]
    if len(text) > _LONGEST:
        raise _invalid(f"it is longer than {_LONGEST} characters")
    return seen_of(None if item == _NEW else item, told)


def seen_of(visit: str | None, told: dict[str, str | None]) -> Seen:
    """Return what *told* says, its members by name, of the visit with that id.

    Raises:
        InvalidVisit: If a member is not known or out of bounds.
    """
    members: dict[str, Any] = {}
    for name, value in told.items():
        match name:
            case "mode" if value in _MODES:
                members["mode"] = value
            case "fields" | "shown":
                members[name] = _number(name, value, most=_MOST_FIELDS)
            case "ms":
                members["elapsed_ms"] = _number(name, value, most=_LONGEST_MS)
            case "trap":
                members["is_trapped"] = True
            case _:
                raise _invalid("a parameter is one of mode, fields, shown, ms and trap")
    if visit is not None:
        members["visit"] = _visit_id(visit)
    return Seen(**members)


def _visit_id(text: str) -> UUID:
    try:
        return parse_id(text, "vis")
    except InvalidId:
        raise _invalid("it begins with `new` or an id that an answer's header held") from None


def _number(name: str, value: str | None, *, most: int) -> int:
    if value is None or not value.isdecimal() or int(value) > most:
        raise _invalid(f"`{name}` is a whole number up to {most}")
    return int(value)


def _invalid(why: str) -> InvalidVisit:
    return InvalidVisit(f"the header Goodfit-Visit cannot be read; {why}")
