"""How large and how odd a decoded JSON document may be, and where it is too much.

There are two walks over one meaning: `keys_within` is the path of every good
request and only says yes or no; `complaint` runs after a no and says where.
"""

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from service.web.refusals import Fault, pointer_to

__all__ = ["LEAD", "LEDGER", "RULE_SET", "Limits", "complaint", "keys_within"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a JSON document may be. *string_bytes* is counted in UTF-8.

    `is_exact` asks for numbers as they were written: `Decimal` where they have a fraction
    or an exponent, for documents that speak of money.
    """

    depth: int
    keys_per_object: int
    nodes: int
    string_bytes: int
    is_exact: bool = False


LEAD: Final = Limits(depth=16, keys_per_object=256, nodes=5_000, string_bytes=8 * 1024)
LEDGER: Final = replace(LEAD, is_exact=True)
RULE_SET: Final = Limits(depth=16, keys_per_object=1_024, nodes=50_000, string_bytes=256 * 1024)


_NESTED: Final = frozenset({dict, list})


def keys_within(value: object, body: bytes, limits: Limits) -> int | None:
    """Return how many keys *value*, decoded from *body*, has; None where it breaks *limits*.

    Texts are looked at only where the body is long enough to hold a long one or
    mentions an escaped NUL.
    """
    looks_at_texts = len(body) > limits.string_bytes or b"\\u0000" in body
    if looks_at_texts and isinstance(value, str) and _wrong_text(value, limits):
        return None
    keys = nodes = depth = 0
    level: list[Any] = [value] if type(value) in _NESTED else []
    while level:
        deeper: list[Any] = []
        depth += 1
        if depth > limits.depth:
            return None
        for item in level:
            nodes += len(item)
            inside = item
            if type(item) is dict:
                inside = item.values()
                keys += len(item)
                if len(item) > limits.keys_per_object:
                    return None
            if nodes > limits.nodes or (looks_at_texts and _has_wrong_text(item, limits)):
                return None
            if not _NESTED.isdisjoint(map(type, inside)):  # of a flat object there is no more
                deeper += [one for one in inside if type(one) in _NESTED]
        level = deeper
    return keys


def _has_wrong_text(item: dict[str, object] | list[object], limits: Limits) -> bool:
    """Return whether a key or a text that stands right in *item* is wrong."""
    inside = chain(item, item.values()) if isinstance(item, dict) else item
    return any(isinstance(one, str) and _wrong_text(one, limits) for one in inside)


def complaint(value: object, limits: Limits, *, at: str = "") -> Fault:
    """Return the first way, level by level, in which *value* breaks *limits*.

    *at* is the pointer to *value* itself.
    """
    nodes = depth = 0
    level: list[tuple[str, object]] = [(at, value)]
    while level:
        deeper: list[tuple[str, object]] = []
        depth += 1
        for pointer, item in level:
            if isinstance(item, str) and (wrong := _wrong_text(item, limits)):
                return Fault(code=wrong, message=_WORDS[wrong], pointer=pointer)
            if not isinstance(item, dict | list):
                continue
            nodes += len(item)
            fault = _too_much(item, pointer, limits, depth=depth, nodes=nodes)
            if fault is not None:
                return fault
            if isinstance(item, dict):
                deeper.extend((pointer, key) for key in item)
                deeper.extend((pointer + pointer_to(key), it) for key, it in item.items())
            else:
                deeper.extend((f"{pointer}/{index}", it) for index, it in enumerate(item))
        level = deeper
    raise AssertionError("asked what is wrong with a document that is within its limits")


def _too_much(
    item: dict[str, object] | list[object], pointer: str, limits: Limits, *, depth: int, nodes: int
) -> Fault | None:
    if depth > limits.depth:
        words = f"this is nested more than {limits.depth} levels deep; flatten it"
        return Fault(code="too_deep", message=words, pointer=pointer)
    if isinstance(item, dict) and len(item) > limits.keys_per_object:
        words = f"this object has more than {limits.keys_per_object} keys; leave some out"
        return Fault(code="too_many_keys", message=words, pointer=pointer)
    if nodes > limits.nodes:
        words = f"up to here there are more than {limits.nodes} values; leave some out"
        return Fault(code="too_many_values", message=words, pointer=pointer)
    return None


_WORDS: Final = {
    "nul": "a text here holds the character U+0000, which cannot be stored; leave it out",
    "too_long": "a text here is longer than the limit; shorten it",
}


def _wrong_text(text: str, limits: Limits) -> str | None:
    """Return the code of what is wrong with *text*, if anything is."""
    if "\0" in text:
        return "nul"
    # UTF-8 needs at most four bytes a character: short texts need no encoding.
    if len(text) * 4 > limits.string_bytes and len(text.encode()) > limits.string_bytes:
        return "too_long"
    return None
