"""CEL string literals: quotes, raw prefix, escapes."""

import re
from typing import Final

_SIMPLE: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_ESCAPE: Final = re.compile(
    r"\\(?:([abfnrtv\\?\"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})"
    r"|([0-3][0-7]{2})|(.?))",
    re.DOTALL,
)


def decode_literal(literal: str) -> str:
    """Return the text that a CEL string literal stands for (CEL language definition, Strings).

    Raises:
        ValueError: If an escape is not one of CEL's, or names no character.
    """
    is_raw = literal[0] in "rR"
    body = literal[1:] if is_raw else literal
    quotes = 3 if body[:3] in {'"""', "'''"} else 1
    body = body[quotes:-quotes]
    return body if is_raw else _ESCAPE.sub(_decode, body)


def _decode(match: re.Match[str]) -> str:
    simple, two, four, eight, octal, other = match.groups()
    if simple is not None:
        return _SIMPLE[simple]
    if other is not None:
        msg = f"`\\{other}` is not an escape; write `\\\\` for a backslash"
        raise ValueError(msg)
    code = int(octal, 8) if octal is not None else int(two or four or eight, 16)
    is_surrogate = 0xD800 <= code <= 0xDFFF
    if is_surrogate or code > 0x10FFFF or code == 0:
        msg = f"`{match.group()}` names no character that a text may hold"
        raise ValueError(msg)
    return chr(code)
