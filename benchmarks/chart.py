"""The results as a picture: how far each line comes, its first bar being 1."""

import math
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from benchmarks.figures import Measured
from benchmarks.lines import Line
from benchmarks.numbers import number
from benchmarks.results import Results

__all__ = ["CHART", "draw"]

CHART: Final = Path(__file__).resolve().parent.parent / "docs" / "bench.svg"

_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_WIDTH: Final = 880
_LEFT: Final = 350
_RIGHT: Final = 690
_TOP: Final = 92
_ROW: Final = 36
_TICKS: Final = (0.1, 0.3, 1, 3, 10, 30)
_INK: Final = "#0f172a"
_GREY: Final = "#475569"
_PALE: Final = "#cbd5e1"
_COLOURS: Final = {
    "beyond the second bar": "#15803d",
    "beyond the first bar": "#4d7c0f",
    "not reached": "#c2410c",
}


def draw(results: Results) -> str:
    """Return an SVG that reads on paper, on light and on dark pages, and aloud."""
    lines = results.lines()
    bottom = _TOP + _ROW * len(lines)
    height = bottom + 68
    svg = ET.Element("svg")
    svg.attrib.update(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {height}",
            "role": "img",
            "aria-labelledby": "title desc",
            "font-family": _FONT,
            "font-size": "13",
        }
    )
    ET.SubElement(svg, "title", id="title").text = "How fast Goodfit is beside its peers"
    ET.SubElement(svg, "desc", id="desc").text = _aloud(results)
    _add(svg, "rect", x=1, y=1, width=_WIDTH - 2, height=height - 2, rx=14, fill="#f8fafc",
         stroke=_PALE)  # fmt: skip
    heading = "How far each line comes: 1 is its first bar, further right is better"
    _say(svg, 24, 34, heading, size=17, weight=600)
    _draw_legend(svg)
    _draw_grid(svg, bottom)
    for place, line in enumerate(lines):
        _draw_row(svg, line, results.measured.get(line.id), _TOP + _ROW * place)
    _say(svg, 24, height - 16, _machine(results), size=11, fill=_GREY)
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _draw_row(svg: ET.Element, line: Line, found: Measured | None, top: int) -> None:
    middle = top + _ROW // 2
    _say(svg, 24, middle - 3, line.id, weight=600)
    _say(svg, 62, middle - 3, line.what.replace("`", ""))
    _say(svg, 62, middle + 11, f"beside {line.against}", size=11, fill=_GREY)
    if found is None:
        _say(svg, _RIGHT + 14, middle + 4, "not measured", fill=_GREY)
        return
    figure = found.figure
    colour = _COLOURS[line.standing(figure)]
    low, high = sorted(_x(line.share(value)) for value in (figure.low, figure.high))
    at, wish = _x(line.share(figure.median)), _x(line.share_of(line.bar, line.wish))
    _add(svg, "path", d=f"M{_x(1)} {middle}H{at}", stroke=colour, stroke_width=7,
         stroke_opacity=0.35)  # fmt: skip
    _add(svg, "path", d=f"M{low} {middle}H{high}", stroke=colour, stroke_width=2)
    _draw_wish(svg, wish, middle)
    _add(svg, "circle", cx=at, cy=middle, r=5, fill=colour)
    figure_words = f"{number(figure.median)} {line.unit}"
    _say(svg, _RIGHT + 14, middle + 4, figure_words, weight=600, fill=colour)


def _draw_grid(svg: ET.Element, bottom: int) -> None:
    for tick in _TICKS:
        x, width = _x(tick), 2 if tick == 1 else 1
        stroke = _INK if tick == 1 else _PALE
        _add(svg, "path", d=f"M{x} {_TOP - 6}V{bottom}", stroke=stroke, stroke_width=width)
        label = ET.SubElement(svg, "text")
        label.attrib.update({"x": f"{x}", "y": f"{bottom + 18}", "text-anchor": "middle"})
        label.attrib.update({"font-size": "11.5", "fill": _GREY})
        label.text = f"{tick:g}"


def _draw_legend(svg: ET.Element) -> None:
    x = 24
    for words, colour in _COLOURS.items():
        _add(svg, "circle", cx=x + 5, cy=56, r=5, fill=colour)
        _say(svg, x + 16, 60, words, size=12, fill=_GREY)
        x += 36 + 7 * len(words)
    _draw_wish(svg, x, 56)
    _say(svg, x + 10, 60, "the second bar", size=12, fill=_GREY)
    x += 118
    _add(svg, "path", d=f"M{x} 56H{x + 24}", stroke=_GREY, stroke_width=2)
    _say(svg, x + 32, 60, "from the worst round to the best", size=12, fill=_GREY)


def _draw_wish(svg: ET.Element, x: float, middle: int) -> None:
    _add(svg, "path", d=f"M{x} {middle - 9}v18", stroke=_GREY, stroke_width=2,
         stroke_dasharray="3 2")  # fmt: skip


def _add(svg: ET.Element, tag: str, **attributes: float | str) -> None:
    given = {name.replace("_", "-"): str(value) for name, value in attributes.items()}
    ET.SubElement(svg, tag, given)


def _say(
    svg: ET.Element,
    x: float,
    y: float,
    words: str,
    *,
    size: float = 13,
    weight: int = 400,
    fill: str = _INK,
) -> None:
    said = {"x": x, "y": y, "font-size": size, "font-weight": weight, "fill": fill}
    element = ET.SubElement(svg, "text", {name: str(value) for name, value in said.items()})
    element.text = words


def _x(share: float) -> float:
    """Return where *share* stands on the logarithmic axis; beyond its ends, at them."""
    lowest, highest = _TICKS[0], _TICKS[-1]
    inside = min(highest, max(lowest, share))
    part = math.log(inside / lowest) / math.log(highest / lowest)
    return round(_LEFT + part * (_RIGHT - _LEFT), 1)


def _aloud(results: Results) -> str:
    """Return the picture in words."""
    told = []
    for line in results.lines():
        found = results.measured.get(line.id)
        if found is None:
            told.append(f"{line.id}: not measured.")
            continue
        figure = f"{number(found.figure.median)} {line.unit}, {line.standing(found.figure)}"
        told.append(f"{line.id}, {line.what.replace('`', '')}, beside {line.against}: {figure}.")
    return " ".join(told)


def _machine(results: Results) -> str:
    machine = results.machine
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}; "
        f"Python {machine['python']}, Postgres {machine['postgres']}; {machine['date']}, "
        f"commit {machine['commit']}"
    )
