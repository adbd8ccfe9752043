"""A piece judged by columns, counted and explained: pure, but for the time it takes.

Rows that come out as they stood are only counted. Each of the others is looked at by the
evaluator, which names the cause and at once checks the columns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from service.backtests.chunking import Chunk, flip_row
from service.backtests.column_judging import JudgedPast
from service.backtests.replaying import Replayed, Unseen, replay
from service.backtests.tallying import Side, Tally
from service.backtests.undoing import Undoing
from service.bulk.sampling import EnginesDisagree

__all__ = ["PieceWalk"]


@dataclass(slots=True)
class PieceWalk:
    """The way through one piece, a chunk at a time."""

    judged: JudgedPast
    undoing: Undoing
    _start: int = 0
    _waiting: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Line up what is to be looked at, the last one first."""
        self._waiting = sorted(self.judged.alone | self.judged.flips, reverse=True)

    @property
    def is_over(self) -> bool:
        """Whether every row was judged."""
        return self._start >= len(self.judged.past.ids)

    def judge_chunk(self, tally: Tally, *, within_s: float, timer: Callable[[], float]) -> Chunk:
        """Judge what follows and count it in *tally*, until all is done or time is up.

        Where it stops changes nothing about what is found.

        Raises:
            EnginesDisagree: If the evaluator decides a row otherwise than the columns did.
        """
        began_s = timer()
        start, end = self._start, len(self.judged.past.ids)
        flips: list[Mapping[str, object]] = []
        while self._waiting:
            place = self._waiting.pop()
            found = self._look_at(place)
            if isinstance(found, Replayed) and found.flip is not None:
                tally.add_flip(found.flip)
                flips.append(flip_row(found))
            if timer() - began_s >= within_s:
                end = place + 1
                break
        self._count(tally, start, end)
        self._start = end
        position = self.judged.past.position(end - 1)
        return Chunk(judged=end - start, position=position, flips=tuple(flips))

    def _look_at(self, place: int) -> Replayed | Unseen:
        """Return what the evaluator makes of the row at *place*, and keep it among the columns."""
        judged = self.judged
        found = replay(judged.past.case(place), self.undoing)
        if not isinstance(found, Replayed | Unseen):
            raise TypeError("a row without facts is never looked at")
        if place in judged.flips:
            self._hold_to_columns(found, place)
        elif isinstance(found, Unseen):
            judged.unseen[place] = found.attributes
        else:
            case, decision = found.case, found.decision
            _put(judged.before, place, case.verdict, case.outcome, case.scores)
            values = {name: score.value for name, score in decision.scores.items()}
            _put(judged.after, place, decision.verdict, decision.outcome, values)
        return found

    def _hold_to_columns(self, found: Replayed | Unseen, place: int) -> None:
        """Raise EnginesDisagree where a flip by columns is none, or another one."""
        differs = ["missing"] if isinstance(found, Unseen) else []
        if isinstance(found, Replayed):
            case, decision = found.case, found.decision
            values = {name: score.value for name, score in decision.scores.items()}
            for side, verdict, outcome, scores in (
                (self.judged.before, case.verdict, case.outcome, case.scores),
                (self.judged.after, decision.verdict, decision.outcome, values),
            ):
                differs += ["verdict"] if side.verdicts[place] != verdict else []
                differs += ["outcome"] if side.outcomes[place] != outcome else []
                differs += [
                    f"value_{name}"
                    for name, column in side.scores.items()
                    if column[place] != scores.get(name)
                ]
        if differs:
            where = self.judged.past.title(place)
            raise EnginesDisagree(self.undoing.draft, where=where, columns=differs)

    def _count(self, tally: Tally, start: int, end: int) -> None:
        judged = self.judged
        for at, names in judged.past.asked(start, end):
            tally.add_asked(names, at)
        replayed = []
        erased = judged.past.erased
        for place in range(start, end):
            if erased[place]:
                tally.erased += 1
            elif place in judged.unseen:
                tally.add_unseen(judged.unseen[place])
            else:
                replayed.append(place)
        tally.add_many(judged.before.at(replayed), judged.after.at(replayed))


def _put(side: Side, place: int, verdict: str, outcome: str, scores: Mapping[str, float]) -> None:
    side.verdicts[place], side.outcomes[place] = verdict, outcome
    for name, column in side.scores.items():
        column[place] = scores.get(name)
