"""Two people's edits of one rule set made into one, part by part and field by field.

Parts are matched by id, wherever they stand. What only one side touched is taken from that
side; what both changed, and not alike, is a conflict: never a silent choice.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeGuard, TypeVar

from service.rules.merge_parts import INSIDE, ROOT, Key, Piece, Pieces, put_together, take_apart
from service.rules.source import pointer_to

Side = Literal["mine", "theirs"]
T = TypeVar("T", bound=Hashable)


class Absent(Enum):
    """What stands where nothing stands."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

_SETS: Final = frozenset({"choices", "missing_values"})
"""Members whose items come and go one by one."""

_ORDERED: Final = frozenset({"rule", "gate", "outcome"})
"""Parts whose order has a meaning; elsewhere two orders never conflict."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that both sides changed, and not alike; ABSENT where a side has nothing.

    Attributes:
        part: As in a comparison: `rule`, `outcome`, `rule set` for what stands at the top.
        id: The part's id; empty for the rule set.
        field: The member, nested ones after a `/`; empty where the whole part is meant,
            `place` where both moved it, and the list's name where both put it in order.
        pointer: JSON pointer to it in my document, or in theirs where mine has none.
    """

    part: str
    id: str
    field: str
    pointer: str
    base: object
    mine: object
    theirs: object

    @property
    def name(self) -> str:
        """What to call it when choosing a side: `rule/medium/points`."""
        return "/".join(word for word in (self.part, self.id, self.field) if word)

    def to_json(self) -> dict[str, object]:
        """Return its members; a value that is absent is left out."""
        members: dict[str, object] = {
            "name": self.name,
            "part": self.part,
            "id": self.id,
            "field": self.field,
            "pointer": self.pointer,
        }
        values = {"base": self.base, "mine": self.mine, "theirs": self.theirs}
        return members | {name: value for name, value in values.items() if value is not ABSENT}


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged document, which holds my side of every conflict, and the conflicts."""

    document: Mapping[str, object]
    conflicts: tuple[Conflict, ...]


def merge(
    base: Mapping[str, object],
    mine: Mapping[str, object],
    theirs: Mapping[str, object],
    *,
    choose: Mapping[str, Side] | None = None,
) -> Merged:
    """Return the edits of *mine* and *theirs*, both made on *base*, in one document.

    All are plain data of rule files. *choose* settles conflicts by their names, as said
    before by a person; a name that conflicts with nothing is ignored.

    Raises:
        InvalidRuleSet: If parts of a document cannot be told apart by their ids.
    """
    if is_same(mine, theirs):
        return Merged(mine, ())
    work = _Merge(take_apart(base), take_apart(mine), take_apart(theirs), choose or {})
    return Merged(work.run(), tuple(work.conflicts))


def is_same(one: object, other: object) -> bool:
    """Return whether two plain values are equal; true is not 1, and key order says nothing."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return one == other


Sides = tuple[object, object, object]
"""One thing in the base, in mine and in theirs; ABSENT where it is not there."""


@dataclass(slots=True)
class _Merge:
    base: Pieces
    mine: Pieces
    theirs: Pieces
    choose: Mapping[str, Side]
    conflicts: list[Conflict] = field(default_factory=list)

    def run(self) -> Mapping[str, object]:
        """Merge what every part says, where it belongs, and the order it stands in."""
        values: dict[Key, object] = {}
        homes: dict[Key, Key] = {}
        for key in dict.fromkeys([*self.mine, *self.theirs]):
            value = self._three(key, (), self._said(key))
            if value is not ABSENT:
                values[key], homes[key] = value, self._home(key)
        self._bring_back(values, homes)
        within: dict[Key, list[Key]] = {home: [] for home in homes.values()}
        for key, home in homes.items():
            if key != ROOT:
                within[home].append(key)
        children = {home: self._in_order(home, keys) for home, keys in within.items()}
        document = put_together(values, children)
        if not isinstance(document, Mapping):
            raise TypeError("a rule set that was taken apart is a mapping")
        return document

    def _pieces(self, key: Key) -> list[Piece | None]:
        return [side.get(key) for side in (self.base, self.mine, self.theirs)]

    def _said(self, key: Key) -> Sides:
        base, mine, theirs = (ABSENT if p is None else p.value for p in self._pieces(key))
        return base, mine, theirs

    def _home(self, key: Key) -> Key:
        """Return where a part belongs after both moved what they moved."""
        old, here, there = (None if p is None else p.home for p in self._pieces(key))
        if there is None or there in {here, old}:
            return here or there or ROOT
        if here is None or here == old:
            return there
        names = (ABSENT if old is None else old.id, here.id, there.id)
        return there if self._clash(key, ("place",), names) == there.id else here

    def _bring_back(self, values: dict[Key, object], homes: dict[Key, Key]) -> None:
        """Keep a group or score that one side took out while the other put something in."""
        while missing := [home for home in homes.values() if home not in values]:
            key = missing[0]
            # What stands here only until somebody says where it belongs asks nothing more.
            asked = {Key(c.part, c.id) for c in self.conflicts if c.field == "place"}
            is_asked = all(one in asked for one, home in homes.items() if home == key)
            if not is_asked and self._clash(key, (), self._said(key)) is ABSENT:
                _drop(key, values, homes)
                continue
            _, mine, theirs = self._pieces(key)
            kept = mine or theirs
            if kept is None:
                raise AssertionError("a part belongs to one that neither side has")
            values[key], homes[key] = kept.value, kept.home

    def _in_order(self, home: Key, keys: Sequence[Key]) -> list[Key]:
        """Return the parts that belong to *home*, kind by kind, each in the order of both."""
        ordered: list[Key] = []
        for name, inside in INSIDE.get(home.part, {}).items():
            members = {key for key in keys if key.part == inside.part}
            base, mine, theirs = (
                [k for k, piece in side.items() if piece.home == home and k in members]
                for side in (self.base, self.mine, self.theirs)
            )
            order, is_clear = _woven(base, mine, theirs, members=members)
            if not is_clear and inside.part in _ORDERED:
                told = ([k.id for k in base], [k.id for k in mine], [k.id for k in theirs])
                if self._clash(home, (name,), told) is told[2]:
                    order, _ = _woven(base, theirs, mine, members=members)
            ordered += order
        return ordered

    def _three(self, key: Key, path: tuple[str, ...], sides: Sides) -> object:
        """Return the value that both edits lead to, at *path* in the part *key*."""
        base, mine, theirs = sides
        if is_same(mine, theirs) or is_same(theirs, base):
            return mine
        if is_same(mine, base):
            return theirs
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            known = base if isinstance(base, Mapping) else {}
            return self._members(key, path, (known, mine, theirs))
        is_set = key.part == "list" if not path else path[-1] in _SETS
        if is_set and _is_set(base) and _is_set(mine) and _is_set(theirs):
            return self._items(key, path, (base, mine, theirs))
        return self._clash(key, path, sides)

    def _members(
        self,
        key: Key,
        path: tuple[str, ...],
        sides: tuple[Mapping[str, object], Mapping[str, object], Mapping[str, object]],
    ) -> Mapping[str, object]:
        base, mine, theirs = sides
        merged: dict[str, object] = {}
        for name in dict.fromkeys([*mine, *theirs]):
            three = base.get(name, ABSENT), mine.get(name, ABSENT), theirs.get(name, ABSENT)
            value = self._three(key, (*path, name), three)
            if value is not ABSENT:
                merged[name] = value
        order, _ = _woven([*base], [*mine], [*theirs], members=set(merged))
        return {name: merged[name] for name in order}

    def _items(
        self,
        key: Key,
        path: tuple[str, ...],
        sides: tuple[list[Hashable], list[Hashable], list[Hashable]],
    ) -> object:
        """Return a list with every item that one side added and neither took out."""
        base, mine, theirs = sides
        members = (set(mine) & set(theirs)) | ((set(mine) | set(theirs)) - set(base))
        order, is_clear = _woven(base, mine, theirs, members=members)
        is_ordered = path[-1:] == ("choices",)
        return order if is_clear or not is_ordered else self._clash(key, path, sides)

    def _clash(self, key: Key, path: tuple[str, ...], sides: Sides) -> object:
        """Note a conflict, or take the side that was chosen; return the value to go on with.

        Where a whole part was removed on my side, theirs stays until somebody chose.
        """
        base, mine, theirs = sides
        piece = self.mine.get(key) or self.theirs.get(key)
        pointer = (piece.pointer if piece is not None else "") + pointer_to(*path)
        found = Conflict(key.part, key.id, "/".join(path), pointer, base, mine, theirs)
        side = self.choose.get(found.name)
        if side is None:
            self.conflicts.append(found)
            return theirs if mine is ABSENT and not path else mine
        return mine if side == "mine" else theirs


def _drop(home: Key, values: dict[Key, object], homes: dict[Key, Key]) -> None:
    """Take out everything that belongs to *home*."""
    for key in [key for key, there in homes.items() if there == home]:
        values.pop(key, None)
        homes.pop(key, None)
        _drop(key, values, homes)


def _is_set(value: object) -> TypeGuard[list[Hashable]]:
    """Say whether *value* is a list of texts and numbers, each there once."""
    if not isinstance(value, list) or not all(
        isinstance(item, str | int | float) for item in value
    ):
        return False
    return len(set(value)) == len(value)


def _woven(
    base: Sequence[T], mine: Sequence[T], theirs: Sequence[T], *, members: set[T]
) -> tuple[list[T], bool]:
    """Return *members* in the order of both sides, and whether the two orders agree.

    What all three have stands in the order of whoever changed it (mine where both did);
    what came newly follows what it followed where it was put.
    """
    common = set(base) & set(mine) & set(theirs) & members
    was, here, there = ([x for x in side if x in common] for side in (base, mine, theirs))
    woven = list(there if here == was else here)
    placed = set(woven)
    for side in (mine, theirs):
        before: T | None = None
        for item in side:
            if item not in members:
                continue
            if item not in placed:
                woven.insert(0 if before is None else woven.index(before) + 1, item)
                placed.add(item)
            before = item
    return woven, here == there or was in (here, there)
