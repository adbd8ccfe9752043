"""What became of one record that was sent to a vendor; and how each vendor is told."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["LONGEST_WORDS", "Writing", "Written", "refused", "taken", "unsure"]

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
    """How it ended: taken, to be tried again, or given up, with words for an administrator."""

    ending: Literal["taken", "again", "parked"]
    words: str = ""


Send = Callable[[Sequence[Writing]], Awaitable[Sequence[Written]]]
"""Tells a vendor of some records of one kind; returns how each ended, in order."""


def taken() -> Written:
    """Return that the vendor took it."""
    return Written("taken")


def unsure(words: str) -> Written:
    """Return that another attempt may succeed, or has: writing twice changes nothing."""
    return Written("again", words[:LONGEST_WORDS])


def refused(words: str) -> Written:
    """Return that no attempt will succeed until somebody does something about it."""
    return Written("parked", words[:LONGEST_WORDS])
