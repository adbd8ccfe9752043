"""What news make of what is known: the same in any order of arrival."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.accounts.merging import NOTHING_KNOWN, Known, News, merge

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAMES = ("company_size", "industry", "products")


def news(
    minute: int, *, is_everything: bool = False, source: str = "hubspot", **facts: object
) -> News:
    """Return what was said to be true *minute* minutes after noon."""
    at = NOON + timedelta(minutes=minute)
    return News(facts=facts, source=source, at=at, is_everything=is_everything)


def hear(*heard: News) -> Known:
    """Return what is known after *heard*, in that order."""
    known = NOTHING_KNOWN
    for each in heard:
        known = merge(known, each).known
    return known


@st.composite
def stories(draw: st.DrawFn) -> tuple[Sequence[News], Sequence[News]]:
    """Draw news of distinct instants, in order and shuffled."""
    values = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "b"]))
    told = [
        news(
            minute,
            is_everything=draw(st.booleans()),
            source=draw(st.sampled_from(["hubspot", "api"])),
            **draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=3)),
        )
        for minute in range(draw(st.integers(0, 7)))
    ]
    return told, draw(st.permutations(told))


@given(story=stories())
def test_news_end_in_the_same_facts_in_any_order(story: tuple[list[News], list[News]]) -> None:
    """Late, early or shuffled: facts and their provenance are those of the story in order."""
    told, shuffled = story
    in_order, heard = hear(*told), hear(*shuffled)
    assert heard.facts == in_order.facts
    assert heard.shown() == in_order.shown()


@given(story=stories())
def test_news_heard_twice_change_nothing(story: tuple[list[News], list[News]]) -> None:
    """A webhook that is delivered again is harmless."""
    told, shuffled = story
    assert hear(*told, *shuffled).facts == hear(*told).facts


@given(story=stories())
def test_what_is_shown_has_a_source_for_every_fact(story: tuple[list[News], list[News]]) -> None:
    """There is no fact without provenance, and no null among the facts."""
    known = hear(*story[1])
    assert set(known.shown()) == set(known.facts)
    assert None not in known.facts.values()


def test_an_older_word_is_named_and_not_kept() -> None:
    """The caller learns which of its attributes were out of date."""
    known = hear(news(10, company_size=120))
    merged = merge(known, news(5, company_size=80, industry="logistics"))
    assert merged.outdated == ("company_size",)
    assert merged.changed == ("industry",)
    assert merged.known.facts == {"company_size": 120, "industry": "logistics"}


def test_of_two_words_at_one_instant_the_later_heard_counts() -> None:
    """A correction within the source's own clock tick is still a correction."""
    assert hear(news(1, company_size=80), news(1, company_size=81)).facts == {"company_size": 81}


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
