"""Stored accounts decided a piece at a time: while one is decided the next one is read."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
import msgspec

from service.bulk.account_columns import AccountDoor
from service.bulk.account_store import Piece
from service.bulk.column_deciding import ColumnJudge
from service.bulk.fact_columns import FactColumn
from service.bulk.sampling import check_rows, sample_of
from service.rules import Decision, RuleSet
from service.storage import to_text

PIECE_ACCOUNTS: Final = 50_000
_raw: Final = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class DecidedPiece:
    """A piece with its facts by attribute, and the SELECT's answers as an Arrow table."""

    piece: Piece
    facts: Mapping[str, FactColumn]
    answers: Any


@dataclass(frozen=True, slots=True)
class AccountJudge:
    """One version at one instant, for accounts. Use it from one thread at a time."""

    rules: RuleSet
    at: datetime
    suspended: Collection[str]
    door: AccountDoor
    judge: ColumnJudge

    @classmethod
    def of(
        cls,
        rules: RuleSet,
        *,
        at: datetime,
        suspended: Collection[str] = (),
        wanted: Collection[str] | None = None,
    ) -> "AccountJudge":
        """Return the judge of *rules*, finally: nobody is there to be asked.

        *wanted* are the columns of the SELECT, `standing_columns` where left out.

        Raises:
            Untranslatable: If DuckDB cannot mean the same as the rules.
        """
        columns = standing_columns(rules) if wanted is None else wanted
        judge = ColumnJudge.of(rules, at=at, final=True, suspended=suspended, wanted=columns)
        return cls(rules, at, suspended, AccountDoor.of(rules), judge)

    def decide(self, number: int, piece: Piece) -> DecidedPiece:
        """Return the decisions on *piece*, which is the run's piece of this *number*.

        Raises:
            EnginesDisagree: If the evaluator decides an account of the sample otherwise.
        """
        facts = self.door.admit(piece.facts)
        arrays = {name: column.values for name, column in facts.items()}
        answers = self.judge.decide(arrays, rows=len(piece.ids))
        raw = _raw.decode(piece.facts)
        check_rows(
            answers,
            sample_of(self.rules, chunk=number, rows=len(piece.ids)),
            rules=self.rules,
            decide=lambda place: self.decide_alone(json.loads(bytes(raw[place]))),
            title=lambda place: f"`{to_text('acc', piece.ids[place])}`",
        )
        return DecidedPiece(piece, facts, answers)

    def decide_alone(self, facts: Mapping[str, object]) -> Decision:
        """Return the evaluator's decision on one account's stored facts."""
        return self.rules.decide(
            facts, at=self.at, final=True, suspended=self.suspended, with_missing=False
        )

    def close(self) -> None:
        """Give the memory back."""
        self.judge.close()


def standing_columns(rules: RuleSet) -> tuple[str, ...]:
    """Return the columns of the SELECT that say how a subject stands: verdict, outcome, scores."""
    return ("verdict", "outcome", *(f"value_{score.name}" for score in rules.model.scores))


async def decide_pieces(
    read: Callable[[UUID | None], Awaitable[Piece]], judge: AccountJudge, *, after: UUID | None
) -> AsyncGenerator[DecidedPiece, None]:
    """Decide everything that *read* gives from an id on, a piece at a time and in order.

    Raises:
        EnginesDisagree: If the evaluator decides an account of the sample otherwise.
    """
    number = 0
    piece = await read(after)
    while piece.ids:
        following = asyncio.ensure_future(read(piece.ids[-1]))
        try:
            yield await anyio.to_thread.run_sync(judge.decide, number, piece)
            piece = await following
        finally:
            following.cancel()
        number += 1
