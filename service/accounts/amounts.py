"""Exact numbers: what is read as one, and how one is written again."""

import re
from decimal import Decimal
from typing import Final

__all__ = ["InexactNumber", "amount_text", "as_json_number", "read_amount", "read_number"]

_DIGITS: Final = 15
_DIGITS_HELD: Final = 28
_PLACES: Final = 6
_LARGEST_AMOUNT: Final = Decimal(10) ** 14
_TEXT: Final = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


class InexactNumber(ValueError):
    """Something is no number that can be kept to its last digit; the message says why."""


def read_amount(value: object) -> Decimal:
    """Return an amount of money: a number, or a text such as `-1250.40`.

    Raises:
        InexactNumber: If it is neither, or has more than six decimal places or fourteen
            digits before them. A float is refused: what was written is gone.
    """
    number = _exact(value)
    if _places_of(number) > _PLACES:
        raise InexactNumber(f"an amount has up to {_PLACES} decimal places; round it yourself")
    if abs(number) >= _LARGEST_AMOUNT:
        raise InexactNumber("an amount has up to 14 digits before the point")
    return number


def read_number(value: object) -> Decimal:
    """Return a number other than money: up to 15 digits, six of them after the point.

    Raises:
        InexactNumber: If it is none.
    """
    number = _exact(value)
    if _places_of(number) > _PLACES:
        raise InexactNumber(f"a quantity has up to {_PLACES} decimal places; round it yourself")
    if number != 0 and len(str(abs(int(number.scaleb(_PLACES))))) > _DIGITS:
        raise InexactNumber(f"a quantity has up to {_DIGITS - _PLACES} digits before the point")
    return number


def as_json_number(number: Decimal) -> int | float:
    """Return a number of at most 15 digits so that JSON writes those very digits.

    A double holds 15 decimal digits, and its shortest text is them again; what the
    database reads from that text is exact.
    """
    whole = int(number)
    return whole if whole == number else float(number)


def amount_text(amount: Decimal) -> str:
    """Return an amount as people write it: two decimal places, more where they are needed."""
    whole, _, places = f"{amount:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def _exact(value: object) -> Decimal:
    match value:
        case bool():
            raise InexactNumber("this is true or false; send a number")
        case float():
            raise InexactNumber("this number has digits that cannot be kept; send it as a text")
        case int() if abs(value) < 10**20:
            return Decimal(value)
        case Decimal() if _is_short(value):
            return value + 0  # of -0 comes 0
        case str() if _TEXT.fullmatch(value) and len(value) <= _DIGITS_HELD:
            return Decimal(value) + 0
        case int() | Decimal():
            raise InexactNumber("this number has too many digits to be kept")
        case str():
            raise InexactNumber("this is not a number; write it plainly, such as -1250.40")
        case _:
            raise InexactNumber("this is not a number; send one")


def _is_short(number: Decimal) -> bool:
    """Say whether arithmetic keeps every digit, which it does up to 28 of them."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return False  # NaN, or an infinity
    return len(digits) <= _DIGITS_HELD and exponent > -_DIGITS_HELD and number.adjusted() < 20


def _places_of(number: Decimal) -> int:
    """Return how many decimal places *number* needs; zeros at the end are none."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
