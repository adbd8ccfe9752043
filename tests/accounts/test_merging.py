"""What news make of what is known: the same in any order of arrival."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.accounts.merging import NOTHING_KNOWN, Known, News, Ranks, combine, merge

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAMES = ("company_size", "industry", "products")
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOURCES = ("hubspot", "api", "billing")


def news(
    minute: int,
    *,
    is_everything: bool = False,
    source: str = "hubspot",
    by: str | None = None,
    **facts: object,
) -> News:
    """Return what was said to be true *minute* minutes after noon."""
    at = NOON + timedelta(minutes=minute)
    return News(facts=facts, source=source, at=at, is_everything=is_everything, by=by)


def hear(*heard: News, ranks: Ranks | None = None) -> Known:
    """Return what is known after *heard*, in that order."""
    known = NOTHING_KNOWN
    for each in heard:
        known = merge(known, each, ranks=ranks or {}).known
    return known


Story = tuple[Sequence[News], Sequence[News], Ranks]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw news of few instants from ranked sources, as they were said and shuffled."""
    values = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "b"]))
    told = [
        news(
            draw(st.integers(0, 4)),
            is_everything=draw(st.booleans()),
            source=draw(st.sampled_from(SOURCES)),
            by=draw(st.sampled_from([None, "ann", "import imp_1"])),
            **draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=3)),
        )
        for _ in range(draw(st.integers(0, 8)))
    ]
    ranks = draw(st.dictionaries(st.sampled_from(SOURCES), st.integers(-1, 1)))
    return told, draw(st.permutations(told)), ranks


@given(story=stories())
@settings(CALM, max_examples=300)
def test_the_same_news_make_the_same_account_in_any_order(story: Story) -> None:
    """Late, early, at one instant, ranked or not: all that is known is the same."""
    told, shuffled, ranks = story
    assert hear(*told, ranks=ranks) == hear(*shuffled, ranks=ranks)


@given(story=stories())
@settings(CALM, max_examples=300)
def test_what_stands_is_the_best_word_left(story: Story) -> None:
    """A plain search over all that was ever said finds the same value for each attribute."""
    told, shuffled, ranks = story
    facts = hear(*shuffled, ranks=ranks).facts
    assert facts == {
        name: value for name in NAMES if (value := _best(told, name, ranks)) is not None
    }


def _best(told: Sequence[News], name: str, ranks: Ranks) -> object:
    """Return the word on *name* that stands by the rules, read straight from the news."""

    def rank(one: News) -> int:
        return ranks.get(one.source, 0)

    def is_taken_back(one: News) -> bool:
        return any(
            all_.is_everything and all_.at > one.at and rank(all_) >= rank(one) for all_ in told
        )

    latest: dict[str, News] = {}
    for one in told:
        if name not in one.facts:
            continue
        other = latest.get(one.source)
        if other is None or _weight(one, name) > _weight(other, name):
            latest[one.source] = one
    left = [one for one in latest.values() if not is_taken_back(one)]
    best = max(left, key=lambda one: (rank(one), one.at, one.source), default=None)
    return None if best is None else best.facts[name]


def _weight(one: News, name: str) -> tuple[datetime, bool, str]:
    value = one.facts[name]
    return one.at, value is not None, json.dumps(value)


@given(story=stories(), data=st.data())
@settings(CALM)
def test_a_company_kept_twice_is_known_as_if_kept_once(story: Story, data: st.DataObject) -> None:
    """Where nobody told everything, two accounts combined know what one would have known."""
    told, _, ranks = story
    some = [replace(one, is_everything=False) for one in told]
    sides = [data.draw(st.booleans()) for _ in some]
    halves = [
        hear(*(one for one, is_left in zip(some, sides, strict=True) if is_left is wanted))
        for wanted in (True, False)
    ]
    combined = combine(halves, ranks=ranks)
    assert combined == combine(halves[::-1], ranks=ranks)
    assert combined.facts == hear(*some, ranks=ranks).facts


@given(story=stories())
@settings(CALM)
def test_news_heard_twice_change_nothing(story: Story) -> None:
    """A webhook that is delivered again is harmless."""
    told, shuffled, ranks = story
    assert hear(*told, *shuffled, ranks=ranks) == hear(*told, ranks=ranks)


@given(story=stories())
@settings(CALM)
def test_what_is_shown_has_a_source_for_every_fact(story: Story) -> None:
    """There is no fact without provenance, and no null among the facts."""
    known = hear(*story[1], ranks=story[2])
    assert set(known.shown()) == set(known.facts)
    assert None not in known.facts.values()


def test_an_older_word_is_named_and_not_kept() -> None:
    """The caller learns which of its attributes were out of date."""
    known = hear(news(10, company_size=120))
    merged = merge(known, news(5, company_size=80, industry="logistics"))
    assert merged.outdated == ("company_size",)
    assert merged.changed == ("industry",)
    assert merged.known.facts == {"company_size": 120, "industry": "logistics"}


def test_of_two_words_at_one_instant_the_same_one_stands_in_any_order() -> None:
    """A source that contradicts itself within one tick of its clock is heard alike."""
    words = [news(1, company_size=80), news(1, company_size=81), news(1, company_size=None)]
    for order in permutations(words):
        assert hear(*order).facts == {"company_size": 81}


def test_a_higher_rank_stands_against_newer_words() -> None:
    """The billing system knows the size of the contract, whatever the CRM says later."""
    story = [news(1, source="billing", company_size=80), news(9, source="crm", company_size=120)]
    for order in permutations(story):
        assert hear(*order).facts == {"company_size": 120}
        known = hear(*order, ranks={"billing": 1})
        assert known.facts == {"company_size": 80}
        assert known.provenance["company_size"]["others"]["crm"]["value"] == 120


def test_everything_told_by_a_low_rank_takes_nothing_back_from_a_higher() -> None:
    """A form that tells all it knows does not erase what the billing system said."""
    story = [news(1, source="billing", company_size=80), news(9, source="form", is_everything=True)]
    assert hear(*story).facts == {}
    assert hear(*story, ranks={"billing": 1}).facts == {"company_size": 80}


def test_everything_told_of_one_account_takes_nothing_back_from_its_twin() -> None:
    """Two records of one company complete each other."""
    left = hear(news(1, is_everything=True, company_size=80, industry="retail"))
    right = hear(news(9, is_everything=True, industry="logistics"))
    assert combine([left, right]).facts == {"company_size": 80, "industry": "logistics"}


def test_a_removed_attribute_does_not_come_back_with_an_older_word() -> None:
    """Removal is knowledge too, in all six orders."""
    story = [news(1, industry="retail"), news(2, industry=None), news(3, company_size=5)]
    for order in permutations(story):
        assert hear(*order).facts == {"company_size": 5}


def test_everything_told_removes_what_is_not_mentioned_unless_it_is_newer() -> None:
    """A full state as of ten past leaves what became known at a quarter past."""
    known = hear(news(5, industry="retail"), news(15, company_size=120))
    merged = merge(known, news(10, is_everything=True, products=["fleet"]))
    assert merged.known.facts == {"company_size": 120, "products": ["fleet"]}
    assert merged.changed == ("industry", "products")


def test_everything_told_forgets_old_removals() -> None:
    """The memory of removals does not grow for ever."""
    removals = [news(1, company_size=None), news(1, industry=None), news(1, products=None)]
    assert len(hear(*removals).provenance) == 3
    assert set(hear(*removals, news(2, is_everything=True)).provenance) == {"*"}


@pytest.mark.parametrize(
    ("before", "after", "is_change"),
    [(1, True, True), (1, 1.0, False), (0, False, True), ("1", 1, True), ([1], [True], True)],
)
def test_a_truth_value_is_not_a_number(before: object, after: object, *, is_change: bool) -> None:
    """`true` in the place of 1 is a change, 1.0 is not."""
    merged = merge(hear(news(1, industry=before)), news(2, industry=after))
    assert merged.changed == (("industry",) if is_change else ())
