"""A pass over the accounts of a statement, a piece at a time: read, then judge in a thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["Found", "Pass", "Piece"]

Found = list[dict[str, object]]
"""Rows of `scenario_account`, but for the scenario."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some accounts, and what judges them: pure, and not quick.

    It returns what becomes of them, and of how many nothing can be said.
    """

    accounts: Sequence[Row[Any]]
    judge: Callable[[], tuple[Found, int]]


class Pass(Protocol):
    """What a scenario asks of every account."""

    @property
    def total(self) -> int:
        """How many accounts it looks at; known once the first piece is read."""

    async def read(self, engine: AsyncEngine, *, after: UUID | None) -> Piece | None:
        """Return the next piece, after one account; None after the last."""
