"""One JSON object in text, read strictly: what a lenient reader would guess at is refused."""

import json
import math
from collections.abc import Sequence
from typing import NoReturn

_DEEPEST = 32


class UnreadableJson(ValueError):
    """The text is not one JSON object as Goodfit reads them; the message says why."""


def read_object(source: str | bytes) -> dict[str, object]:
    """Return the JSON object in *source*.

    Raises:
        UnreadableJson: If it is not UTF-8 JSON or no object, or holds a key twice, NaN, an
            infinity, a number past the doubles, NUL, half a surrogate pair, or more than 32
            levels.
    """
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_number,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        raise UnreadableJson(f"byte {error.start + 1} is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"character {error.pos + 1}"
        raise UnreadableJson(f"it is not JSON: {error.msg.lower()} at {place}") from None
    except RecursionError:
        raise UnreadableJson("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise UnreadableJson('it is not an object; write {"attribute": value, ...}')
    _check_texts(value, _DEEPEST)
    return value


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableJson(f"the key `{twice[:64]}` stands in it twice")
    return members


def _refuse_constant(constant: str) -> NoReturn:
    raise UnreadableJson(f"{constant} is not JSON")


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise UnreadableJson("a number in it is too large")
    return number


def _whole(text: str) -> int | float:
    return int(text) if len(text) < 20 else _number(text)


def _check_texts(value: object, levels: int) -> None:
    if levels == 0:
        raise UnreadableJson("it is nested too deeply")
    match value:
        case str():
            if "\0" in value:
                raise UnreadableJson("a text in it holds a NUL character")
            if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
                raise UnreadableJson("a text in it holds half a character")
        case dict():
            for name, member in value.items():
                _check_texts(name, levels)
                _check_texts(member, levels - 1)
        case list():
            for item in value:
                _check_texts(item, levels - 1)
        case _:
            pass
