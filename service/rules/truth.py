"""Three values: every condition is yes, no or unknown, by Kleene's strong logic."""

from collections.abc import Iterable
from enum import Enum
from typing import Final, Never


class Truth(Enum):
    """What is known about a condition; never usable where Python wants a bool."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    # There is one object of each, so its identity is its hash; an enum's own hashes a name.
    __hash__ = object.__hash__

    def __bool__(self) -> Never:
        """Refuse: `if truth` would silently turn unknown into yes.

        Raises:
            TypeError: Always; compare with `is YES` instead.
        """
        msg = "a truth is yes, no or unknown; compare it with `is YES`, `is NO` or `is UNKNOWN`"
        raise TypeError(msg)

    def __repr__(self) -> str:
        """Return the bare name, as the cases and the documentation write it."""
        return self.name


YES: Final = Truth.YES
NO: Final = Truth.NO
UNKNOWN: Final = Truth.UNKNOWN


def known(value: bool) -> Truth:  # noqa: FBT001  the value itself is the argument
    """Return the truth of a Python bool."""
    return YES if value else NO


def negate(truth: Truth) -> Truth:
    """Return yes for no, no for yes, and unknown for unknown."""
    if truth is UNKNOWN:
        return UNKNOWN
    return NO if truth is YES else YES


def every(truths: Iterable[Truth]) -> Truth:
    """Return no where one is no, else unknown where one is, else yes; yes of nothing."""
    result = YES
    for truth in truths:
        if truth is NO:
            return NO
        if truth is UNKNOWN:
            result = UNKNOWN
    return result


def some(truths: Iterable[Truth]) -> Truth:
    """Return yes where one is yes, else unknown where one is, else no; no of nothing."""
    result = NO
    for truth in truths:
        if truth is YES:
            return YES
        if truth is UNKNOWN:
            result = UNKNOWN
    return result


def at_least(count: int, truths: Iterable[Truth]) -> Truth:
    """Return whether *count* of the truths are yes: settled as soon as the rest cannot matter."""
    sure = possible = 0
    for truth in truths:
        sure += truth is YES
        possible += truth is not NO
    if sure >= count:
        return YES
    return NO if possible < count else UNKNOWN
