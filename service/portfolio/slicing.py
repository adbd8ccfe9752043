"""Slices: the part of a portfolio that somebody asks for, by segment, owner, cohort or the like."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from service.web import Fault, Refusal

__all__ = ["MOST_SLICES", "BadSlice", "Slice", "check_slices", "read_slices"]

MOST_SLICES: Final = 8
_PARAMETER: Final = "slice"


class BadSlice(Refusal):
    """What was asked for is no slice, or none of this statement."""

    code: ClassVar[str] = "bad_slice"

    def __init__(self, words: str, *, parameter: str = _PARAMETER) -> None:
        fault = Fault(code=self.code, message=words, parameter=parameter)
        super().__init__(words, faults=[fault])


@dataclass(frozen=True, slots=True)
class Slice:
    """Accounts that share a text under a name; an empty text stands for "nobody told us"."""

    name: str
    value: str

    def holds(self, slices: dict[str, str]) -> bool:
        """Say whether an account with these *slices* is in it."""
        return slices.get(self.name, "") == self.value


def read_slices(texts: Sequence[str], *, parameter: str = _PARAMETER) -> tuple[Slice, ...]:
    """Return what `segment:core` and the like ask for; an account must be in all of them.

    A refusal names the *parameter*.

    Raises:
        BadSlice: If one is not a name and a text with a colon between, or there are too many.
    """
    if len(texts) > MOST_SLICES:
        words = f"there are more than {MOST_SLICES} slices; give fewer"
        raise BadSlice(words, parameter=parameter)
    return tuple(_read(text, parameter) for text in texts)


def check_slices(
    names: Collection[str], slices: Sequence[Slice], *, parameter: str = _PARAMETER
) -> None:
    """Check that a statement can be taken apart by these *slices*; *names* are those it has.

    Raises:
        BadSlice: If one has a name that is not among them.
    """
    if any(one.name not in names for one in slices):
        words = f"the statement has no such slice; it has {listed(names)}"
        raise BadSlice(words, parameter=parameter)


def listed(names: Collection[str]) -> str:
    """Return *names* as words."""
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


def _read(text: str, parameter: str) -> Slice:
    name, colon, value = text.partition(":")
    if not colon or not name:
        words = "a slice is a name, a colon and a text, such as `segment:core`"
        raise BadSlice(words, parameter=parameter)
    if "\0" in text:
        words = "the slice holds the character U+0000; leave it out"
        raise BadSlice(words, parameter=parameter)
    return Slice(name, value)
