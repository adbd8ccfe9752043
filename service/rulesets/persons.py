"""Whether two names on keys are one person's."""

import unicodedata
from collections.abc import Iterable

__all__ = ["is_among", "is_same_person"]


def is_same_person(one: str, other: str) -> bool:
    """Return whether two names differ at most in what nobody would call another person.

    Case, outer and repeated blanks, invisible characters, full-width letters and how an
    accent is composed (NFKC, Unicode TR 15) tell nobody apart.
    """
    return _plain(one) == _plain(other)


def is_among(person: str, others: Iterable[str]) -> bool:
    """Return whether *person* is one of *others*."""
    plain = _plain(person)
    return any(plain == _plain(other) for other in others)


def _plain(person: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", person).casefold())
    seen = (letter for letter in folded if unicodedata.category(letter) != "Cf")
    return " ".join("".join(seen).split())
