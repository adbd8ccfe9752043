"""The paper all pictures are drawn on: one type scale, one set of colours, words for the blind.

Colours are dark enough for text on white (4.5 to 1 at least), differ in lightness as well as
in hue, and never say anything alone: what takes away is hatched, and signs stand beside it.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from service.portfolio.markup import Element, Node, Value, element
from service.portfolio.pictures.lettering import FONTS, clean, lines, plain, shortened, width

__all__ = [
    "BODY",
    "DARK",
    "GAIN",
    "GRID",
    "HEADING",
    "LOSS",
    "MUTED",
    "PALE",
    "SMALL",
    "WHITE",
    "draw",
    "empty",
    "hatching",
    "heading",
    "label",
    "rule",
    "tick_labels",
    "told",
]

HEADING: Final = 17.0
BODY: Final = 12.5
SMALL: Final = 11.5
DARK: Final = "#1a1a1a"
MUTED: Final = "#555555"
GRID: Final = "#d9d9d9"
PALE: Final = "#eef3f8"
WHITE: Final = "#ffffff"
GAIN: Final = "#1f5f99"
LOSS: Final = "#b34700"
_LONGEST_DESCRIPTION: Final = 2_000


def draw(
    marks: Iterable[Node], *, wide: float, high: float, title: str, told_as: str, name: str
) -> Element:
    """Return a whole picture. *told_as* says what is to be seen; *name* makes its ids its own."""
    description = told_as[:_LONGEST_DESCRIPTION]
    return element(
        "svg",
        element("title", plain(title), id=f"{name}-title"),
        element("desc", clean(description), id=f"{name}-desc"),
        marks,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {wide:g} {high:g}",
        width=wide,
        height=high,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        font_family=FONTS,
        font_size=BODY,
        fill=DARK,
    )


def heading(finding: str, under: str, *, wide: float, x: float = 0.0) -> tuple[list[Node], float]:
    """Return the finding as a headline with a line *under* it, and where the picture goes on."""
    marks: list[Node] = []
    y = HEADING
    for line in lines(finding, (wide - x) / 1.07, HEADING):
        marks.append(label(line, x=x, y=y, size=HEADING, weight=600))
        y += HEADING * 1.25
    marks.append(label(shortened(under, wide - x, BODY), x=x, y=y, fill=MUTED))
    return marks, y + BODY


def label(
    text: str,
    *,
    x: float,
    y: float,
    size: float = BODY,
    anchor: str | None = None,
    weight: int | None = None,
    fill: str | None = None,
    **more: Value,
) -> Element:
    """Return *text* on its base line: the one way in which letters come into a picture."""
    return element(
        "text",
        text,
        x=x,
        y=y,
        font_size=None if size == BODY else size,
        text_anchor=anchor,
        font_weight=weight,
        fill=fill,
        **more,
    )


def tick_labels(marked: Iterable[tuple[float, str]], *, y: float) -> Iterator[Element]:
    """Return what is written under an axis at each place, but for what would touch the last."""
    free = float("-inf")
    for x, text in marked:
        half = width(text, SMALL) / 2
        if x - half > free:
            yield label(text, x=x, y=y, size=SMALL, anchor="middle", fill=MUTED)
            free = x + half + 4.0


def rule(
    x1: float, y1: float, x2: float, y2: float, *, stroke: str = GRID, **more: Value
) -> Element:
    """Return a thin line."""
    return element(
        "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, **{"stroke_width": 1.0, **more}
    )


def told(mark: Element, text: str) -> Element:
    """Return *mark* with words that appear when it is pointed at, exact to the last digit."""
    return Element(mark.name, mark.attributes, (*mark.children, element("title", text)))


def hatching(name: str, colour: str) -> tuple[Element, str]:
    """Return slanted lines as a pattern to define, and the fill that it is used by."""
    lines_drawn = element(
        "path", d="M-1 1 L1 -1 M0 6 L6 0 M5 7 L7 5", stroke=colour, stroke_width=1.6
    )
    pattern = element(
        "pattern",
        element("rect", width=6, height=6, fill=WHITE),
        lines_drawn,
        id=name,
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )
    return element("defs", pattern), f"url(#{name})"


def empty(title: str, words: str, *, wide: float, name: str) -> Element:
    """Return a picture of nothing that says why there is nothing."""
    high = 120.0
    frame = element(
        "rect", x=0.5, y=0.5, width=wide - 1, height=high - 1, fill=WHITE, stroke=GRID, rx=6
    )
    marks = [
        frame,
        label(shortened(title, wide - 32, HEADING, is_bold=True), x=16.0, y=44.0, size=HEADING,
              weight=600),
        label(shortened(words, wide - 32, BODY), x=16.0, y=72.0, fill=MUTED),
    ]  # fmt: skip
    return draw(marks, wide=wide, high=high, title=title, told_as=words, name=name)
