r"""Read a JSON body strictly, before anything else looks at it.

The usual decoders accept a great deal that later breaks something: a duplicate
key silently wins, `\u0000` cannot be stored in Postgres, a thousand levels
exhaust the stack of whoever walks them. Here such a body is refused with the
place and the reason, in time linear in its length. What is returned consists of
dict, list, str, int, float, bool and None only, and of Decimal in place of float where
the limits ask for exact numbers.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import ClassVar, Final

import msgspec
import orjson

from service.web.json_limits import LEAD, Limits, complaint, keys_within
from service.web.json_places import count_members, find_duplicate, line_and_column, pointer_at
from service.web.refusals import Fault, Refusal

__all__ = ["BATCH_ELEMENTS", "InvalidJSON", "decode_json", "split_array"]

BATCH_ELEMENTS: Final = 1_000
# A megabyte of `[1,1,1,` would be half a million elements and 35 ms in one C call.
_BATCH_COMMAS: Final = 200_000
# A pointer is found token by token: past this it would keep others waiting.
_SEARCHED_BYTES: Final = 64 * 1024
_SPLITTER: Final = msgspec.json.Decoder(list[msgspec.Raw])


def _exact(text: str) -> Decimal | float:
    """Return a number as it is written; one with an exponent past all reason is 0."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return float(text)


_EXACT: Final = msgspec.json.Decoder(float_hook=_exact)


class InvalidJSON(Refusal):
    """A body that is not the strict JSON we read; its one fault says where and why."""

    code: ClassVar[str] = "invalid_json"


def decode_json(body: bytes, *, limits: Limits = LEAD, at: str = "") -> object:
    """Return what the JSON text *body* says.

    *at* is the pointer under which *body* stood in a larger document; it is put
    before every pointer reported. An integer past 64 bits comes back as a float, unless
    *limits* ask for exact numbers.

    Raises:
        InvalidJSON: If *body* is not UTF-8 JSON, holds NUL, a lone surrogate, a
            number outside IEEE doubles or a duplicate key, or exceeds *limits*.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _malformed(body, error, at) from None
    keys = keys_within(value, body, limits)
    if keys is None:
        raise _refusal(complaint(value, limits, at=at))
    # Each member is written with one colon, so more colons than keys means a key
    # was written twice - or a text with a colon in it, which is then left out.
    if keys != body.count(b":") and keys != count_members(body):
        pointer = at + (find_duplicate(body) or "")
        words = "this key stands here twice; keep one"
        raise _refusal(Fault(code="duplicate_key", message=words, pointer=pointer))
    return _EXACT.decode(body) if limits.is_exact else value


def split_array(body: bytes, *, elements: int = BATCH_ELEMENTS) -> list[bytes]:
    """Return the text of each element of the JSON array *body*, undecoded.

    One bad element then fails alone: pass each through `decode_json`.

    Raises:
        InvalidJSON: If *body* is no array, is not well-formed between its elements,
            or has more than *elements*.
    """
    if body.count(b",") > _BATCH_COMMAS:
        raise _refusal(_too_many(elements))
    try:
        parts = _SPLITTER.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refusal(_not_an_array(body, error)) from None
    if len(parts) > elements:
        raise _refusal(_too_many(elements))
    return [bytes(part) for part in parts]


def _malformed(body: bytes, error: orjson.JSONDecodeError, at: str) -> InvalidJSON:
    """Turn the decoder's complaint into ours, with the place."""
    try:
        text = body.decode()
    except UnicodeDecodeError as not_utf8:
        offset, code, message = not_utf8.start, "not_utf8", "the body is not UTF-8; encode it so"
    else:
        offset = len(text[: error.pos].encode())
        code, message = _REASONS.get(error.msg, ("syntax", error.msg))
    return _refusal(_fault_at(body, offset, at, code=code, message=message))


_REASONS: Final = (
    {
        "number is infinity when parsed as double": (
            "number_range",
            "this number is larger than an IEEE double can be",
        ),
        "depth limit exceeded": ("too_deep", "this is nested far too deep; flatten it"),
        "UTF-8 byte order mark (BOM) is not supported": (
            "byte_order_mark",
            "the body begins with a byte order mark; send UTF-8 without one",
        ),
    }
    | dict.fromkeys(
        (
            "no low surrogate in string",
            "invalid low surrogate in string",
            "invalid high surrogate in string",
        ),
        ("lone_surrogate", "half of a surrogate pair stands alone in this text; leave it out"),
    )
    | dict.fromkeys(
        ("Input is a zero-length, empty document", "input data is empty"),
        ("empty", "the body is empty; send a JSON document"),
    )
)


def _fault_at(body: bytes, offset: int, at: str, *, code: str, message: str) -> Fault:
    line, column = line_and_column(body, offset)
    pointer = at + (pointer_at(body, offset) if offset <= _SEARCHED_BYTES else "")
    return Fault(code=code, message=message, pointer=pointer, line=line, column=column)


def _not_an_array(body: bytes, error: Exception) -> Fault:
    """Say why *body* could not be split: it is something else, or broken."""
    if isinstance(error, RecursionError):
        return Fault(code="too_deep", message="this is nested far too deep", pointer="")
    if isinstance(error, msgspec.ValidationError):
        words = "this is not a JSON array; send one, of leads or accounts"
        return Fault(code="not_an_array", message=words, pointer="")
    # The splitter's words end in `(byte 14)` where it knows.
    byte = re.search(r"\(byte (\d+)\)", str(error))
    offset = min(int(byte[1]) if byte else len(body), len(body))
    words = "this is not well-formed JSON"
    return _fault_at(body, offset, "", code="syntax", message=words)


def _too_many(elements: int) -> Fault:
    words = f"there are more than {elements} elements; send several batches, or NDJSON"
    return Fault(code="too_many_elements", message=words, pointer="")


def _refusal(fault: Fault) -> InvalidJSON:
    return InvalidJSON("the body is not JSON as we read it; see errors", faults=[fault])
