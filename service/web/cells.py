"""Answers as CSV: texts that a spreadsheet shows and never runs."""

from typing import Final

__all__ = ["safe_cell"]

# The wide forms too: some spreadsheets read them as the plain ones.
_FORMULA_STARTS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def safe_cell(text: str) -> str:
    """Return *text* with an apostrophe in front where a spreadsheet would take it for a formula.

    For texts only: write numbers as they are, or a minus sign gets one as well.
    """
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
