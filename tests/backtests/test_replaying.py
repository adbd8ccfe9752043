"""The past under a draft: exactly what the evaluator says, and causes that are true."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.backtests.replaying import Case, Cause, Erased, Replayed, Unseen, replay
from service.backtests.tallying import Tally, widths_of
from service.backtests.undoing import Undoing
from service.rules import RuleSet, load_rule_set
from tests.backtests.cases import BASE, START, case, document, drafts, leads, past

LARGE = {
    "email": "a@fleet.example",
    "vehicles": 60,
    "country": "DE",
    "seniority": "vp",
    "tools": [],
    "has_budget": False,
    "email_clicks": 2,
}


def draft_with(**points: float) -> RuleSet:
    """Return the worked example with other points of its rules."""
    changed = document()
    for score in changed["scores"].values():
        for group in score.get("groups", ()):
            for rule in group["rules"]:
                rule["points"] = points.get(rule["id"], rule["points"])
    return load_rule_set(changed)


def stands(found: Case, rules: RuleSet) -> bool:
    """Return whether *rules* decide what was stored."""
    assert found.facts is not None
    decision = rules.decide(
        found.facts, at=found.decided_at, final=found.final, tabled=found.tabled
    )
    return (decision.verdict, decision.outcome) == (found.verdict, found.outcome)


@settings(max_examples=60, deadline=None)
@given(draft=drafts(), facts=st.lists(leads(), min_size=1, max_size=8), final=st.booleans())
def test_a_backtest_says_what_the_evaluator_says_and_names_true_causes(
    draft: RuleSet, facts: list[dict[str, Any]], *, final: bool
) -> None:
    """Decision for decision the draft's own answer; undoing the named edit removes the flip."""
    undoing = Undoing(BASE, draft)
    for stored in past(facts, final=final):
        found = replay(stored, undoing)
        assert isinstance(found, Replayed)
        assert stored.facts is not None
        expected = draft.decide(stored.facts, at=stored.decided_at, final=final)
        assert found.decision.to_json() == expected.to_json()
        if found.flip is None:
            assert (expected.verdict, expected.outcome) == (stored.verdict, stored.outcome)
            continue
        assert (expected.verdict, expected.outcome) != (stored.verdict, stored.outcome)
        assert_true(found.flip.cause, stored, undoing)


def assert_true(cause: Cause, stored: Case, undoing: Undoing) -> None:
    """Hold a cause to what it says, by undoing."""
    every = range(len(undoing.edits))

    def removes(*undone: int) -> bool:
        rules = undoing.without(undone)
        return rules is not None and stands(stored, rules)

    alone = tuple(place for place in every if removes(place))
    if cause.kind == "alone":
        assert cause.edits == alone
        assert alone
        return
    assert cause.kind == "together"
    assert alone == ()
    assert len(cause.edits) > 1
    assert removes(*cause.edits)
    assert not any(removes(*(other for other in cause.edits if other != e)) for e in cause.edits)


@settings(max_examples=60, deadline=None)
@given(draft=drafts())
def test_one_edit_undone_leaves_the_others_as_they_are(draft: RuleSet) -> None:
    """What is undone is that edit and nothing beside it."""
    undoing = Undoing(BASE, draft)
    names = [(edit.part, edit.id) for edit in undoing.edits]
    for place, name in enumerate(names):
        rules = undoing.without({place})
        if rules is None:
            continue
        left = [(edit.part, edit.id) for edit in Undoing(BASE, rules).edits]
        assert name not in left
        # Where three neighbours changed places, another of them may count as the moved one.
        kinds = {edit.kind for edit in undoing.edits}
        assert "moved" in kinds or sorted(left) == sorted(n for n in names if n != name)


@settings(max_examples=60, deadline=None)
@given(draft=drafts())
def test_every_edit_undone_one_by_one_gives_the_base(draft: RuleSet) -> None:
    """The edits are all there is between the two: rebuilt by hand they meet the base."""
    undoing = Undoing(BASE, draft)
    places = range(len(undoing.edits))
    if not places:
        return
    rebuilt = undoing._build([undoing.edits[place] for place in places])  # noqa: SLF001 - not the shortcut
    assert rebuilt is not None
    assert rebuilt.logic_digest == BASE.logic_digest


def test_one_edit_that_alone_makes_the_flip_is_named() -> None:
    """`medium` gives more, and a fleet of sixty is now worth a meeting."""
    undoing = Undoing(BASE, draft_with(medium=40, small=-40))
    found = replay(case(LARGE), undoing)
    assert isinstance(found, Replayed)
    assert found.flip is not None
    names = [undoing.edits[place].id for place in found.flip.cause.edits]
    assert (found.flip.cause.kind, names) == ("alone", ["medium"])


def test_two_edits_that_each_suffice_are_named_together() -> None:
    """Undoing either leaves the flip standing; only undoing both removes it."""
    undoing = Undoing(BASE, draft_with(medium=0, decider=0))
    found = replay(case(LARGE), undoing)
    assert isinstance(found, Replayed)
    assert found.flip is not None
    names = [undoing.edits[place].id for place in found.flip.cause.edits]
    assert (found.flip.cause.kind, names) == ("together", ["medium", "decider"])
    assert found.flip.facts == ("seniority", "vehicles")


def test_a_change_that_the_base_made_already_is_not_laid_on_the_draft() -> None:
    """A decision of an older version that the base decides otherwise has an earlier cause."""
    older = replace(case(LARGE), verdict="qualify")
    found = replay(older, Undoing(BASE, draft_with(small=-40)))
    assert isinstance(found, Replayed)
    assert found.flip is not None
    assert found.flip.cause == Cause("earlier")


def asking_for_trailers() -> RuleSet:
    """Return a draft that asks for something never stored."""
    changed = document()
    changed["attributes"]["trailers"] = {"type": "number", "min": 0}
    added = {"id": "trailers", "when": "trailers > 10", "points": 30.0}
    changed["scores"]["fit"]["groups"][1]["rules"].append(added)
    return load_rule_set(changed)


def test_what_was_never_asked_stops_a_replay_only_where_it_could_matter() -> None:
    """A gate that decides without it can be replayed; a score that hangs on it cannot."""
    undoing = Undoing(BASE, asking_for_trailers())
    named = {"email": "c@bigfleet.example", "vehicles": 5}
    assert isinstance(replay(case(named), undoing), Replayed)
    assert replay(case(LARGE), undoing) == Unseen(case(LARGE), ("trailers",))


def test_an_attribute_added_with_its_rule_is_undone_by_the_rule() -> None:
    """The attribute alone cannot go; nothing breaks, and the rule can."""
    undoing = Undoing(BASE, asking_for_trailers())
    possible = {
        (edit.part, edit.id): undoing.without({place}) is not None
        for place, edit in enumerate(undoing.edits)
    }
    assert possible == {("attribute", "trailers"): False, ("rule", "trailers"): True}


def test_erased_facts_are_counted_and_not_guessed() -> None:
    """What privacy removed is gone for backtests too."""
    gone = replace(case(LARGE), facts=None)
    found = replay(gone, Undoing(BASE, draft_with(medium=40)))
    assert found == Erased(gone)


@settings(max_examples=40, deadline=None)
@given(draft=drafts(), facts=st.lists(leads(), min_size=2, max_size=10), data=st.data())
def test_a_tally_stored_half_way_ends_as_one_that_was_not(
    draft: RuleSet, facts: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Chunks add up: wherever the work was cut, the counts are the same."""
    undoing = Undoing(BASE, draft)
    found = [replay(stored, undoing) for stored in past(facts)]
    whole = Tally.begin(widths_of(BASE, draft))
    for each in found:
        whole.add(each)
    cut = data.draw(st.integers(0, len(found)))
    halves = Tally.begin(widths_of(BASE, draft))
    for each in found[:cut]:
        halves.add(each)
    halves = Tally.from_json(halves.to_json())
    for each in found[cut:]:
        halves.add(each)
    assert halves == whole
    assert whole.replayed == len(found)
    moved = [
        number
        for before, into in whole.outcomes.items()
        for after, number in into.items()
        if before != after
    ]
    assert sum(moved) <= whole.flips == sum(whole.causes.values())


def test_scores_are_counted_in_bins_of_a_fixed_width() -> None:
    """A score of 0 to 100 has bins of five; sums give the means before and after."""
    draft = draft_with(medium=40)
    tally = Tally.begin(widths_of(BASE, draft))
    tally.add(replay(case(LARGE), Undoing(BASE, draft)))
    fit = tally.scores["fit"]
    assert fit.width == 5
    assert (fit.before, fit.after) == ({"10": 1}, {"13": 1})
    assert (fit.sum_before, fit.sum_after) == (50, 65)


@pytest.mark.parametrize("minutes", [0, 90])
def test_since_when_an_attribute_was_stored_comes_from_the_decisions_themselves(
    minutes: int,
) -> None:
    """The earliest decision whose version asked for it tells."""
    tally = Tally.begin({})
    undoing = Undoing(BASE, BASE)
    tally.add(replay(case(LARGE, number=minutes), undoing))
    tally.add(replay(case(LARGE, number=minutes + 1), undoing))
    assert tally.first_asked["tools"] == (START + timedelta(minutes=minutes)).isoformat()
