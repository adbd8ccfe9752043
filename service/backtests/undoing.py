"""A draft with some of its edits undone: the same rules, those parts as the base has them."""

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from service.rules import Change, InvalidRuleSet, RuleSet, compare, load_rule_set

__all__ = ["Edit", "Undoing"]

_KEPT: Final = 256
_MAPS: Final = {
    "attribute": "attributes",
    "list": "lists",
    "derived name": "derived",
    "metric": "metrics",
    "grade": "grades",
}
_LISTS: Final = {"gate": "gates", "outcome": "outcomes"}
# Whole parts before what they hold, so that a part is there when something returns to it.
_ORDER: Final = ("setting", *_MAPS, "score", "group", "rule", "gate", "outcome")

Edit = Change
_Json = dict[str, Any]


@dataclass(slots=True)
class Undoing:
    """What changed from *base* to *draft*, and the draft with any of it undone.

    `edits` leaves out what cannot change a decision: words, notes and tests. Rule sets are
    built when first asked for and kept.
    """

    base: RuleSet
    draft: RuleSet
    edits: tuple[Edit, ...] = field(init=False)
    _built: dict[frozenset[int], RuleSet | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        changes = compare(self.base, self.draft).changes
        self.edits = tuple(change for change in changes if not change.is_only_words)

    def without(self, undone: Collection[int]) -> RuleSet | None:
        """Return the draft with the edits at these places undone.

        None where that is no rule set: an attribute cannot go while a rule reads it. With
        all of them undone it is the base itself.
        """
        wanted = frozenset(undone)
        if not wanted:
            return self.draft
        if len(wanted) == len(self.edits):
            return self.base
        if wanted not in self._built:
            while len(self._built) >= _KEPT:
                del self._built[next(iter(self._built))]
            self._built[wanted] = self._build([self.edits[place] for place in sorted(wanted)])
        return self._built[wanted]

    def _build(self, edits: Sequence[Edit]) -> RuleSet | None:
        document = copy.deepcopy(self.draft.document.to_json())
        base = self.base.document.to_json()
        document.pop("tests", None)
        order = _old_order(base)
        for edit in sorted(edits, key=lambda edit: (_ORDER.index(edit.part), order(edit))):
            _undo(edit, document, base)
        try:
            return load_rule_set(document)
        except InvalidRuleSet:
            return None


def _old_order(base: _Json) -> Callable[[Edit], int]:
    """Return the place of an edit's item in *base*: each returns to after one that is back."""
    listed = [item for name in _LISTS.values() for item in base.get(name, [])]
    listed += [group for _, group in _all_groups(base)]
    listed += [rule for _, group in _all_groups(base) for rule in group["rules"]]
    names = [str(item["id"]) for item in listed]
    return lambda edit: names.index(edit.id) if edit.id in names else -1


def _undo(edit: Edit, document: _Json, base: _Json) -> None:
    if edit.part == "setting":
        _restore(document, base, edit.id)
    elif edit.part in _MAPS:
        name = _MAPS[edit.part]
        _restore(document.setdefault(name, {}), base.get(name, {}), edit.id)
    elif edit.part == "score":
        _undo_score(edit, document["scores"], base.get("scores", {}))
    elif edit.part in _LISTS:
        name = _LISTS[edit.part]
        where = document.setdefault(name, [])
        _undo_item(edit, where, where, base.get(name, []))
    else:
        _undo_inside(edit, document, base)


def _undo_score(edit: Edit, scores: _Json, base: _Json) -> None:
    """Give a score back its own members; its groups are edits of their own."""
    if edit.kind != "changed":
        _restore(scores, base, edit.id)
        return
    groups = {"groups": scores[edit.id]["groups"]} if "groups" in scores[edit.id] else {}
    own = {name: value for name, value in base[edit.id].items() if name != "groups"}
    scores[edit.id] = copy.deepcopy(own) | groups


def _undo_inside(edit: Edit, document: _Json, base: _Json) -> None:
    """Undo an edit of a group within a score, or of a rule within a group."""
    find = _groups if edit.part == "group" else _rules
    present = _place_of(edit.id, find(document))
    old = _place_of(edit.id, find(base))
    if old is None:
        if present is not None:
            present[1][:] = [item for item in present[1] if item["id"] != edit.id]
            _drop_empty(document)
        return
    home = _home(old[0], edit.part, document, base)
    where = home if present is None else present[1]
    _undo_item(edit, where, home, old[1])
    _drop_empty(document)


def _undo_item(
    edit: Edit,
    where: list[_Json],
    home: list[_Json],
    old: list[_Json],
) -> None:
    """Undo an edit of an item that is now in *where*, and belongs into *home* as in *old*."""
    before = next((item for item in old if item["id"] == edit.id), None)
    now = next((item for item in where if item["id"] == edit.id), None)
    if before is None:
        where[:] = [item for item in where if item["id"] != edit.id]
        return
    restored = copy.deepcopy(before)
    if now is not None and edit.part == "group":
        restored["rules"] = now["rules"]
    if now is not None and where is home and edit.kind == "changed" and not edit.is_moved:
        where[where.index(now)] = restored
        return
    where[:] = [item for item in where if item["id"] != edit.id]
    home.insert(_old_place(edit.id, home, old), restored)


def _old_place(name: str, home: Sequence[_Json], old: Sequence[_Json]) -> int:
    """Return where *name* goes: after the nearest that came before it, else before the next."""
    order = [item["id"] for item in old]
    present = [item["id"] for item in home]
    place = order.index(name)
    for earlier in reversed(order[:place]):
        if earlier in present:
            return present.index(earlier) + 1
    return next((present.index(later) for later in order[place:] if later in present), len(present))


def _home(owner: str, part: str, document: _Json, base: _Json) -> list[_Json]:
    """Return the list that holds *part* in the group or score *owner*, made if it is gone."""
    scores: _Json = document.setdefault("scores", {})
    if part == "group":
        if owner not in scores:
            scores[owner] = copy.deepcopy(base["scores"][owner]) | {"groups": []}
        groups: list[_Json] = scores[owner].setdefault("groups", [])
        return groups
    found = next((group for _, group in _all_groups(document) if group["id"] == owner), None)
    if found is None:
        score, group = next(each for each in _all_groups(base) if each[1]["id"] == owner)
        found = copy.deepcopy(group) | {"rules": []}
        siblings = _home(score, "group", document, base)
        siblings.insert(_old_place(owner, siblings, base["scores"][score]["groups"]), found)
    rules: list[_Json] = found["rules"]
    return rules


def _restore(where: _Json, base: Mapping[str, Any], name: str) -> None:
    if name in base:
        where[name] = copy.deepcopy(base[name])
    else:
        where.pop(name, None)


def _drop_empty(document: _Json) -> None:
    """Remove groups that hold no rule any more: a document may not have them."""
    for score in document.get("scores", {}).values():
        if "groups" in score:
            score["groups"] = [group for group in score["groups"] if group["rules"]]
            if not score["groups"]:
                del score["groups"]


_Place = tuple[str, list[_Json]]


def _place_of(name: str, places: Iterable[_Place]) -> _Place | None:
    return next((each for each in places if any(item["id"] == name for item in each[1])), None)


def _groups(document: _Json) -> Iterator[_Place]:
    for name, score in document.get("scores", {}).items():
        yield name, score.get("groups", [])


def _rules(document: _Json) -> Iterator[_Place]:
    for _, group in _all_groups(document):
        yield group["id"], group["rules"]


def _all_groups(document: _Json) -> Iterator[tuple[str, _Json]]:
    for score, groups in _groups(document):
        for group in groups:
            yield score, group
