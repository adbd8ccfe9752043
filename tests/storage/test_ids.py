"""Ids: unique texts for unique numbers, sorted by time, and the instant given back."""

from datetime import UTC, datetime
from uuid import RFC_4122, UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.storage.ids import (
    InvalidId,
    first_uuid_at,
    instant_of,
    make_id,
    make_uuid,
    make_uuids_in_order,
    parse_id,
    to_text,
)

instants = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone below
    timezones=st.just(UTC),
)
random_bytes = st.binary(min_size=8, max_size=8)


@given(uuid=st.uuids())
def test_a_text_gives_its_uuid_back(uuid: UUID) -> None:
    """Text and UUID are two spellings of one id."""
    text = to_text("dec", uuid)
    assert parse_id(text, "dec") == uuid
    assert len(text) == len("dec_") + 26
    assert text == text.lower()


@given(at=instants, randomness=random_bytes)
def test_an_id_gives_its_instant_back_to_the_microsecond(at: datetime, randomness: bytes) -> None:
    """A decision's partition can be found from its id alone."""
    uuid = make_uuid(at, randomness)
    assert instant_of(uuid) == at
    assert uuid.version == 7
    assert uuid.variant == RFC_4122


@given(earlier=instants, later=instants, one=random_bytes, other=random_bytes)
def test_ids_sort_as_their_instants(
    earlier: datetime, later: datetime, one: bytes, other: bytes
) -> None:
    """Whatever the random bits, an earlier instant has the smaller id, in both spellings."""
    assume(earlier != later)
    first, second = sorted((earlier, later))
    assert make_uuid(first, one) < make_uuid(second, other)
    assert make_id("dec", first, randomness=one) < make_id("dec", second, randomness=other)


@given(at=instants, randomness=random_bytes)
def test_the_first_id_of_an_instant_is_no_larger_than_any(at: datetime, randomness: bytes) -> None:
    """A range over ids that starts at an instant misses none made then."""
    assert first_uuid_at(at) <= make_uuid(at, randomness)


def test_the_text_form_is_the_published_typeid_example() -> None:
    """The suffix agrees with the TypeID specification's own example."""
    uuid = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert to_text("dec", uuid) == "dec_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not begin with `dec_`"),
        ("dec", "does not begin with `dec_`"),
        ("acc_01h455vb4pex5vsknk084sn02q", "begins with `acc_`"),
        ("ann@fleet.example_1", "does not begin"),
        ("dec_01h455vb4pex5vsknk084sn02", "26 lower-case"),
        ("dec_01H455VB4PEX5VSKNK084SN02Q", "26 lower-case"),
        ("dec_01h455vb4pex5vsknk084sn02q\n", "26 lower-case"),
        ("dec_81h455vb4pex5vsknk084sn02q", "26 lower-case"),
        ("dec_01h455vb4pex5vsknk084sn0il", "26 lower-case"),
        ("dec_01h455vb4pex5vsknk084sn02٣", "26 lower-case"),
    ],
)
def test_what_is_no_id_is_refused_in_words(text: str, words: str) -> None:
    """A wrong id says what an id looks like and never repeats a stranger's text."""
    with pytest.raises(InvalidId, match=words) as refusal:
        parse_id(text, "dec")
    assert "ann" not in str(refusal.value)


def test_an_id_needs_an_aware_instant_and_eight_bytes() -> None:
    """Mistakes of the caller are said at once, not stored."""
    with pytest.raises(ValueError, match="aware"):
        make_uuid(datetime(2026, 1, 1), bytes(8))  # noqa: DTZ001 - the mistake under test
    with pytest.raises(ValueError, match="8 random bytes"):
        make_uuid(datetime(2026, 1, 1, tzinfo=UTC), b"short")
    with pytest.raises(ValueError, match="1970"):
        make_uuid(datetime(1969, 12, 31, tzinfo=UTC), bytes(8))


def test_ids_in_order_rise_and_name_their_instant() -> None:
    """Each is larger than the one before, random in its tail, and of the same instant."""
    at = datetime(2026, 11, 22, 8, 30, 12, 345_678, tzinfo=UTC)
    made = [UUID(text) for text in make_uuids_in_order(at, bytes(range(40)), first=7)]
    after = [UUID(text) for text in make_uuids_in_order(at, bytes(40), first=7 + len(made))]
    assert len(made) == 10
    assert made + after == sorted(made + after)
    assert {instant_of(one) for one in made + after} == {at}
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert len({one.int & 0xFFFFFFFF for one in made}) == len(made)
