"""Find the place of something in JSON text that will be refused anyway.

These walk the text token by token and are slow beside a decoder, so they run
only once a body is known to be bad. They accept anything: the decoder has
already said what is wrong, they only say where.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from service.web.refusals import pointer_to

__all__ = ["count_members", "find_duplicate", "line_and_column", "pointer_at"]

# A string that never ends runs to the end of the text, so that no quote is tried
# twice: without the `?` this expression would be quadratic in backslashes.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_STRINGS = re.compile(_STRING, re.DOTALL)
_TOKENS = re.compile(_STRING + rb'|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)


def count_members(body: bytes) -> int:
    """Return how many object members the valid JSON text *body* writes out.

    Members that share a key are each counted, which is what tells duplicates.
    """
    return _STRINGS.sub(b"", body).count(b":")


def line_and_column(body: bytes, offset: int) -> tuple[int, int]:
    """Return the line and column, from 1 and in bytes, of byte *offset*."""
    before = body[:offset]
    return before.count(b"\n") + 1, offset - (before.rfind(b"\n") + 1) + 1


def pointer_at(body: bytes, offset: int) -> str:
    """Return the JSON pointer to the value that byte *offset* of *body* lies in."""
    inside: list[_Level] = []
    for end, levels, _ in _walk(body):
        inside = levels
        if end > offset:
            break
    return _pointer(inside)


def find_duplicate(body: bytes) -> str | None:
    """Return the pointer to the first member whose key its object already has."""
    return next((_pointer(levels) for _, levels, repeats in _walk(body) if repeats), None)


@dataclass(slots=True)
class _Level:
    """One container that the walk is inside of."""

    is_object: bool
    step: str | int | None
    awaits_key: bool
    keys: set[str] = field(default_factory=set)


def _walk(body: bytes) -> Iterator[tuple[int, list[_Level], bool]]:
    """Yield each token's end, the levels it stands in, and whether it repeats a key.

    The list of levels is one and the same throughout; it changes with the next token.
    """
    levels: list[_Level] = []
    for match in _TOKENS.finditer(body):
        token = match[0]
        repeats = False
        here = levels[-1] if levels else None
        if token in {b"}", b"]"}:
            del levels[-1:]
        elif here is not None and token == b",":
            if here.is_object:
                here.awaits_key = True
            elif isinstance(here.step, int):
                here.step += 1
        elif here is not None and here.awaits_key and token[:1] == b'"':
            here.step, here.awaits_key = _text(token), False
            repeats = here.step in here.keys
            here.keys.add(here.step)
        yield match.end(), levels, repeats
        if token == b"{":
            levels.append(_Level(is_object=True, step=None, awaits_key=True))
        elif token == b"[":
            levels.append(_Level(is_object=False, step=0, awaits_key=False))


def _text(token: bytes) -> str:
    """Return the text a JSON string token stands for, or its raw characters."""
    try:
        return str(orjson.loads(token))
    except orjson.JSONDecodeError:
        return token.strip(b'"').decode("utf-8", "replace")


def _pointer(levels: list[_Level]) -> str:
    return pointer_to(*(level.step for level in levels if level.step is not None))
