"""What a measurement gives: values of every round, their median, and what is made of them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Measured", "Spread", "differences", "ratios"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of all rounds in one unit; the median counts, the ends say how far to trust it."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest value of a round."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest value of a round."""
        return max(self.values)

    def to_json(self) -> dict[str, Any]:
        """Return the spread with the rounds behind it, to four significant digits."""
        return {
            "median": _short(self.median),
            "low": _short(self.low),
            "high": _short(self.high),
            "unit": self.unit,
            "rounds": [_short(value) for value in self.values],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured for one line.

    Attributes:
        figure: The line's own number of each round: a ratio, or a difference.
        ours, peer: What it was made of.
        beside: Further figures that belong to the line, by name.
        notes: What a reader must know to read the figure.
    """

    figure: Spread
    ours: Spread
    peer: Spread | None = None
    beside: Mapping[str, Spread] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return everything that was measured."""
        return {
            "figure": self.figure.to_json(),
            "ours": self.ours.to_json(),
            "peer": None if self.peer is None else self.peer.to_json(),
            "beside": {name: spread.to_json() for name, spread in self.beside.items()},
            "notes": list(self.notes),
        }


def ratios(one: Spread, other: Spread, *, unit: str = "x") -> Spread:
    """Return *one* by *other*, round by round: what shook one round shook both sides of it."""
    pairs = zip(one.values, other.values, strict=True)
    return Spread(tuple(a / b for a, b in pairs), unit)


def differences(one: Spread, other: Spread) -> Spread:
    """Return how much more *one* is than *other*, round by round."""
    pairs = zip(one.values, other.values, strict=True)
    return Spread(tuple(a - b for a, b in pairs), one.unit)


def _short(value: float) -> float:
    return float(f"{value:.4g}")
