"""What serving one account cost, month by month, by what the cost came from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from service.portfolio.markup import Element, Node, element
from service.portfolio.pictures.figures import compact, exact_money, money
from service.portfolio.pictures.lettering import shortened, width
from service.portfolio.pictures.scales import Scale
from service.portfolio.pictures.sheet import (
    BODY,
    DARK,
    GAIN,
    LOSS,
    MUTED,
    SMALL,
    WHITE,
    draw,
    hatching,
    label,
    rule,
    tick_labels,
    told,
)

__all__ = ["CostMonth", "Costs", "costs"]

WIDE: Final = 720.0
_HIGH: Final = 112.0
_TOP: Final = 34.0
_BOTTOM: Final = _HIGH - 18.0
_SHARE: Final = 0.62
_SWATCH: Final = 10.0
_MIDDLE: Final = "#8fb0d0"
_EXACT: Final = Context(prec=100)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class CostMonth:
    """One month as it is written, and what each driver cost in it; a correction may be negative."""

    label: str
    costs: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Costs over time. *drivers* are up to five, the dearest first: all that months name."""

    drivers: Sequence[str]
    months: Sequence[CostMonth]
    currency: str


def costs(drawn: Costs, *, name: str = "costs") -> Element:
    """Return the picture: a column a month, its parts stacked in the order of the legend."""
    up = [_sum(of.costs.values(), is_above=True) for of in drawn.months]
    down = [_sum(of.costs.values(), is_above=False) for of in drawn.months]
    high, low = max([*up, _ZERO]), min([*down, _ZERO])
    scale = Scale(float(low), float(high) or 1.0, _BOTTOM, _TOP + SMALL)
    defined, fills = _fills(name)
    step = WIDE / max(len(drawn.months), 1)
    marks: list[Node] = [*defined, *_legend(drawn.drivers, fills)]
    marks.append(rule(0, scale.at(0), WIDE, scale.at(0), stroke=MUTED))
    for place, of in enumerate(drawn.months):
        left = (place + (1 - _SHARE) / 2) * step
        marks += _column(of, drawn, fills, scale, left=left, wide=step * _SHARE)
        if up[place] or down[place]:
            at = left + step * _SHARE / 2
            total = compact(_EXACT.add(up[place], down[place]))
            marks.append(label(total, x=at, y=scale.at(up[place]) - 3, size=SMALL, anchor="middle"))
    named = [((place + 0.5) * step, of.label) for place, of in enumerate(drawn.months)]
    marks += tick_labels(named, y=_HIGH - 4)
    return draw(
        marks, wide=WIDE, high=_HIGH, title="Cost to serve by driver, month by month",
        told_as=_told(drawn), name=name,
    )  # fmt: skip


def _column(
    of: CostMonth,
    drawn: Costs,
    fills: Sequence[str],
    scale: Scale,
    *,
    left: float,
    wide: float,
) -> Iterator[Element]:
    above = below = _ZERO
    for driver, fill in zip(drawn.drivers, fills, strict=False):
        amount = of.costs.get(driver, _ZERO)
        if not amount:
            continue
        start = above if amount > 0 else below
        end = _EXACT.add(start, amount)
        above, below = (end, below) if amount > 0 else (above, end)
        y, bottom = sorted((scale.at(start), scale.at(end)))
        bar = element(
            "rect", x=left, y=y, width=wide, height=bottom - y, fill=fill, stroke=DARK,
            stroke_width=0.5,
        )  # fmt: skip
        yield told(bar, f"{of.label}, {driver}: {exact_money(amount, drawn.currency)}")


def _legend(drivers: Sequence[str], fills: Sequence[str]) -> Iterator[Element]:
    x, room = 0.0, WIDE / max(len(drivers), 1)
    for driver, fill in zip(drivers, fills, strict=False):
        yield element(
            "rect", x=x, y=2.0, width=_SWATCH, height=_SWATCH, fill=fill, stroke=DARK,
            stroke_width=0.5,
        )  # fmt: skip
        words = shortened(driver, room - _SWATCH - 18, BODY)
        yield label(words, x=x + _SWATCH + 5, y=_SWATCH + 1.5)
        x += _SWATCH + 18 + width(words, BODY)


def _fills(name: str) -> tuple[list[Element], list[str]]:
    """Return five fills that differ in lightness and in pattern, not in colour alone."""
    slanted, by_slants = hatching(f"{name}-slanted", LOSS)
    grey, by_grey = hatching(f"{name}-grey", MUTED)
    return [slanted, grey], [GAIN, by_slants, _MIDDLE, by_grey, WHITE]


def _sum(amounts: Iterable[Decimal], *, is_above: bool) -> Decimal:
    total = _ZERO
    for amount in amounts:
        if (amount > 0) is is_above:
            total = _EXACT.add(total, amount)
    return total


def _told(drawn: Costs) -> str:
    parts = []
    for driver in drawn.drivers:
        amounts = [of.costs.get(driver, _ZERO) for of in drawn.months]
        total = _EXACT.add(_sum(amounts, is_above=True), _sum(amounts, is_above=False))
        most = max(range(len(amounts)), key=lambda place: amounts[place], default=None)
        if most is None:
            continue
        parts.append(
            f"{driver} {money(total, drawn.currency)} in all, most in {drawn.months[most].label}"
        )
    return f"{'; '.join(parts)}." if parts else "No costs are known of these months."
