"""A rule set taken apart by id, and put together again: what a merge works on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from service.rules.problems import InvalidRuleSet, Problem
from service.rules.source import pointer_to


class Key(NamedTuple):
    """What a part is and how it is called: `rule` `medium`; the whole is `rule set` and nothing."""

    part: str
    id: str


class Inside(NamedTuple):
    """What stands in one member of a part: parts of one kind, as a list or as a mapping."""

    part: str
    is_list: bool


ROOT: Final = Key("rule set", "")
HELD: Final = "…"
"""Stands in a part for the parts inside it, which are told apart by id."""

INSIDE: Final[Mapping[str, Mapping[str, Inside]]] = {
    "rule set": {
        "attributes": Inside("attribute", is_list=False),
        "lists": Inside("list", is_list=False),
        "derived": Inside("derived name", is_list=False),
        "metrics": Inside("metric", is_list=False),
        "gates": Inside("gate", is_list=True),
        "scores": Inside("score", is_list=False),
        "grades": Inside("grade", is_list=False),
        "outcomes": Inside("outcome", is_list=True),
        "tests": Inside("test", is_list=True),
    },
    "score": {"groups": Inside("group", is_list=True)},
    "group": {"rules": Inside("rule", is_list=True)},
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One part without those inside it: what it says, where it belongs and where it stands."""

    value: object
    home: Key
    pointer: str


Pieces = Mapping[Key, Piece]
"""Every part by its key, in document order."""


def take_apart(document: Mapping[str, object]) -> Pieces:
    """Return the parts of *document*, the plain data of a rule file.

    Raises:
        InvalidRuleSet: If parts cannot be told apart: a wrong shape, no id, or one used twice.
    """
    found: dict[Key, Piece] = {}
    _take(found, ROOT, document, home=ROOT, pointer="")
    return found


def put_together(values: Mapping[Key, object], children: Mapping[Key, Sequence[Key]]) -> object:
    """Return the document of parts with *values*, each with its *children* inside, in order."""
    return _put(ROOT, values, children)


def _take(found: dict[Key, Piece], key: Key, value: object, *, home: Key, pointer: str) -> None:
    if key in found:
        message = f"`{key.id}` is already the id of another {key.part}"
        raise _cannot("duplicate-id", message, pointer)
    inside = INSIDE.get(key.part)
    if inside is None:
        found[key] = Piece(value, home, pointer)
        return
    if not isinstance(value, Mapping):
        raise _cannot("type", f"a {key.part} must be a mapping of names", pointer)
    is_held = [name for name in inside if value.get(name) is not None]
    found[key] = Piece({**value, **dict.fromkeys(is_held, HELD)}, home, pointer)
    for name in is_held:
        for child, one, where in _items(inside[name], value[name], pointer + pointer_to(name)):
            _take(found, child, one, home=key, pointer=where)


def _items(inside: Inside, value: object, pointer: str) -> Iterator[tuple[Key, object, str]]:
    if not inside.is_list:
        if not isinstance(value, Mapping):
            raise _cannot("type", f"{inside.part}s must be a mapping of names", pointer)
        for name, one in value.items():
            yield Key(inside.part, str(name)), one, pointer + pointer_to(str(name))
        return
    if not isinstance(value, list | tuple):
        raise _cannot("type", f"{inside.part}s must be a list", pointer)
    name = name_of(inside.part)
    for index, one in enumerate(value):
        where = f"{pointer}/{index}"
        if not isinstance(one, Mapping) or not isinstance(one.get(name), str):
            raise _cannot("missing-key", f"a {inside.part} needs its `{name}`", where)
        yield Key(inside.part, one[name]), one, where


def name_of(part: str) -> str:
    """Return the member by which list items of this kind are told apart."""
    return "name" if part == "test" else "id"


def _put(key: Key, values: Mapping[Key, object], children: Mapping[Key, Sequence[Key]]) -> object:
    value = values[key]
    inside = INSIDE.get(key.part)
    if inside is None or not isinstance(value, Mapping):
        return value
    whole = dict(value)
    for name, kind in inside.items():
        kids = [child for child in children.get(key, ()) if child.part == kind.part]
        if not kids and whole.get(name) != HELD:
            continue
        made = {kid.id: _put(kid, values, children) for kid in kids}
        whole[name] = list(made.values()) if kind.is_list else made
    return whole


def _cannot(code: str, message: str, pointer: str) -> InvalidRuleSet:
    return InvalidRuleSet((Problem(code, "error", message, pointer),))
