"""The counts of a partition, small enough to send, and all of them put together."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from service.bulk.scoring import Unreadable
from service.bulk.summary import Tally, ranked

_MOST_KINDS: Final = 200
MOST_PROBLEMS: Final = 1_000


@dataclass(slots=True)
class PartTally:
    """What a worker says of its partition: counts, and a few values that could not be read.

    Attributes:
        unreadable: The 200 most frequent kinds; the others by column and reason.
        problems: The first 20, each with the name of its file.
    """

    rows: int = 0
    uncertain: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    movers: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    problems: list[tuple[str, Unreadable]] = field(default_factory=list)

    def take(self, tally: Tally) -> None:
        """Become the counts of *tally*."""
        self.rows, self.uncertain = tally.rows, tally.uncertain
        self.outcomes, self.movers, self.missing = tally.outcomes, tally.movers, tally.missing
        for place, (kind, count) in enumerate(ranked(tally.unreadable)):
            column, _, reason = kind
            self.unreadable[kind if place < _MOST_KINDS else (column, "", reason)] += count


def put_together(parts: Mapping[int, PartTally], tally: Tally) -> list[tuple[str, Unreadable]]:
    """Add all *parts* to *tally* in their order, and return the first problems of them."""
    problems: list[tuple[str, Unreadable]] = []
    for _, part in sorted(parts.items()):
        tally.rows += part.rows
        tally.uncertain += part.uncertain
        tally.outcomes.update(part.outcomes)
        tally.movers.update(part.movers)
        tally.missing.update(part.missing)
        tally.unreadable.update(part.unreadable)
        problems += part.problems[: MOST_PROBLEMS - len(problems)]
    return problems
