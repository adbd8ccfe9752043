"""The whale curve: profit added up from the most profitable account to the least.

It rises to a peak and falls by what the tail takes back (Kaplan and Narayanan 2001).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from service.portfolio.markup import Element, Node, element, to_text
from service.portfolio.pictures.figures import (
    accounts,
    compact,
    count,
    exact_money,
    money,
    percent,
)
from service.portfolio.pictures.lettering import shortened, width
from service.portfolio.pictures.scales import Scale, spread, ticks
from service.portfolio.pictures.sheet import (
    BODY,
    DARK,
    GAIN,
    GRID,
    LOSS,
    MUTED,
    PALE,
    SMALL,
    draw,
    empty,
    heading,
    label,
    rule,
    tick_labels,
    told,
)

__all__ = ["WhaleCurve", "curve_of", "whale_curve"]

Point = tuple[int, Decimal]

WIDE: Final = 720.0
_HIGH: Final = 280.0
_LEFT: Final = 78.0
_RIGHT: Final = 172.0
_NEAR: Final = 1.5
_ZERO: Final = Decimal(0)
_NOTHING: Final[Point] = (0, _ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhaleCurve:
    """Profit by account, added up.

    Attributes:
        curve: How many accounts, and what they leave together; ascending, the last point is
            everybody. It may leave points out, but neither the highest nor the last.
        takers: How many accounts consume more than they bring.
        as_of: The day, as it is to be shown.
    """

    curve: Sequence[Point]
    takers: int
    currency: str
    as_of: str


def curve_of(profits: Iterable[Decimal]) -> list[Point]:
    """Return the whole curve of *profits* in any order, exact."""
    points: list[Point] = []
    total = _ZERO
    for place, profit in enumerate(sorted(profits, reverse=True), 1):
        total += profit
        points.append((place, total))
    return points


def whale_curve(drawn: WhaleCurve, *, wide: float = WIDE, name: str = "whale") -> str:
    """Return the picture: the peak marked, and what comes after it."""
    curve = list(drawn.curve)
    if not curve:
        words = f"No account has revenue or cost yet as of {drawn.as_of}."
        return to_text(empty("Profit by account", words, wide=wide, name=name))
    peak = max([_NOTHING, *curve], key=lambda point: (point[1], -point[0]))
    end = curve[-1]
    finding = _finding(drawn, peak, end)
    marks, top = heading(finding, _under(drawn, end), wide=wide)
    top += 42.0
    bottom = top + _HIGH
    amounts = [_ZERO, *(amount for _, amount in curve)]
    x = Scale(0.0, float(end[0]), _LEFT, wide - _RIGHT)
    y = _money_scale(min(amounts), max(amounts), top=top, bottom=bottom)
    marks += _axes(x, y, drawn, number=end[0], top=top, bottom=bottom)
    marks += _curve(thinned([_NOTHING, *curve], x, y, keep=(peak, end)), x, y)
    marks += _peak(drawn, peak, end, x=x, y=y)
    marks += _end(drawn, peak, end, x=x, y=y, wide=wide, bounds=(top, bottom))
    picture = draw(
        marks,
        wide=wide,
        high=bottom + 44.0,
        title=finding,
        told_as=_told(drawn, peak, end),
        name=name,
    )
    return to_text(picture)


def thinned(curve: Sequence[Point], x: Scale, y: Scale, *, keep: Sequence[Point]) -> list[Point]:
    """Return the points that can be told apart on paper, with those to *keep*."""
    wanted = {place for place, _ in keep}
    kept = [curve[0]]
    last_x, last_y = x.at(curve[0][0]), y.at(curve[0][1])
    for point in curve[1:]:
        here_x, here_y = x.at(point[0]), y.at(point[1])
        is_far = abs(here_x - last_x) >= _NEAR or abs(here_y - last_y) >= _NEAR
        if is_far or point[0] in wanted:
            kept.append(point)
            last_x, last_y = here_x, here_y
    return kept


def _taken_back(peak: Point, end: Point) -> Decimal:
    return peak[1] - end[1]


def _finding(drawn: WhaleCurve, peak: Point, end: Point) -> str:
    taken = _taken_back(peak, end)
    if peak[1] <= 0:
        return f"No account leaves money: together they cost {money(-end[1], drawn.currency)}"
    if taken == 0:
        return "Every account carries itself: nobody takes profit back"
    return (
        f"The tail takes back {money(taken, drawn.currency)}, "
        f"{percent(taken, peak[1])} of the peak profit"
    )


def _under(drawn: WhaleCurve, end: Point) -> str:
    takers = f"{count(drawn.takers)} of them cost more than they bring"
    return f"{drawn.as_of} · {accounts(end[0])}, the most profitable first · {takers}"


def _money_scale(least: Decimal, most: Decimal, *, top: float, bottom: float) -> Scale:
    low, high = float(least), float(most)
    if low == high:
        high = low + 1.0
    marked = ticks(low, high)
    step = float(marked[1] - marked[0]) if len(marked) > 1 else high - low
    return Scale(min(low, float(marked[0])), max(high, float(marked[-1]) + step * 0.1), bottom, top)


def _axes(
    x: Scale, y: Scale, drawn: WhaleCurve, *, number: int, top: float, bottom: float
) -> Iterator[Node]:
    for tick in ticks(y.low, y.high):
        place = y.at(tick)
        yield rule(x.start, place, x.end, place, stroke=DARK if tick == 0 else GRID)
        yield label(
            compact(tick) if abs(y.high - y.low) >= 10 else f"{tick:f}",
            x=x.start - 8, y=place + 4, size=SMALL, anchor="end", fill=MUTED,
        )  # fmt: skip
    yield label(f"profit so far, {drawn.currency}", x=0.0, y=top - 25.0, size=SMALL, fill=MUTED)
    whole = [int(tick) for tick in ticks(0.0, float(number), about=5) if tick == int(tick)]
    for at in whole:
        yield rule(x.at(at), bottom, x.at(at), bottom + 4, stroke=MUTED)
    yield from tick_labels(((x.at(at), count(at)) for at in whole), y=bottom + 18)
    middle = (x.start + x.end) / 2
    yield label(
        "accounts, the most profitable first", x=middle, y=bottom + 36, size=SMALL,
        anchor="middle", fill=MUTED,
    )  # fmt: skip


def _curve(points: Sequence[Point], x: Scale, y: Scale) -> Iterator[Node]:
    line = " ".join(f"{x.at(at):.2f},{y.at(amount):.2f}" for at, amount in points)
    zero = y.at(_ZERO)
    area = f"{x.at(0):.2f},{zero:.2f} {line} {x.at(points[-1][0]):.2f},{zero:.2f}"
    yield element("polygon", points=area, fill=PALE)
    yield element(
        "polyline", points=line, fill="none", stroke=GAIN, stroke_width=2.5,
        stroke_linejoin="round", class_="curve",
    )  # fmt: skip


def _peak(drawn: WhaleCurve, peak: Point, end: Point, *, x: Scale, y: Scale) -> Iterator[Node]:
    at, height = x.at(peak[0]), y.at(peak[1])
    exact = f"peak: {exact_money(peak[1], drawn.currency)} with {accounts(peak[0])}"
    yield told(_dot(at, height, GAIN, "peak", peak), exact)
    if peak == end or peak[1] <= 0:
        return
    words = f"peak {money(peak[1], drawn.currency)}"
    others = f"{accounts(peak[0])}, {percent(Decimal(peak[0]), Decimal(end[0]))}"
    text = f"{words} · {others}"
    half = width(text, BODY, is_bold=True) / 2
    middle = min(max(at, x.start + half), x.end + _RIGHT - half)
    yield label(text, x=middle, y=height - 11, anchor="middle", weight=600)
    yield rule(at, height, x.end + 10, height, stroke=LOSS, stroke_dasharray="3 3")


def _end(
    drawn: WhaleCurve,
    peak: Point,
    end: Point,
    *,
    x: Scale,
    y: Scale,
    wide: float,
    bounds: tuple[float, float],
) -> Iterator[Node]:
    last = y.at(end[1])
    taken = _taken_back(peak, end)
    exact = f"all {count(end[0])}: {exact_money(end[1], drawn.currency)}"
    yield told(_dot(x.at(end[0]), last, DARK, "end", end), exact)
    left, room = x.end + 22, wide - x.end - 22
    said = [("all accounts", money(end[1], drawn.currency), last, DARK)]
    if taken > 0 and peak[1] > 0:
        crest = y.at(peak[1])
        bar = x.end + 10
        yield element("path", d=f"M{bar - 5:.2f} {crest:.2f}H{bar:.2f}V{last:.2f}H{bar - 5:.2f}",
                      fill="none", stroke=LOSS, stroke_width=1.5)  # fmt: skip
        middle = (crest + last) / 2
        said.insert(0, ("taken back", money(-taken, drawn.currency), middle, LOSS))
    places = spread(
        [place for _, _, place, _ in said], apart=38.0, low=bounds[0] + 14, high=bounds[1] - 16
    )
    for (words, amount, _, colour), place in zip(said, places, strict=True):
        yield label(shortened(amount, room, BODY), x=left, y=place + 2, weight=600, fill=colour)
        yield label(words, x=left, y=place + 17, size=SMALL, fill=MUTED)


def _dot(x: float, y: float, colour: str, name: str, point: Point) -> Element:
    return element(
        "circle", cx=x, cy=y, r=4.5, fill=colour, class_=name, data_accounts=point[0],
        data_amount=f"{point[1]:f}",
    )  # fmt: skip


def _told(drawn: WhaleCurve, peak: Point, end: Point) -> str:
    said = [f"{_finding(drawn, peak, end)}. {_under(drawn, end)}."]
    if peak[1] > 0:
        said.append(
            f"The profit is highest, {exact_money(peak[1], drawn.currency)}, with the"
            f" {count(peak[0])} most profitable accounts."
        )
    said.append(f"All {count(end[0])} together leave {exact_money(end[1], drawn.currency)}.")
    return " ".join(said)
