"""What a backtest found so far: counts that only grow, and survive as JSON between chunks."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from service.backtests.replaying import Erased, Flip, Replayed, Unseen
from service.rules import RuleSet

__all__ = ["Distribution", "Movements", "Side", "Tally", "widths_of"]

_BINS: Final = 20
_WIDTH: Final = 10.0
_FURTHEST: Final = 500
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)

Movements = dict[str, dict[str, int]]
"""How many went from the outer key to the inner one."""


@dataclass(frozen=True, slots=True)
class Side:
    """How many rows came out, by column; a score is None where there is none."""

    verdicts: list[str]
    outcomes: list[str]
    scores: Mapping[str, list[float | None]]

    def at(self, places: Iterable[int]) -> "Side":
        """Return the rows at *places*, in that order."""
        pick = tuple(places)
        return Side(
            [self.verdicts[place] for place in pick],
            [self.outcomes[place] for place in pick],
            {name: [column[place] for place in pick] for name, column in self.scores.items()},
        )


@dataclass(slots=True)
class Distribution:
    """One score before and after, in bins of a fixed *width*.

    Bin n counts scores from n * width up to, not including, (n + 1) * width; the outermost
    take the rest.
    """

    width: float
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    sum_before: float = 0.0
    sum_after: float = 0.0

    def add(self, *, before: float | None, after: float | None) -> None:
        """Count one decision; None where a side has no such score."""
        if before is not None:
            _count(self.before, self._bin(before))
            self.sum_before += before
        if after is not None:
            _count(self.after, self._bin(after))
            self.sum_after += after

    def add_many(self, *, before: Sequence[float | None], after: Sequence[float | None]) -> None:
        """Count many decisions: the same as `add` of each, in order."""
        for column, bins in ((before, self.before), (after, self.after)):
            for value, number in Counter(column).items():
                if value is not None:
                    _count(bins, self._bin(value), number)
        # One after the other, as they would be added alone: a sum of doubles has an order.
        for value in before:
            self.sum_before += value or 0.0
        for value in after:
            self.sum_after += value or 0.0

    def _bin(self, value: float) -> str:
        place = math.floor(value / self.width)
        return str(max(-_FURTHEST, min(_FURTHEST, place)))


@dataclass(slots=True)
class Tally:
    """Everything counted so far; two halves of the past added one after the other give the whole.

    *unseen* counts, by attribute, the decisions that could not be made again for want of
    it; *first_asked* holds since when an attribute was stored, where the window shows it.
    """

    replayed: int = 0
    flips: int = 0
    erased: int = 0
    not_replayable: int = 0
    unseen: dict[str, int] = field(default_factory=dict)
    first_asked: dict[str, str] = field(default_factory=dict)
    verdicts: Movements = field(default_factory=dict)
    outcomes: Movements = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)
    scores: dict[str, Distribution] = field(default_factory=dict)

    @classmethod
    def begin(cls, widths: Mapping[str, float]) -> "Tally":
        """Return an empty tally for scores with these widths of bins."""
        return cls(scores={name: Distribution(width) for name, width in widths.items()})

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Tally":
        """Return the tally that `to_json` wrote."""
        scores = {name: Distribution(**each) for name, each in stored["scores"].items()}
        return cls(**{**stored, "scores": scores})

    def to_json(self) -> dict[str, Any]:
        """Return all counts as JSON members."""
        return asdict(self)

    def add(self, found: Replayed | Unseen | Erased) -> None:
        """Count one decision of the past."""
        self.add_asked(found.case.asked, found.case.decided_at)
        match found:
            case Erased():
                self.erased += 1
            case Unseen(attributes=names):
                self.add_unseen(names)
            case Replayed():
                self._add_replayed(found)

    def add_asked(self, names: Iterable[str], at: datetime) -> None:
        """Note that these attributes could be stored at *at*."""
        earliest = at.isoformat()
        for name in names:
            self.first_asked[name] = min(self.first_asked.get(name, earliest), earliest)

    def add_unseen(self, names: Iterable[str]) -> None:
        """Count a decision that turns on attributes nobody had asked for."""
        self.not_replayable += 1
        for name in names:
            _count(self.unseen, name)

    def add_many(self, before: Side, after: Side) -> None:
        """Count decisions that were made again, but for why any of them flips."""
        self.replayed += len(before.verdicts)
        for moved, old, new in (
            (self.verdicts, before.verdicts, after.verdicts),
            (self.outcomes, before.outcomes, after.outcomes),
        ):
            for (source, target), number in Counter(zip(old, new, strict=True)).items():
                _count(moved.setdefault(source, {}), target, number)
        for name, distribution in self.scores.items():
            distribution.add_many(before=before.scores[name], after=after.scores[name])

    def add_flip(self, flip: Flip) -> None:
        """Count a flip with its cause."""
        self.flips += 1
        _count(self.causes, " ".join((flip.cause.kind, *map(str, flip.cause.edits))))

    def _add_replayed(self, found: Replayed) -> None:
        case, decision = found.case, found.decision
        self.replayed += 1
        _count(self.verdicts.setdefault(case.verdict, {}), decision.verdict)
        _count(self.outcomes.setdefault(case.outcome, {}), decision.outcome)
        for name, distribution in self.scores.items():
            score = decision.scores.get(name)
            distribution.add(
                before=case.scores.get(name), after=None if score is None else score.value
            )
        if found.flip is not None:
            self.add_flip(found.flip)


def widths_of(*rule_sets: RuleSet) -> dict[str, float]:
    """Return the width of bins for every score of the rule sets.

    About twenty bins between the widest floor and ceiling declared, ten points where
    there is no such range.
    """
    spans: dict[str, list[float | None]] = {}
    for rules in rule_sets:
        for score in rules.model.scores:
            spans.setdefault(score.name, []).extend((score.floor, score.ceiling))
    return {name: _width(ends) for name, ends in spans.items()}


def _width(ends: list[float | None]) -> float:
    known = [end for end in ends if end is not None]
    if len(known) < len(ends) or max(known) <= min(known):
        return _WIDTH
    least = (max(known) - min(known)) / _BINS
    power = 10.0 ** math.floor(math.log10(least))
    return next(nice * power for nice in _NICE if nice * power >= least * (1 - 1e-9))


def _count(counts: dict[str, int], key: str, number: int = 1) -> None:
    counts[key] = counts.get(key, 0) + number
