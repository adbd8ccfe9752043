"""Values as JSON text, piece by piece: the characters that the service's encoder writes.

Telling a decision puts together text that is mostly the same for every subject; only the
pieces between are encoded anew. A test holds each piece to the encoder itself.
"""

from json.encoder import encode_basestring
from typing import Final

quoted: Final = encode_basestring
"""Return a text in quotes, with escapes only where JSON asks for them."""

_PLAIN_FROM: Final = 1e-5


def inside(text: str) -> str:
    """Return *text* as it stands between the quotes, where more may stand beside it."""
    return quoted(text)[1:-1]


def number(x: float) -> str:
    """Return *x* with the fewest digits that read back as the same; null if it is not finite."""
    written = repr(x)
    if "e" in written:
        return _with_exponent(x, written)
    return "null" if "n" in written else written


def value(x: object) -> str:  # noqa: PLR0911  one kind of value a line
    """Return nothing, a flag, a number, a text, a list of these, or an object of them.

    Raises:
        TypeError: If it is something else.
    """
    match x:
        case None:
            return "null"
        case bool():
            return "true" if x else "false"
        case str():
            return quoted(x)
        case int():
            return str(x)
        case float():
            return number(x)
        case list():
            return f"[{','.join(map(value, x))}]"
        case dict():
            return f"{{{','.join(f'{quoted(name)}:{value(one)}' for name, one in x.items())}}}"
        case _:
            msg = f"not a JSON value: {type(x)}"
            raise TypeError(msg)


def _with_exponent(x: float, written: str) -> str:
    mantissa, _, exponent = written.partition("e")
    if abs(x) >= _PLAIN_FROM and exponent == "-05":
        sign = "-" if x < 0 else ""
        return f"{sign}0.0000{mantissa.removeprefix('-').replace('.', '')}"
    sign, digits = exponent[:1], exponent[1:].lstrip("0")
    return f"{mantissa}e{sign if sign == '+' else '-'}{digits}"
