"""Instants as they are written in answers."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import assume, given
from hypothesis import strategies as st

from service.web import rfc3339

OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(timezones=st.just(UTC))


@given(INSTANTS | INSTANTS.map(lambda at: at.replace(microsecond=0)), st.just(UTC) | OFFSETS)
def test_an_instant_is_written_in_utc_to_the_microsecond(at: datetime, offset: timezone) -> None:
    """With all six digits, also where they are noughts, whatever offset it came with."""
    assume(offset is UTC or 1 < at.year < 9999)
    written = rfc3339(at.astimezone(offset))
    assert written == f"{at:%Y-%m-%dT%H:%M:%S.%f}Z".zfill(len("2026-01-31T09:30:00.000000Z"))
