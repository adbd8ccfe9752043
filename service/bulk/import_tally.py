"""What became of the rows of an import, counted; and what is said of those not taken."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

__all__ = ["ImportTally", "complaint_of"]


@dataclass(slots=True)
class ImportTally:
    """Rows by what became of them. *bad* are those that a report names."""

    states: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    skipped: int = 0

    @property
    def rows(self) -> int:
        """How many rows were read; each counts once."""
        told_twice = self.states["parked"] + self.states["refused"]
        return sum(self.states.values()) + self.skipped + self.bad - told_twice

    def add(self, result: Mapping[str, Any]) -> tuple[str, str] | None:
        """Count one result of the server's; return the code and the reason to report, if any."""
        complaint = complaint_of(result)
        self.states["refused" if "problem" in result else result["state"]] += 1
        self.bad += complaint is not None
        return complaint

    def to_json(self) -> dict[str, Any]:
        """Return it for storage."""
        return {"states": dict(self.states), "bad": self.bad, "skipped": self.skipped}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self:
        """Return what `to_json` gave; of None, one that has counted nothing."""
        if stored is None:
            return cls()
        return cls(Counter(stored["states"]), stored["bad"], stored["skipped"])


def complaint_of(result: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return code and reason of a row that was refused or waits; None of one that was taken."""
    problem = result.get("problem")
    if problem is not None:
        places = [f"{one.get('pointer', '')} {one['message']}" for one in problem.get("errors", [])]
        return problem["code"], "; ".join(places) or problem["detail"]
    if result["state"] == "parked":
        reasons = result["reasons"]
        codes = ", ".join(reason["code"] for reason in reasons)
        return codes, "; ".join(reason["message"] for reason in reasons)
    return None
