"""Pictures tell the numbers they were given, to eyes and to screen readers, whatever the names."""

import itertools
import math
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.portfolio.pictures import (
    Band,
    Cell,
    Flow,
    Matrix,
    Movements,
    Step,
    Waterfall,
    WhaleCurve,
    curve_of,
    matrix,
    movements,
    sheet,
    waterfall,
    whale_curve,
)
from service.portfolio.pictures.figures import MINUS
from service.portfolio.pictures.lettering import shortened, width
from tests.portfolio.drawn import SVG, boxes, contrast, described, numbers, parsed, texts

HOSTILE: Final = (
    "<script>alert(1)</script>",
    "\"' onload='alert(1)' & &amp; ]]> <![CDATA[",
    "\u202egro.elpmaxe\u2066 مرحبا بالعالم",
    "👩‍👩‍👧‍👦🇩🇪👍🏽 e\u0301\u0301\u0301",
    "null \x00 bell \x07 half \ud83d end",
    "x" * 8_192,
    "日本語の会社名" * 40,
    "",
)
names = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
amounts = st.decimals(-(10**9), 10**9, places=2)
counts = st.integers(1, 10**6)


@st.composite
def waterfalls(draw: st.DrawFn) -> Waterfall:
    """Return any score: its steps add up, and its value lies where it still may."""
    moved = draw(st.lists(st.floats(-500, 500).map(lambda x: round(x, 6)), max_size=30))
    value = math.fsum(moved)
    return Waterfall(
        label=draw(names),
        value=value,
        low=value - draw(st.sampled_from([0.0, 20.0])),
        high=value + draw(st.sampled_from([0.0, 12.5])),
        floor=draw(st.sampled_from([None, -100.0, 0.0])),
        ceiling=draw(st.sampled_from([None, 0.0, 100.0])),
        steps=tuple(Step(draw(names), points, draw(st.booleans())) for points in moved),
        subject=draw(names),
    )


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    """Return any portfolio of up to four bands each way."""
    value, growth = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cells = [
        Cell(value=v, growth=g, accounts=draw(counts), revenue=draw(amounts), cost=draw(amounts))
        for v, g in itertools.product(range(value), range(growth))
        if draw(st.booleans())
    ]
    return Matrix(
        value=draw(names),
        growth=draw(names),
        value_bands=tuple(Band(draw(names), draw(names)) for _ in range(value)),
        growth_bands=tuple(Band(draw(names), draw(names)) for _ in range(growth)),
        cells=tuple(cells),
        currency="EUR",
        as_of="26 Nov 2026",
        unplaced=draw(st.integers(0, 10**5)),
    )


@st.composite
def whale_curves(draw: st.DrawFn) -> WhaleCurve:
    """Return the curve of any profits."""
    profits = draw(st.lists(amounts, max_size=60))
    takers = sum(profit < 0 for profit in profits)
    return WhaleCurve(curve=curve_of(profits), takers=takers, currency="EUR", as_of="26 Nov 2026")


@st.composite
def any_movements(draw: st.DrawFn) -> Movements:
    """Return any movements between up to eight groups, some of which are known by id only."""
    ids = [f"group_{place}" for place in range(draw(st.integers(1, 8)))]
    ends = st.sampled_from([None, *ids])
    pairs = draw(st.sets(st.tuples(ends, ends).filter(lambda pair: pair != (None, None))))
    flows = [Flow(before=a, after=b, accounts=draw(counts)) for a, b in sorted(pairs, key=repr)]
    labelled = ids[: draw(st.integers(0, len(ids)))]
    return Movements(
        groups={group: draw(names) for group in labelled},
        ranks={group: draw(st.integers(0, 2)) for group in labelled},
        flows=tuple(flows),
        before=draw(names),
        after="26 Nov 2026",
    )


pictures = st.one_of(
    waterfalls().map(waterfall),
    waterfalls().map(lambda drawn: waterfall(drawn, wide=340)),
    matrices().map(matrix),
    whale_curves().map(whale_curve),
    any_movements().map(movements),
)


@given(picture=pictures)
@settings(max_examples=70, deadline=None)
def test_no_text_lies_on_another(picture: str) -> None:
    """Whatever the names and numbers: each text has its own place, inside the picture."""
    found = [box for box in boxes(picture) if box.text.strip()]
    for one, other in itertools.combinations(found, 2):
        assert not one.covers(other), (one, other)


@given(picture=pictures)
@settings(max_examples=40, deadline=None)
def test_every_picture_is_well_formed_and_says_what_it_shows(picture: str) -> None:
    """A parser takes it, and its title and description are there to be read aloud."""
    title, description = described(picture)
    assert title.strip()
    assert description.strip()
    tags = {element.tag.removeprefix(SVG) for element in parsed(picture).iter()}
    shapes = {"rect", "line", "path", "polygon", "polyline", "circle", "text"}
    assert tags <= {"svg", "title", "desc", "defs", "pattern", *shapes}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_written_in_a_name_stays_text(name: str) -> None:
    """No element, attribute or direction comes out of a name; what is no character is replaced."""
    step = Step(name, 5.0)
    drawn = Waterfall(
        label=name, value=5, low=5, high=5, floor=0, ceiling=10, steps=(step,), subject=name
    )
    picture = waterfall(drawn)
    root = parsed(picture)
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    assert not [key for e in root.iter() for key in e.attrib if key.startswith("on")]
    assert "<script" not in picture
    assert not set(picture) & set("\x00\x07\u202e\u2066")
    assert len(picture) < 20_000


@given(text=st.text(max_size=60), room=st.floats(20, 400))
def test_a_shortened_text_fits_and_is_a_beginning(text: str, room: float) -> None:
    """It is cut between characters as readers see them, and says that it was cut."""
    short = shortened(text, room, 12)
    assert width(short, 12) <= room or short == "…"
    whole = shortened(text, 10_000, 12)
    assert short == whole or whole.startswith(short.removesuffix("…"))


def test_a_family_is_not_torn_apart() -> None:
    """Joined pictures, flags and accents stay whole where a name is cut."""
    for whole in ("👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "👍🏽"):
        for room in range(10, 200, 3):
            short = shortened(whole * 9, room, 12).removesuffix("…")
            assert short == whole * (len(short) // len(whole))


@given(drawn=waterfalls())
@settings(max_examples=40, deadline=None)
def test_a_waterfall_runs_from_nothing_to_the_score(drawn: Waterfall) -> None:
    """Its bars follow each other without a gap, and add up to the value it was given."""
    bars = [
        (float(bar.get("data-start") or 0), float(bar.get("data-end") or 0), bar.get("class"))
        for bar in parsed(waterfall(drawn)).iter(f"{SVG}rect")
        if bar.get("data-start")
    ]
    start, *rest = bars
    assert start == (0.0, 0.0, "total")
    at = 0.0
    for begin, end, kind in rest:
        if kind in {"step", "limit"}:
            assert begin == at
            at = end
    assert at == pytest.approx(drawn.value)
    totals = [end for _, end, kind in rest if kind == "total"]
    assert totals == [drawn.value]
    ranges = [(begin, end) for begin, end, kind in rest if kind == "range"]
    assert ranges == ([(drawn.low, drawn.high)] if drawn.low < drawn.high else [])


def test_a_waterfall_shows_each_rules_points() -> None:
    """Signs stand beside the numbers, so that nothing hangs on a colour."""
    steps = (Step("The business we build for", 40), Step("Uses little", -15.5))
    drawn = Waterfall(label="Fit", value=24.5, low=24.5, high=60, floor=0, ceiling=100, steps=steps)
    shown = texts(waterfall(drawn))
    assert {"+40", f"{MINUS}15.5", "24.5", "Fit: 24.5 of 100"} <= set(shown)
    assert described(waterfall(drawn))[1] == (
        f"Fit is 24.5 of 100. The business we build for: +40. Uses little: {MINUS}15.5. "
        "While answers are missing it may be 24.5 to 60."
    )


def test_rules_without_a_row_of_their_own_are_counted_together() -> None:
    """Of hundreds of rules the largest are shown, and the rest in one sum."""
    steps = tuple(Step(f"rule {place}", float(place)) for place in range(1, 101))
    total = sum(range(1, 101))
    drawn = Waterfall(
        label="Fit", value=total, low=total, high=total, floor=None, ceiling=None, steps=steps
    )
    shown = texts(waterfall(drawn))
    assert "87 more rules and limits together" in shown
    assert "+3,828" in shown  # 1 to 87


def test_a_matrix_tells_count_revenue_and_margin_of_each_cell() -> None:
    """Read back from the picture they are the numbers that went in."""
    low, high = Band("Low", "0 to 49"), Band("High", "50 to 100")
    cell = Cell(value=1, growth=0, accounts=1_234, revenue=Decimal("5432100.25"), cost=Decimal(43))
    lost = Cell(value=0, growth=0, accounts=7, revenue=Decimal(100), cost=Decimal("250.50"))
    drawn = Matrix(
        value="Value", growth="Growth", value_bands=(low, high), growth_bands=(low, high),
        cells=(cell, lost), currency="EUR", as_of="26 Nov 2026", unplaced=3,
    )  # fmt: skip
    picture = matrix(drawn)
    shown = texts(picture)
    assert "1,234" in shown
    assert [numbers(text) for text in shown if text.startswith("EUR")] == [[100], [5_430_000]]
    exact = [e.text or "" for e in parsed(picture).iter(f"{SVG}title")]
    assert numbers(exact[1]) == [7, 100, -150.5]
    assert numbers(exact[2]) == [1_234, 5_432_100.25, 5_432_057.25]
    assert f"margin {MINUS}150\u00a0%" in shown
    assert "100\u00a0% of revenue comes from high value, low growth" in shown
    assert "3 not placed" in described(picture)[1]


@given(drawn=whale_curves())
@settings(max_examples=40, deadline=None)
def test_a_whale_curve_marks_its_peak_and_its_end_exactly(drawn: WhaleCurve) -> None:
    """The marks hold the numbers to the cent, and the curve goes through both."""
    marks = {mark.get("class"): mark for mark in parsed(whale_curve(drawn)).iter(f"{SVG}circle")}
    if not drawn.curve:
        assert marks == {}
        return
    best = max(Decimal(0), *(amount for _, amount in drawn.curve))
    assert Decimal(marks["peak"].get("data-amount") or "") == best
    end = marks["end"]
    assert (int(end.get("data-accounts") or 0), Decimal(end.get("data-amount") or "")) == (
        drawn.curve[-1]
    )
    line = next(parsed(whale_curve(drawn)).iter(f"{SVG}polyline")).get("points") or ""
    for mark in marks.values():
        x, y = float(mark.get("cx") or 0), float(mark.get("cy") or 0)
        assert any(
            math.dist((x, y), tuple(float(part) for part in place.split(","))) < 0.02
            for place in line.split()
        )


def test_a_hundred_thousand_accounts_are_some_hundred_points() -> None:
    """What cannot be told apart on paper is left out; peak and end stay."""
    profits = [Decimal(50_000 - place) for place in range(100_000)]
    takers = sum(profit < 0 for profit in profits)
    curve = curve_of(profits)
    picture = whale_curve(WhaleCurve(curve=curve, takers=takers, currency="EUR", as_of="today"))
    line = next(parsed(picture).iter(f"{SVG}polyline")).get("points") or ""
    assert 200 < len(line.split()) < 900
    assert len(picture) < 40_000
    peak = next(m for m in parsed(picture).iter(f"{SVG}circle") if m.get("class") == "peak")
    assert Decimal(peak.get("data-amount") or "") == max(amount for _, amount in curve)


def test_a_whale_curve_says_what_the_tail_takes_back() -> None:
    """In money and as a share of the peak."""
    profits = [Decimal(600), Decimal(400), Decimal(-250)]
    picture = whale_curve(
        WhaleCurve(curve=curve_of(profits), takers=1, currency="EUR", as_of="26 Nov 2026")
    )
    title, _ = described(picture)
    assert title == "The tail takes back EUR\u00a0250, 25\u00a0% of the peak profit"
    assert f"EUR\u00a0{MINUS}250" in texts(picture)
    assert "EUR\u00a0750" in texts(picture)


@given(drawn=any_movements())
@settings(max_examples=40, deadline=None)
def test_movements_keep_every_account(drawn: Movements) -> None:
    """Each flow is one band with its number; both sides add up to all of them."""
    picture = movements(drawn)
    bands = [
        int(band.get("data-accounts") or 0)
        for band in parsed(picture).iter(f"{SVG}path")
        if band.get("data-accounts")
    ]
    assert sorted(bands) == sorted(flow.accounts for flow in drawn.flows)


def test_movements_tell_up_from_down() -> None:
    """By the ranks of the groups, in words and hatching as well as in colour."""
    drawn = Movements(
        groups={"good": "Good", "fair": "Fair", "bad": "Bad"},
        ranks={"good": 0, "fair": 1, "bad": 1},
        flows=(
            Flow(before="good", after="bad", accounts=2),
            Flow(before="bad", after="good", accounts=5),
            Flow(before="fair", after="bad", accounts=1),
            Flow(before="good", after="good", accounts=40),
            Flow(before=None, after="fair", accounts=3),
            Flow(before="fair", after=None, accounts=4),
        ),
        before="1 Jan 2026",
        after="1 Jul 2026",
    )
    title, description = described(movements(drawn))
    assert title == "8 accounts moved: 5 up, 2 down, 1 across"
    assert "40 stayed · 3 came · 4 left" in description
    assert "Bad to Good: 5." in description


def test_text_is_dark_enough_and_marks_differ_in_grey() -> None:
    """By WCAG: 4.5 to 1 for text on white and on a cell. What takes away is hatched, not filled."""
    for colour in (sheet.DARK, sheet.MUTED, sheet.LOSS, sheet.GAIN):
        assert contrast(colour, sheet.WHITE) >= 4.5
        assert contrast(colour, sheet.PALE) >= 4.5
    fills = {e.get("fill") for e in parsed(SOME_WATERFALL).iter(f"{SVG}rect")}
    assert sheet.LOSS not in fills
    assert "url(#waterfall-less)" in fills
    used = {
        (e.get("fill") or "")
        for picture in (SOME_WATERFALL, SOME_MATRIX)
        for e in parsed(picture).iter(f"{SVG}text")
    }
    assert used <= {"", sheet.DARK, sheet.MUTED, sheet.LOSS, sheet.GAIN}


SOME_WATERFALL: Final = waterfall(
    Waterfall(
        label="Fit",
        value=5,
        low=5,
        high=9,
        floor=0,
        ceiling=10,
        steps=(Step("a", 9), Step("b", -4)),
    )
)
SOME_MATRIX: Final = matrix(
    Matrix(
        value="Value",
        growth="Growth",
        value_bands=(Band("All"),),
        growth_bands=(Band("All"),),
        cells=(Cell(value=0, growth=0, accounts=1, revenue=Decimal(1), cost=Decimal(2)),),
        currency="EUR",
        as_of="26 Nov 2026",
    )
)


@pytest.mark.parametrize(
    "picture",
    [
        whale_curve(WhaleCurve(curve=(), takers=0, currency="EUR", as_of="26 Nov 2026")),
        movements(Movements(groups={}, ranks={}, flows=(), before="a", after="b")),
        matrix(
            Matrix(
                value="Value",
                growth="Growth",
                value_bands=(),
                growth_bands=(),
                cells=(),
                currency="EUR",
                as_of="26 Nov 2026",
            )
        ),
    ],
    ids=["whale", "movements", "matrix"],
)
def test_an_empty_portfolio_is_said_to_be_empty(picture: str) -> None:
    """Nobody looks at an empty frame and wonders."""
    assert "No account" in described(picture)[1]
    assert any("No account" in text for text in texts(picture))
