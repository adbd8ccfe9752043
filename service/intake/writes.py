"""What became of one record that was sent to a vendor; and how each vendor is told."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

__all__ = ["LONGEST_WORDS", "Writing", "Written", "postponed", "refused", "taken", "unsure"]

LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """One record to be told: *values* by the vendor's own property names; None empties one."""

    record: str
    external_id: str
    values: Mapping[str, Any]
    trace: str


@dataclass(frozen=True, slots=True)
class Written:
    """How it ended: taken, to be tried again, not begun, or given up, with words for people.

    *wait* is how long the vendor wants what was not begun to wait.
    """

    ending: Literal["taken", "again", "later", "parked"]
    words: str = ""
    wait: timedelta = timedelta()


Send = Callable[[Sequence[Writing]], Awaitable[Sequence[Written]]]
"""Tells a vendor of some records of one kind; returns how each ended, in order."""


def taken() -> Written:
    """Return that the vendor took it."""
    return Written("taken")


def unsure(words: str) -> Written:
    """Return that another attempt may succeed, or has: writing twice changes nothing."""
    return Written("again", words[:LONGEST_WORDS])


def postponed(words: str, wait: timedelta) -> Written:
    """Return that nobody was told, since the vendor wants us to wait; that is no attempt."""
    return Written("later", words[:LONGEST_WORDS], wait)


def refused(words: str) -> Written:
    """Return that no attempt will succeed until somebody does something about it."""
    return Written("parked", words[:LONGEST_WORDS])
