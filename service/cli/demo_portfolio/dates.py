"""Days and hours of the demo's two years, all told from its clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final

__all__ = ["YEAR_DAYS", "cohort_quarter", "firsts_of_months", "in_office_hours", "quarter_of"]

YEAR_DAYS: Final = 365
_SETTLED: Final = timedelta(days=215)
"""Past the grace period of six months, with some weeks in hand."""


def quarter_of(day: date) -> tuple[date, date]:
    """Return the first day of the quarter of *day*, and that of the next."""
    first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return first, _months_later(first, 3)


def cohort_quarter(now: datetime) -> tuple[date, date]:
    """Return the latest quarter whose customers all have left the grace period behind them."""
    begin, end = quarter_of((now - _SETTLED).date())
    if end <= (now - _SETTLED).date():
        return begin, end
    return quarter_of(begin - timedelta(days=1))


def firsts_of_months(begin: date, now: datetime) -> Iterator[datetime]:
    """Give the mornings of the first of each month from *begin* to *now*, oldest first."""
    first = begin.replace(day=1)
    if first < begin:
        first = _months_later(first, 1)
    while (morning := datetime.combine(first, time(6), tzinfo=UTC)) <= now:
        yield morning
        first = _months_later(first, 1)


def in_office_hours(now: datetime, *, age_days: float, rng: Random) -> datetime:
    """Return an instant about *age_days* ago, a day at least: on a working day, by daylight."""
    day = (now - timedelta(days=max(age_days, 1))).date()
    day -= timedelta(days=max(day.weekday() - 4, 0))
    at = time(7 + int(rng.random() * 10), 5 * int(rng.random() * 12))
    return datetime.combine(day, at, tzinfo=UTC)


def _months_later(first: date, months: int) -> date:
    year, month = divmod(12 * first.year + first.month - 1 + months, 12)
    return date(year, month + 1, 1)
