"""What an attribute may be in a region: some of its classes, or numbers between two."""

from dataclasses import dataclass

import z3

from service.rules.solver.slots import Slot, exact


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one attribute may be: some of its classes, or numbers between two, or missing."""

    slot: Slot
    places: frozenset[int]
    may_lack: bool
    low: float | None = None
    high: float | None = None

    @property
    def holds(self) -> z3.BoolRef:
        """Return whether the attribute is one of these."""
        parts: list[z3.BoolRef] = []
        if self.low is not None and self.slot.number is not None:
            parts.append(
                z3.And(
                    self.slot.has,
                    self.slot.number >= exact(self.low),
                    self.slot.number <= exact(self.high),
                )
            )
        elif self.places:
            parts.append(z3.And(self.slot.has, self.slot.among(self.places)))
        if self.may_lack:
            parts.append(z3.Not(self.slot.has))
        return z3.Or(parts)
