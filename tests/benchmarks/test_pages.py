"""What is made of a run: the table, the chart, and the figures in our pages."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from benchmarks.chart import CHART, draw
from benchmarks.lines import LINES
from benchmarks.pages import PAGES, with_figures
from benchmarks.results import KEPT, read_results
from benchmarks.table import show
from tests.benchmarks.runs import invented_run

_SVG = "{http://www.w3.org/2000/svg}"
_IS_KEPT = pytest.mark.skipif(not KEPT.exists(), reason="no run is kept yet")


def test_the_chart_can_be_read_aloud() -> None:
    """A title, and a description that says what the picture shows of every line."""
    svg = ET.fromstring(draw(invented_run()))  # noqa: S314 - our own text
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "title desc"
    title, description = svg.find(f"{_SVG}title"), svg.find(f"{_SVG}desc")
    assert title is not None
    assert title.text
    assert description is not None
    words = description.text or ""
    assert "P1, `/v1/qualify`".replace("`", "") in words
    assert "2.10 x its requests/s, beyond the second bar" in words
    assert "P3: not measured." in words


def test_a_chart_holds_whatever_a_machine_is_called() -> None:
    """A processor's name may have letters that mean something in XML."""
    svg = ET.fromstring(draw(invented_run()))  # noqa: S314 - our own text
    texts = [element.text or "" for element in svg.iter(f"{_SVG}text")]
    assert any(text.startswith("A & B <fast>, 2 cores") for text in texts)


def test_nothing_is_drawn_outside_the_chart() -> None:
    """A figure beyond the ends of the axis stands at its end."""
    run = invented_run()
    svg = ET.fromstring(draw(run))  # noqa: S314 - our own text
    _, _, width, height = (float(part) for part in (svg.get("viewBox") or "").split())
    for circle in svg.iter(f"{_SVG}circle"):
        assert 0 < float(circle.get("cx", "-1")) < width
        assert 0 < float(circle.get("cy", "-1")) < height


def test_the_table_says_in_words_how_far_each_line_comes() -> None:
    """Colour alone tells nothing on paper, nor to everybody."""
    console = Console(file=io.StringIO(), width=140)
    show(invented_run(), console)
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    for words in ("beyond the second bar", "beyond the first bar", "not reached"):
        assert words in told
    assert "not measured: no node and no npm here" in told


def test_a_page_gets_its_figures_where_it_asks_for_them() -> None:
    """Text around a marked region stays as it is."""
    page = "before\n<!-- bench:short:begin -->\nold\n<!-- bench:short:end -->\nafter\n"
    made = with_figures(page, invented_run())
    assert made.startswith("before\n<!-- bench:short:begin -->\n|")
    assert made.endswith("<!-- bench:short:end -->\nafter\n")
    assert "**2.10 x its requests/s**" in made
    assert "old" not in made
    assert with_figures(made, invented_run()) == made


def test_a_page_that_asks_for_something_else_is_a_mistake() -> None:
    """A misspelt region would otherwise stay as it is for ever."""
    with pytest.raises(KeyError):
        with_figures("<!-- bench:sort:begin -->\n<!-- bench:sort:end -->", invented_run())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_the_kept_run(page: Path) -> None:
    """Figures are copied by no hand; `python -m benchmarks.pages` renews them."""
    text = page.read_text()
    assert re.search(r"<!-- bench:\w+:begin -->", text)
    if KEPT.exists():
        assert with_figures(text, read_results(KEPT.read_text())) == text
    else:
        assert re.search(r":begin -->\n.+\n<!-- bench", text) is None


@_IS_KEPT
def test_the_chart_shows_the_kept_run() -> None:
    """The picture is drawn from the same file as the figures."""
    assert CHART.read_text() == draw(read_results(KEPT.read_text()))


@_IS_KEPT
def test_the_kept_run_has_every_line() -> None:
    """A run of some lines, or a quick one, is nothing to show."""
    results = read_results(KEPT.read_text())
    assert [line.id for line in results.lines()] == [line.id for line in LINES]
    assert results.effort.scale >= 1_000_000
