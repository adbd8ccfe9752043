"""The values on which engines part ways, by name: what a parity run must have drawn."""

from collections.abc import Iterator
from typing import Final

from service.rules.attributes import clean_text
from service.rules.ranges import LARGEST_EXACT
from tests.rules.expressions import MIDNIGHTS

LETTERS: Final = {
    "no-break space": "\u00a0",
    "İ": "İ",
    "ß": "ß",
    "%": "%",
    "_": "_",
    "quote": "'",
    "double quote": '"',
    "backslash": "\\",
    "composed é": "\u00e9",
    "combining accent": "\u0301",
}
"""Letters inside a text: white space, case, patterns of LIKE, quotes, normal forms."""

_NUMBERS: Final[dict[object, str]] = {
    0.1: "0.1",
    LARGEST_EXACT: "2^53",
    -LARGEST_EXACT: "2^53",
}

EDGES: Final = frozenset(
    {"missing", "blank", "2^53", "0.1", "midnight", "end of a month", "empty list", *LETTERS}
)


def edges_of(raw: object) -> Iterator[str]:
    """Yield the names of the edges that a raw value stands on; one may stand on several."""
    if isinstance(raw, list):
        yield from {edge for item in raw for edge in edges_of(item)}
        if not raw:
            yield "empty list"
    elif raw is None:
        yield "missing"
    elif raw in MIDNIGHTS:
        yield "midnight"
    elif isinstance(raw, str):
        yield from _edges_of_text(raw)
    elif not isinstance(raw, bool) and raw in _NUMBERS:
        yield _NUMBERS[raw]


def _edges_of_text(raw: str) -> Iterator[str]:
    if not clean_text(raw):
        yield "blank"
        return
    if raw.endswith(("-28", "-29", "-31")):
        yield "end of a month"
    yield from (name for name, letter in LETTERS.items() if letter in raw)
