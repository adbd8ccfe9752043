"""Costs over time as a picture: each driver's part of each month, exact to whoever asks."""

import re
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.portfolio.markup import to_text
from service.portfolio.pictures import CostMonth, Costs, costs
from tests.portfolio.drawn import SVG, boxes, described, parsed

DRIVERS: Final = ("Support case", "Custom work", "Travel", "Hosting", "Other costs")
amounts = st.decimals(-(10**9), 10**9, places=2)
months = st.lists(st.dictionaries(st.sampled_from(DRIVERS), amounts), min_size=1, max_size=12)


def picture(*months: dict[str, Decimal], drivers: tuple[str, ...] = DRIVERS) -> str:
    """Return the picture of some months."""
    labelled = [CostMonth(f"M{place}", of) for place, of in enumerate(months)]
    return to_text(costs(Costs(drivers=drivers, months=labelled, currency="EUR")))


def heights(drawn: str) -> dict[str, float]:
    """Return how high each bar is, by the words that it is told by."""
    bars = [e for e in parsed(drawn).iter(f"{SVG}rect") if e.find(f"{SVG}title") is not None]
    return {e.findtext(f"{SVG}title") or "": float(e.get("height") or 0) for e in bars}


def test_bars_are_as_high_as_their_costs() -> None:
    """Stacked in the order of the legend, a correction below the line, each told to the cent."""
    first = {"Support case": Decimal(100), "Travel": Decimal(50)}
    second = {"Support case": Decimal(200), "Travel": Decimal("-25.50")}
    drawn = heights(picture(first, second))
    one = drawn["M0, Travel: EUR\u00a050.00"]
    assert drawn["M0, Support case: EUR\u00a0100.00"] / one == pytest.approx(2, abs=0.01)
    assert drawn["M1, Support case: EUR\u00a0200.00"] / one == pytest.approx(4, abs=0.01)
    assert drawn["M1, Travel: EUR\u00a0\u221225.50"] / one == pytest.approx(0.51, abs=0.01)
    title, description = described(picture(first, second))
    assert title == "Cost to serve by driver, month by month"
    assert "Support case EUR\u00a0300 in all, most in M1; " in description


def test_parts_differ_without_colour() -> None:
    """Printed in grey, five drivers are told apart by lightness or by hatching."""
    drawn = picture(dict.fromkeys(DRIVERS, Decimal(1)))
    fills = re.findall(r'<rect x="0"[^>]* fill="([^"]+)"|<rect [^>]*fill="([^"]+)"', drawn)
    assert len({one or other for one, other in fills} - {"#ffffff"}) >= 4


@settings(max_examples=30, deadline=None)
@given(months=months)
def test_any_costs_fit_the_paper(months: list[dict[str, Decimal]]) -> None:
    """Every text and bar lies inside, whatever the amounts, and none is nothing."""
    drawn = picture(*months)
    boxes(drawn)
    high = float((parsed(drawn).get("viewBox") or "").split()[3])
    for bar in parsed(drawn).iter(f"{SVG}rect"):
        assert 0 <= float(bar.get("y") or 0) <= high
        assert 0 <= float(bar.get("height") or 0) <= high
