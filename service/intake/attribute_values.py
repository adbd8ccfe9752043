"""What a map's expression found to what an account or a lead keeps: spellings and units."""

import re
from decimal import Decimal
from typing import Any, Final

from service.intake.map_document import AttributeDocument

__all__ = ["NOTHING", "Unmappable", "value_of"]

NOTHING: Final = object()
"""There is no word on the attribute."""

_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)
_LONGEST: Final = 8 * 1024
_MOST: Final = 1_000
_EXACT: Final = 2**53


class Unmappable(Exception):
    """An item cannot be read by the map; *pointer* is the part of the map that cannot."""

    def __init__(self, code: str, message: str, pointer: str) -> None:
        super().__init__(message)
        self.code = code
        self.pointer = pointer


def value_of(found: Any, attribute: AttributeDocument, pointer: str) -> object:  # noqa: ANN401 - JSON
    """Return the raw value of an attribute, which a rule set's door gives its type.

    Raises:
        Unmappable: If it is an object, a list of lists, or far too long.
    """
    if isinstance(found, list):
        return _listed([one for one in found if one is not None], attribute, pointer)
    if isinstance(found, dict):
        words = "the expression finds an object; let it find one of its members"
        raise Unmappable("not_a_value", words, pointer)
    value = _one(found, attribute, pointer)
    if attribute.split is not None and isinstance(value, str):
        parts = [part.strip() for part in value.split(attribute.split)]
        return [part for part in parts if part]
    return value


def _listed(found: list[Any], attribute: AttributeDocument, pointer: str) -> object:
    if len(found) > _MOST or any(isinstance(one, dict | list) for one in found):
        words = "the expression finds a list of objects, or a very long one; let it find texts"
        raise Unmappable("not_a_value", words, pointer)
    values = [_one(one, attribute, pointer) for one in found]
    return [value for value in values if value is not NOTHING]


def _one(found: Any, attribute: AttributeDocument, pointer: str) -> object:  # noqa: ANN401 - JSON
    text = _text(found)
    if len(text) > _LONGEST:
        words = "the expression finds a text longer than 8 kB; let it find another"
        raise Unmappable("not_a_value", words, pointer)
    if found is None or not text or text in attribute.missing:
        return NOTHING
    value = attribute.replace.get(text, found)
    if value is None:
        return NOTHING
    if isinstance(value, int) and not -_EXACT <= value <= _EXACT:
        value = float(value)  # a sum of many may be past what a database holds as an integer
    return value if attribute.times is None else _times(value, Decimal(repr(attribute.times)))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else str(value)


def _times(value: object, factor: Decimal) -> object:
    """Return a number in the attribute's unit, exactly; what is no number stays, for the door."""
    match value:
        case bool():
            return value
        case int() | float():
            return float(Decimal(repr(value)) * factor)
        case str() if _PLAIN.fullmatch(value.strip()):
            return float(Decimal(value.strip()) * factor)
        case _:
            return value
