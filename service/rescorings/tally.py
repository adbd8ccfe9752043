"""What a rescoring found so far: counts that only grow, and survive as JSON between chunks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

__all__ = ["NEVER", "RescoringTally"]

NEVER: Final = "none"
"""What stands for the verdict of an account that was never decided."""


@dataclass(slots=True)
class RescoringTally:
    """Every account counts once.

    Attributes:
        unchanged: It stands as before, under the same version; nothing was written.
        written: It has a new decision; *verdicts* says from which verdict to which.
        later: It was decided later, and that decision stays: the one as of the instant stands
            before it in the account's history. Or it was decided at this very instant, or
            removed or erased while the rescoring ran.
    """

    unchanged: int = 0
    written: int = 0
    later: int = 0
    verdicts: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> "RescoringTally":
        """Return the tally that `to_json` wrote; an empty one for None."""
        return cls(**stored) if stored is not None else cls()

    def to_json(self) -> dict[str, Any]:
        """Return all counts as JSON members."""
        return asdict(self)

    def move(self, before: str, after: str) -> None:
        """Count one account that is written."""
        self.written += 1
        towards = self.verdicts.setdefault(before, {})
        towards[after] = towards.get(after, 0) + 1

    @property
    def verdicts_changed(self) -> int:
        """How many accounts that were decided before have another verdict now."""
        return sum(
            count
            for before, towards in self.verdicts.items()
            for after, count in towards.items()
            if before not in {NEVER, after}
        )
