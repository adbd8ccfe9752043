"""Views as tables: the rows of their CSV, headings first."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from service.accounts import amount_text
from service.portfolio.concentration import Concentration
from service.portfolio.matrix import Matrix
from service.portfolio.summary import Group
from service.portfolio.summing import NOTHING, Sums
from service.portfolio.viewing import Segment
from service.web import Cell

__all__ = ["Line", "amount", "concentration_lines", "matrix_lines", "segment_lines"]
__all__ += ["summary_lines", "sums_cells"]

Line = Sequence[Cell]
SUMS: Final = ("accounts", "certain", "measured", "revenue", "cost", "margin")


def amount(exact: Decimal) -> Decimal:
    """Return an amount with as many decimal places as are written."""
    return Decimal(amount_text(exact))


def sums_cells(sums: Sums) -> tuple[Cell, ...]:
    """Return the cells under `SUMS`."""
    money = (amount(sums.revenue), amount(sums.cost), amount(sums.margin))
    return (sums.accounts, sums.certain, sums.measured, *money)


def matrix_lines(matrix: Matrix) -> Iterator[Line]:
    """Yield a line a cell, and one for whom nobody decided."""
    yield ("value", "growth", *SUMS)
    for cell in matrix.cells:
        yield (cell.value, cell.growth, *sums_cells(cell.sums))
    yield ("unplaced", "unplaced", *sums_cells(matrix.unplaced))


def summary_lines(groups: Iterable[Group]) -> Iterator[Line]:
    """Yield a line a group."""
    yield ("outcome", "label", "verdict", "action", "in_grace", *SUMS)
    for group in groups:
        told = (group.outcome, group.label, group.verdict, group.action, group.in_grace)
        yield (*told, *sums_cells(group.sums))


def segment_lines(segments: Iterable[Segment], rest: Sums, *, by: str) -> Iterator[Line]:
    """Yield a line for each outcome of each segment."""
    yield (by, "outcome", *SUMS)
    for segment in segments:
        for outcome, sums in segment.outcomes:
            yield (segment.value, outcome, *sums_cells(sums))
    if rest != NOTHING:
        yield ("(all others)", None, *sums_cells(rest))


def concentration_lines(burdens: Iterable[Concentration]) -> Iterator[Line]:
    """Yield a line for each burden and each few who cause most of it."""
    yield (
        "burden", "percent", "accounts", "amount", "total", "share", "revenue", "margin",
        "margin_share",
    )  # fmt: skip
    for one in burdens:
        for top in one.tops:
            yield (
                one.burden,
                top.percent,
                top.accounts,
                amount(top.amount),
                amount(one.of),
                top.burden_share,
                amount(top.revenue),
                amount(top.margin),
                top.margin_share,
            )
