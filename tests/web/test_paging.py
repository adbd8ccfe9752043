"""Cursors and entity tags: opaque, checked, and exact."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web import (
    Clash,
    InvalidCursor,
    PreconditionRequired,
    check_match,
    etag_of,
    is_unchanged,
    number_after,
    read_cursor,
    text_after,
    write_cursor,
)

FILTERS = {"verdict": "qualify", "since": None}


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.uuids(),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1),
)
def test_a_cursor_gives_back_its_position(at: datetime, uuid: UUID, text: str, number: int) -> None:
    """Whatever a list is ordered by comes back as it was."""
    position = (at, uuid, text, number)
    cursor = write_cursor(position, filters=FILTERS)
    assert cursor.isascii()
    assert "=" not in cursor
    assert read_cursor(cursor, filters=FILTERS, shape=(datetime, UUID, str, int)) == position


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%%%",
        "ключ",
        "bnVsbA",
        "W10",
        "e30",
        write_cursor(("a",), filters={}),
        write_cursor(("a", "b"), filters=FILTERS),
        write_cursor((7,), filters=FILTERS),
        write_cursor(("a\0",), filters=FILTERS),
    ],
)
def test_another_lists_cursor_is_refused(cursor: str) -> None:
    """A cursor that is damaged, or of other filters or another order, is a 422."""
    with pytest.raises(InvalidCursor) as refused:
        text_after(cursor, filters=FILTERS)
    assert refused.value.faults[0].parameter == "cursor"


@given(st.text(max_size=60))
def test_no_text_makes_a_cursor_fail_otherwise(text: str) -> None:
    """Whatever is sent as a cursor is either read or refused."""
    try:
        number_after(text, filters={})
    except InvalidCursor:
        return
    pytest.fail("a random text was taken for a cursor")


def test_a_filter_that_is_not_given_makes_no_difference() -> None:
    """An absent filter and one of None are the same list."""
    cursor = write_cursor(("a",), filters={"verdict": "qualify"})
    assert text_after(cursor, filters=FILTERS) == "a"
    assert text_after(None, filters=FILTERS) is None


@pytest.mark.parametrize("header", ['"7"', '"6", "7"', "*", ' "7" '])
def test_an_edit_of_the_current_state_passes(header: str) -> None:
    """A matching tag, one of several, or a star lets an edit through."""
    check_match(header, etag_of(7))


@pytest.mark.parametrize("header", ['"6"', 'W/"7"', "7", '"77"', '"6", W/"7"', ""])
def test_an_edit_of_another_state_is_refused(header: str) -> None:
    """An older tag is refused, and a weak one never matches; the answer has the current tag."""
    with pytest.raises(Clash) as refused:
        check_match(header, etag_of(7))
    assert refused.value.headers == {"ETag": '"7"'}


def test_an_edit_must_say_of_what() -> None:
    """An edit without `If-Match` would overwrite what its author never saw."""
    with pytest.raises(PreconditionRequired):
        check_match(None, etag_of(7))


@pytest.mark.parametrize(
    ("header", "unchanged"),
    [(None, False), ('"7"', True), ('W/"7"', True), ('"6"', False), ("*", True), ('"6","7"', True)],
)
def test_who_has_the_state_need_not_get_it_again(header: str | None, *, unchanged: bool) -> None:
    """`If-None-Match` compares weakly, as RFC 9110 asks."""
    assert is_unchanged(header, etag_of(7)) is unchanged
