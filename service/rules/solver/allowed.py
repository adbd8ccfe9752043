"""What an attribute may be in a region: some of its classes, or numbers between two."""

from dataclasses import dataclass
from functools import cached_property

import z3

from service.rules.solver.logic import all_of, any_of
from service.rules.solver.slots import Slot, exact


@dataclass(frozen=True)
class Allowed:
    """What one attribute may be: some of its classes, or numbers between two, or missing.

    Not slotted: it keeps its term, which is asked for again and again.
    """

    slot: Slot
    places: frozenset[int]
    may_lack: bool
    low: float | None = None
    high: float | None = None

    @cached_property
    def holds(self) -> z3.BoolRef:
        """Return whether the attribute is one of these."""
        parts: list[z3.BoolRef] = []
        if self.low is not None and self.slot.number is not None:
            parts.append(
                all_of(
                    self.slot.has,
                    self.slot.number >= exact(self.low),
                    self.slot.number <= exact(self.high),
                )
            )
        elif self.places:
            parts.append(all_of(self.slot.has, self.slot.among(self.places)))
        if self.may_lack:
            parts.append(z3.Not(self.slot.has))
        return any_of(*parts)
