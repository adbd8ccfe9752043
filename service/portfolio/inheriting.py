"""Whose an account in a transition group is: won by its owner, or inherited. Pure.

A salesperson answers for what they chose. They did not choose an account that somebody else
won and they took over; nor one that was won under rules that did not send it away, however
today's rules judge it. What is not known blames nobody: it is counted aside.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

__all__ = ["Book", "Carried", "Origin", "books_of", "origin_of"]

Origin = Literal["taken_over", "regrouped", "won", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One account in a transition group, and since when whose it is.

    Attributes:
        then: Whether the rules that were live when it became a customer would send it away too,
            on what is known of it now. False where none were live; None where it is not known.
    """

    owner: str | None
    revenue: Decimal
    customer_since: date | None
    owner_since: date | None
    then: bool | None


@dataclass(slots=True)
class Book:
    """What one owner carries. *transition* holds accounts and revenue in transition, by origin."""

    owner: str | None
    accounts: int
    revenue: Decimal
    transition: dict[Origin, tuple[int, Decimal]] = field(default_factory=dict)

    def add(self, origin: Origin, revenue: Decimal) -> None:
        """Count one account in a transition group."""
        accounts, before = self.of(origin)
        self.transition[origin] = accounts + 1, before + revenue

    def of(self, *origins: Origin) -> tuple[int, Decimal]:
        """Return accounts and revenue in transition of these origins together."""
        found = [self.transition.get(origin, (0, Decimal(0))) for origin in origins]
        return sum(count for count, _ in found), sum((money for _, money in found), Decimal(0))


def origin_of(one: Carried) -> Origin:
    """Return whose an account is.

    It was taken over where the owner has it from a later day than its first; regrouped where
    the rules of its first day did not send it away; won where both are known to be otherwise.
    """
    if one.customer_since is None:
        return "unknown"
    if one.owner_since is not None and one.owner_since > one.customer_since:
        return "taken_over"
    if one.then is False:
        return "regrouped"
    if one.then is None or one.owner_since is None:
        return "unknown"
    return "won"


def books_of(
    owners: Mapping[str | None, tuple[int, Decimal]], carried: Iterable[Carried]
) -> list[Book]:
    """Return the book of each of *owners*, given by accounts and revenue; the largest first."""
    books = {
        owner: Book(owner=owner, accounts=accounts, revenue=revenue)
        for owner, (accounts, revenue) in owners.items()
    }
    for one in carried:
        books[one.owner].add(origin_of(one), one.revenue)
    return sorted(books.values(), key=lambda book: (-book.accounts, book.owner or ""))
