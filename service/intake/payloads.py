"""A delivery's bytes to the payload that a map reads."""

from typing import Final
from urllib.parse import parse_qsl

from service.intake.outbound_message import NoOutboundMessage, read_outbound_message
from service.intake.presets import Format
from service.web import InvalidJSON, Limits, decode_json

__all__ = ["INTAKE", "INTAKE_BYTES", "Unreadable", "read_payload"]

INTAKE_BYTES: Final = 1024 * 1024
INTAKE: Final = Limits(depth=24, keys_per_object=4_096, nodes=100_000, string_bytes=64 * 1024)
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_PAIRS: Final = 1_000


class Unreadable(Exception):
    """A body is not what its connection sends; the message says why, without values."""


def read_payload(body: bytes, *, media_type: str, form: Format) -> object:
    """Return what *body* says: JSON, a web form's pairs as one object, or an Outbound Message.

    Of a name that a form sends twice, the values are a list.

    Raises:
        Unreadable: If it says nothing that a map could read.
    """
    if form == "outbound_message":
        try:
            return read_outbound_message(body)
        except NoOutboundMessage as error:
            raise Unreadable(str(error)) from None
    if media_type == _FORM and body.lstrip()[:1] not in {b"{", b"["}:
        return _pairs(body)
    try:
        return decode_json(body, limits=INTAKE)
    except InvalidJSON as error:
        raise Unreadable(error.detail) from None


def _pairs(body: bytes) -> dict[str, object]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PAIRS,
        )
    except (UnicodeDecodeError, ValueError):
        raise Unreadable("the body is no form as browsers send it") from None
    found: dict[str, object] = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise Unreadable("a text in the form holds U+0000, which cannot be stored")
        before = found.get(name)
        if before is None:
            found[name] = value
        else:
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
    return found
