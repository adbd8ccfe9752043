"""Values as a CSV file holds them, so that opening it in a spreadsheet runs nothing."""

import json
import re
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*", re.ASCII)
_FORMULA_STARTS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def safe_cell(value: object) -> str:
    """Return *value* as the text of one CSV cell.

    A text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, a
    tab or a line end, or the wide forms of these) gets an apostrophe in front; plain numbers
    are left alone.
    """
    text = plain_text(value)
    if text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def plain_text(value: object) -> str:
    """Return *value* as text, as people write it: whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)
