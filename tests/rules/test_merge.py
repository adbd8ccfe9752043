"""Three-way merges of rule sets: nobody's edit is lost, and nothing is chosen in silence."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import InvalidRuleSet, check_rule_set
from service.rules.merge import ABSENT, Merged, is_same, merge
from service.rules.merge_parts import Key, put_together, take_apart
from tests.rules.edits import FLEET, Document, edits

LAW = settings(max_examples=250, deadline=None)


@LAW
@given(document=edits())
def test_what_was_taken_apart_goes_together_again(document: Document) -> None:
    """Parts, homes and order hold everything a document says."""
    pieces = take_apart(document)
    children = {
        home: [k for k, piece in pieces.items() if piece.home == home and k != home]
        for home in {piece.home for piece in pieces.values()}
    }
    values = {key: piece.value for key, piece in pieces.items()}
    assert is_same(put_together(values, children), document)


@LAW
@given(base=edits(), edited=edits())
def test_who_edits_alone_gets_what_was_written(base: Document, edited: Document) -> None:
    """An edit against none, and an edit that both made, is that edit, order and all."""
    for mine, theirs in ((edited, base), (base, edited), (edited, edited)):
        merged = merge(base, mine, theirs)
        assert merged.conflicts == ()
        assert is_same(merged.document, edited)


@LAW
@given(base=edits(), mine=edits(), theirs=edits())
def test_whose_name_stands_first_changes_nothing_but_order(
    base: Document, mine: Document, theirs: Document
) -> None:
    """The same conflicts from both sides, with their values exchanged; and the same parts."""
    one, other = merge(base, mine, theirs), merge(base, theirs, mine)
    swapped = {(c.name, repr(c.mine), repr(c.theirs)) for c in one.conflicts}
    assert swapped == {(c.name, repr(c.theirs), repr(c.mine)) for c in other.conflicts}
    if not one.conflicts:
        assert told(one) == told(other)


def told(merged: Merged) -> dict[object, object]:
    """Return what every part says and where it belongs, without the order."""
    pieces = take_apart(merged.document)
    return {key: (piece.home, unordered(piece.value)) for key, piece in pieces.items()}


def unordered(value: object) -> object:
    """Return a list in an order of its own, anything else as it is."""
    return sorted(map(repr, value)) if isinstance(value, list) else value


@LAW
@given(base=edits(), data=st.data())
def test_what_only_one_side_touched_is_as_that_side_left_it(
    base: Document, data: st.DataObject
) -> None:
    """An edit of a part that the other side left alone survives, or stands in a conflict."""
    mine, theirs = data.draw(edits(base)), data.draw(edits(base))
    merged = merge(base, mine, theirs)
    disputed = {(conflict.part, conflict.id) for conflict in merged.conflicts}
    old, after = take_apart(base), take_apart(merged.document)
    here, there = take_apart(mine), take_apart(theirs)
    for edited, other in ((here, there), (there, here)):
        for key in {*old, *edited}:
            was, now, untouched = old.get(key), edited.get(key), other.get(key)
            alone = (was and was.value) == (untouched and untouched.value)
            is_edited = (was and was.value) != (now and now.value)
            if alone and is_edited and tuple(key) not in disputed:
                assert (after[key].value if key in after else None) == (now and now.value)


@LAW
@given(base=edits(), data=st.data(), side=st.sampled_from(["mine", "theirs"]))
def test_choosing_sides_ends_every_conflict(base: Document, data: st.DataObject, side: Any) -> None:  # noqa: ANN401 - a literal
    """Said once for each, nothing is left to ask, and the chosen value stands there."""
    mine, theirs = data.draw(edits(base)), data.draw(edits(base))
    choose: dict[str, Any] = {}
    for _ in range(20):
        merged = merge(base, mine, theirs, choose=choose)
        if not merged.conflicts:
            break
        choose |= {conflict.name: side for conflict in merged.conflicts}
    assert merged.conflicts == ()
    first = merge(base, mine, theirs).conflicts
    after, chosen = take_apart(merged.document), take_apart(mine if side == "mine" else theirs)
    for conflict in first:
        key = Key(conflict.part, conflict.id)
        if conflict.field and key in after and key in chosen and "/" not in conflict.field:
            said, wanted = after[key].value, chosen[key].value
            if isinstance(said, dict) and isinstance(wanted, dict):
                assert said.get(conflict.field) == wanted.get(conflict.field)


def fleet(*steps: tuple[tuple[str | int, ...], object]) -> Document:
    """Return the fleet rules with values put at the given paths; ABSENT takes a part out."""
    document = copy.deepcopy(FLEET)
    for path, value in steps:
        part: Any = document
        for step in path[:-1]:
            part = part[step]
        if value is ABSENT:
            del part[path[-1]]
        elif isinstance(part, list) and path[-1] == len(part):
            part.append(value)
        else:
            part[path[-1]] = value
    return document


SIZE = ("scores", "fit", "groups", 0, "rules")
MEDIUM = (*SIZE, 1)


def test_points_changed_twice_are_a_conflict_with_three_values() -> None:
    """The field, the place in my document, and what stood where."""
    mine, theirs = fleet(((*MEDIUM, "points"), 30)), fleet(((*MEDIUM, "points"), 35))
    (conflict,) = merge(FLEET, mine, theirs).conflicts
    assert conflict.to_json() == {
        "name": "rule/medium/points",
        "part": "rule",
        "id": "medium",
        "field": "points",
        "pointer": "/scores/fit/groups/0/rules/1/points",
        "base": 25,
        "mine": 30,
        "theirs": 35,
    }
    chosen = merge(FLEET, mine, theirs, choose={"rule/medium/points": "theirs"})
    assert (chosen.conflicts, chosen.document) == ((), theirs)


def test_two_fields_of_one_rule_go_together() -> None:
    """One raised the points, the other moved the threshold: both hold."""
    mine, theirs = fleet(((*MEDIUM, "points"), 30)), fleet(((*MEDIUM, "when"), "vehicles >= 30"))
    merged = merge(FLEET, mine, theirs)
    both = fleet(((*MEDIUM, "points"), 30), ((*MEDIUM, "when"), "vehicles >= 30"))
    assert (merged.conflicts, merged.document) == ((), both)


def test_a_rule_is_followed_into_another_group() -> None:
    """An edit meets the rule where the other side has moved it."""
    rule = FLEET["scores"]["fit"]["groups"][0]["rules"][1]
    people = ("scores", "fit", "groups", 2, "rules")
    moved = fleet((MEDIUM, ABSENT), ((*people, 2), rule))
    merged = merge(FLEET, fleet(((*MEDIUM, "points"), 30)), moved)
    assert merged.conflicts == ()
    document: Any = merged.document
    assert document["scores"]["fit"]["groups"][2]["rules"][2] == {**rule, "points": 30}
    assert check_rule_set(document).rules is not None or "medium" not in str(document["tests"])


def test_a_rule_that_one_removed_and_one_changed_is_asked_about() -> None:
    """It stays until somebody chose, with the changes."""
    gone, changed = fleet((MEDIUM, ABSENT)), fleet(((*MEDIUM, "points"), 30))
    merged = merge(FLEET, gone, changed)
    assert [(c.name, c.mine) for c in merged.conflicts] == [("rule/medium", ABSENT)]
    assert "mine" not in merged.conflicts[0].to_json()
    assert merged.document == changed
    for side, result in (("mine", gone), ("theirs", changed)):
        choose: Any = {"rule/medium": side}
        assert merge(FLEET, gone, changed, choose=choose).document == result


def test_a_group_that_went_while_a_rule_came_is_asked_about() -> None:
    """A new rule is never thrown away with the group it was put into."""
    rule = {"id": "tracked", "when": '"samsara" in tools', "points": 10}
    gone, richer = fleet((("scores", "fit", "groups", 0), ABSENT)), fleet(((*SIZE, 3), rule))
    merged = merge(FLEET, gone, richer)
    assert [c.name for c in merged.conflicts] == ["group/size"]
    assert "tracked" in str(merged.document)
    assert merge(FLEET, gone, richer, choose={"group/size": "mine"}).document == gone


def test_both_may_add_to_one_list() -> None:
    """Items come and go one by one."""
    path = ("lists", "free_mail")
    mine = fleet((path, ["gmail.com", "yahoo.com", "gmx.de", "web.de"]))
    theirs = fleet((path, ["gmail.com", "gmx.de", "mail.example"]))
    document: Any = merge(FLEET, mine, theirs).document
    assert document["lists"]["free_mail"] == ["gmail.com", "gmx.de", "mail.example", "web.de"]


def test_two_new_orders_of_outcomes_are_a_conflict() -> None:
    """First match wins, so whose order it is has to be said."""
    first, second, third, last = FLEET["outcomes"]
    mine, theirs = (
        fleet((("outcomes",), [second, first, third, last])),
        fleet((("outcomes",), [first, third, second, last])),
    )
    merged = merge(FLEET, mine, theirs)
    assert [(c.name, c.pointer) for c in merged.conflicts] == [("rule set/outcomes", "/outcomes")]
    assert merged.document == mine
    assert merge(FLEET, mine, theirs, choose={"rule set/outcomes": "theirs"}).document == theirs


def test_true_is_not_one() -> None:
    """Python thinks so; an author does not."""
    flagged = fleet((("attributes", "vehicles", "min"), False))
    assert merge(FLEET, flagged, FLEET).document == flagged
    assert not is_same(flagged, FLEET)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (fleet((("gates",), [{"id": "x"}, {"id": "x"}])), "duplicate-id"),
        (fleet((("gates",), [{"when": "true"}])), "missing-key"),
        (fleet((("gates",), "none")), "type"),
        (fleet((("scores", "fit"), 3)), "type"),
        (fleet((("attributes",), ["vehicles"])), "type"),
    ],
)
def test_parts_without_ids_cannot_be_merged(broken: Document, code: str) -> None:
    """What cannot be told apart is mended first; the problem says where."""
    with pytest.raises(InvalidRuleSet) as refused:
        merge(FLEET, broken, FLEET | {"title": "Another"})
    (problem,) = refused.value.problems
    assert problem.code == code
    assert problem.pointer
