"""Numbers for people: three significant digits, with the unit."""

from benchmarks.figures import Spread

__all__ = ["number", "quantity", "range_of"]


def number(value: float) -> str:
    """Return *value* to three significant digits; whole from a hundred on."""
    if abs(value) >= 99.5:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.2f}" if abs(value) < 9.95 else f"{value:.1f}"


def quantity(spread: Spread) -> str:
    """Return the median with its unit."""
    return f"{number(spread.median)} {spread.unit}"


def range_of(spread: Spread) -> str:
    """Return the smallest and the largest value."""
    return f"{number(spread.low)} to {number(spread.high)}"
