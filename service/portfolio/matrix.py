"""The matrix: value across, growth upwards, and how much lies where."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from service.portfolio.reading import Span
from service.portfolio.summing import NOTHING, Sums, total

__all__ = ["BANDS", "Band", "Cell", "Matrix", "band_of", "matrix_of"]

Band = Literal["low", "between", "high"]
BANDS: Final[tuple[Band, ...]] = ("low", "between", "high")
"""`between` is where what is not known could take an account to either side."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The accounts of one band of value and one of growth."""

    value: Band
    growth: Band
    sums: Sums


@dataclass(frozen=True, slots=True)
class Matrix:
    """Nine cells, all of which are there, and who was never decided."""

    cells: tuple[Cell, ...]
    unplaced: Sums

    @property
    def between(self) -> Sums:
        """The accounts that could be on either side of value, of growth, or of both."""
        return total(cell.sums for cell in self.cells if "between" in {cell.value, cell.growth})

    @property
    def all(self) -> Sums:
        """Every account once."""
        return total([self.unplaced, *(cell.sums for cell in self.cells)])


def band_of(span: Span, limit: float) -> Band:
    """Return where a score lies; *limit* itself is high."""
    if span.low >= limit:
        return "high"
    return "low" if span.high < limit else "between"


def matrix_of(found: Iterable[tuple[Band | None, Band | None, Sums]]) -> Matrix:
    """Return the matrix of sums by band of value and of growth; None is for no score."""
    by_place: dict[tuple[Band | None, Band | None], Sums] = {}
    for value, growth, sums in found:
        by_place[value, growth] = by_place.get((value, growth), NOTHING) + sums
    cells = tuple(
        Cell(value, growth, by_place.get((value, growth), NOTHING))
        for value in BANDS
        for growth in BANDS
    )
    unplaced = total(sums for place, sums in by_place.items() if None in place)
    return Matrix(cells, unplaced)
