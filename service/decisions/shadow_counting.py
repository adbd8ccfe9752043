"""What shadows found since it was last written down: counts that only grow."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from service.decisions.comparing import Disagreement, Held, Original
from service.rulesets import Shadow

__all__ = ["Cell", "Count", "Findings", "Moved"]

_MOST_LISTED: Final = 500
"""Disagreements that wait to be written, at most; the others are only counted."""

Cell = tuple[UUID, int, str, str, str, str]
"""A shadow release, the live version, and verdict and outcome before and after."""


@dataclass(slots=True, kw_only=True)
class Count:
    """How often one shadow release was held beside the live version."""

    rule_set: str
    version: int
    first_at: datetime
    last_at: datetime
    compared: int = 0
    disagreed: int = 0
    failed: int = 0
    dropped: int = 0
    shadow_us: int = 0

    def add(self, other: "Count") -> None:
        """Count what *other* counted as well."""
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)
        self.compared += other.compared
        self.disagreed += other.disagreed
        self.failed += other.failed
        self.dropped += other.dropped
        self.shadow_us += other.shadow_us


@dataclass(slots=True)
class Moved:
    """How many decisions are in one cell, and how many of them are disagreements."""

    decisions: int = 0
    disagreed: int = 0


@dataclass(slots=True)
class Findings:
    """Everything found and not yet written, by shadow release."""

    counts: dict[UUID, Count] = field(default_factory=dict)
    moved: dict[Cell, Moved] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)

    def add(self, held: Held) -> None:
        """Count one comparison, and list it if it is a disagreement."""
        original, disagreement = held.original, held.disagreement
        has_failed = held.verdict is None or held.outcome is None
        self._count(
            held.shadow.release_id,
            _count_of(
                original,
                held.shadow,
                compared=1,
                disagreed=int(disagreement is not None),
                failed=int(has_failed),
                shadow_us=held.took_us,
            ),
        )
        if held.verdict is not None and held.outcome is not None:
            before = (original.verdict, original.outcome)
            cell = (held.shadow.release_id, original.live_version, *before)
            moved = self.moved.setdefault((*cell, held.verdict, held.outcome), Moved())
            moved.decisions += 1
            moved.disagreed += int(disagreement is not None)
        if disagreement is not None:
            self._list([disagreement])

    def drop(self, original: Original) -> None:
        """Count that no shadow judged *original*, though each was to."""
        for shadow in original.shadows:
            self._count(shadow.release_id, _count_of(original, shadow, dropped=1))

    def absorb(self, other: "Findings") -> None:
        """Take over what *other* found earlier."""
        for release_id, count in other.counts.items():
            self._count(release_id, count)
        for cell, moved in other.moved.items():
            mine = self.moved.setdefault(cell, Moved())
            mine.decisions += moved.decisions
            mine.disagreed += moved.disagreed
        self._list(other.disagreements)

    def _count(self, release_id: UUID, count: Count) -> None:
        mine = self.counts.get(release_id)
        if mine is None:
            self.counts[release_id] = count
        else:
            mine.add(count)

    def _list(self, disagreements: Iterable[Disagreement]) -> None:
        room = _MOST_LISTED - len(self.disagreements)
        self.disagreements.extend(list(disagreements)[: max(0, room)])


def _count_of(original: Original, shadow: Shadow, **counts: int) -> Count:
    return Count(
        rule_set=original.rule_set,
        version=shadow.version,
        first_at=original.decided_at,
        last_at=original.decided_at,
        **counts,
    )
