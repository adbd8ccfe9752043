"""What a search found, and how rule ids and expressions are shown."""

from dataclasses import dataclass
from datetime import date
from typing import Final

DAY: Final = date(2026, 1, 1)
"""The day on which drafts are searched, the same that their tests are decided on."""

_LONGEST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that is probably not meant; *pointer* is a JSON pointer into the document."""

    code: str
    message: str
    pointer: str


def as_written(expression: str) -> str:
    """Return *expression* in backticks, on one line, a long one cut short."""
    text = " ".join(expression.split())
    return f"`{text}`" if len(text) <= _LONGEST_SHOWN else f"`{text[: _LONGEST_SHOWN - 3]}...`"
