"""How much room words take, and how they are made to fit: widths, cuts, lines.

Nobody knows the reader's fonts, so widths are those of Helvetica with a tenth to spare.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

__all__ = ["FONTS", "clean", "lines", "plain", "shortened", "width"]

FONTS: Final = "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', sans-serif"
_SPARE: Final = 1.1
_BOLD: Final = 1.06
_LONGEST: Final = 600
_ELLIPSIS: Final = "…"
_FIRM: Final = "\u00a0"
"""A space at which no line breaks."""
# In thousandths of the font's size, by the characters that share it (Adobe's metrics of Helvetica).
_GROUPS: Final = {
    222: "'ijl",
    278: " !,./:;I[\\]ft|",
    340: '"()-`r{}*',
    500: "Jckstvxyz",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "mM",
    900: "%",
    950: "W",
    1015: "@",
}
_WIDTHS: Final = {letter: width for width, letters in _GROUPS.items() for letter in letters}
_USUAL: Final = 560
_FOREIGN: Final = 760
_WIDE: Final = 1050
_PICTURE: Final = 1350
_DIRECTIONS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_JOINER: Final = "\u200d"


def clean(text: str) -> str:
    """Return *text* as one line without what would change the direction of its neighbours."""
    kept = "".join(_visible(letter) for letter in text if letter not in _DIRECTIONS)
    return " ".join(part for part in kept.split(" ") if part).strip(_FIRM)


def plain(text: str) -> str:
    """Return what `clean` does of at most 600 characters: nobody reads more in a picture."""
    whole = clean(text[: 4 * _LONGEST])
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}{_ELLIPSIS}"


def width(text: str, size: float, *, is_bold: bool = False) -> float:
    """Return about how wide *text* is at most, in the unit of *size*."""
    thousandths = sum(_advance(letter) for letter in text)
    return thousandths / 1000 * size * _SPARE * (_BOLD if is_bold else 1)


def shortened(text: str, room: float, size: float, *, is_bold: bool = False) -> str:
    """Return *text* as it fits into *room*, cut between whole characters where it must be."""
    whole = plain(text)
    if width(whole, size, is_bold=is_bold) <= room:
        return whole
    left = room - width(_ELLIPSIS, size, is_bold=is_bold)
    kept = ""
    for cluster in _clusters(whole):
        left -= width(cluster, size, is_bold=is_bold)
        if left < 0:
            break
        kept += cluster
    return f"{kept.rstrip()}{_ELLIPSIS}"


def lines(text: str, room: float, size: float, *, most: int = 2) -> tuple[str, ...]:
    """Return *text* in at most *most* lines of *room*, the last one shortened where it must be."""
    words = plain(text).split(" ")
    found: list[str] = []
    while words and len(found) < most - 1:
        taken = 1
        while taken < len(words) and width(" ".join(words[: taken + 1]), size) <= room:
            taken += 1
        if width(words[0], size) > room:
            break
        found.append(" ".join(words[:taken]))
        words = words[taken:]
    if words:
        found.append(shortened(" ".join(words), room, size))
    return tuple(found)


def _visible(letter: str) -> str:
    """Return a letter, a space for what breaks a line, nothing for other controls."""
    if letter == _FIRM:
        return letter
    if letter.isspace():
        return " "
    return "" if unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co"} else letter


def _advance(letter: str) -> int:
    if letter < "\x7f":
        return _WIDTHS.get(letter, _USUAL)
    if letter == _ELLIPSIS:
        return 1000
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    if ord(letter) >= 0x1F000:
        return _PICTURE
    return _WIDE if unicodedata.east_asian_width(letter) in "WF" else _FOREIGN


def _clusters(text: str) -> Iterator[str]:
    """Yield what a reader takes for one character: a base with all that is put on it."""
    cluster = ""
    for letter in text:
        if cluster and not _joins(letter, cluster):
            yield cluster
            cluster = ""
        cluster += letter
    if cluster:
        yield cluster


def _joins(letter: str, cluster: str) -> bool:
    if unicodedata.category(letter).startswith("M") or letter == _JOINER:
        return True
    if cluster[-1] == _JOINER or 0x1F3FB <= ord(letter) <= 0x1F3FF:
        return True
    return _is_regional(letter) and len(cluster) == 1 and _is_regional(cluster)


def _is_regional(letter: str) -> bool:
    """Return whether it is half a flag."""
    return 0x1F1E6 <= ord(letter) <= 0x1F1FF
