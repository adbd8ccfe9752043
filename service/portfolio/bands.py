"""Numbers in bands: of a score alike parts of its range, of an attribute its quartiles. Pure."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from service.portfolio.reading import Span

__all__ = ["FIT", "Bands", "quartiles_of", "score_bands"]

FIT: Final = "fit"
"""The score that says how well an account fits, where a rule set has one of this name."""
_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands by their upper ends, the last one aside: a number at an end is in the band below."""

    ends: tuple[float, ...]
    names: tuple[str, ...]

    def name_of(self, number: float) -> str:
        """Return the band of a number."""
        return self.names[bisect_left(self.ends, number)]

    def name_of_span(self, span: Span | None) -> str | None:
        """Return the band that holds all of a score; None where it may lie in several."""
        if span is None:
            return None
        low, high = self.name_of(span.low), self.name_of(span.high)
        return low if low == high else None


def score_bands(floor: float, ceiling: float) -> Bands:
    """Return four bands of equal width from *floor* to *ceiling*."""
    width = (ceiling - floor) / _PARTS
    edges = [floor + width * part for part in range(_PARTS + 1)]
    return Bands(tuple(edges[1:-1]), _named(edges))


def quartiles_of(numbers: Mapping[str, float]) -> Bands:
    """Return the bands with a quarter of *numbers*, by account, in each; fewer where many agree."""
    ordered = sorted(numbers.values())
    if not ordered:
        return Bands((), ("any",))
    cuts = [ordered[(len(ordered) * part - 1) // _PARTS] for part in range(1, _PARTS)]
    ends = sorted({cut for cut in cuts if cut < ordered[-1]})
    return Bands(tuple(ends), _named([ordered[0], *ends, ordered[-1]]))


def _named(edges: Sequence[float]) -> tuple[str, ...]:
    """Return a name for each band between two edges that sorts as the bands do."""
    first, *others = pairwise(edges)
    names = [f"{first[0]:.15g} to {first[1]:.15g}"]
    names += [f"over {low:.15g} to {high:.15g}" for low, high in others]
    return tuple(f"{place}: {name}" for place, name in enumerate(names, start=1))
