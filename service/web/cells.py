"""Answers as CSV: texts that a spreadsheet shows and never runs."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

__all__ = ["Cell", "csv_of", "safe_cell"]

Cell = str | int | float | Decimal | None

# The wide forms too: some spreadsheets read them as the plain ones.
_FORMULA_STARTS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def safe_cell(text: str) -> str:
    """Return *text* with an apostrophe in front where a spreadsheet would take it for a formula.

    For texts only: write numbers as they are, or a minus sign gets one as well.
    """
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def csv_of(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return *rows* as CSV (RFC 4180): texts as `safe_cell` makes them, numbers as they are."""
    text = io.StringIO()
    csv.writer(text).writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _plain(cell: Cell) -> str:
    if isinstance(cell, str):
        return safe_cell(cell)
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return "" if cell is None else str(cell)
