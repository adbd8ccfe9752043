"""Value and growth as a grid: who stands where, what they pay, what is left of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from service.portfolio.markup import Node, element, to_text
from service.portfolio.pictures.figures import accounts, count, exact_money, money, percent
from service.portfolio.pictures.lettering import plain, shortened
from service.portfolio.pictures.sheet import (
    BODY,
    GAIN,
    GRID,
    LOSS,
    MUTED,
    PALE,
    SMALL,
    WHITE,
    draw,
    empty,
    hatching,
    heading,
    label,
    told,
)

__all__ = ["Band", "Cell", "Matrix", "matrix"]

WIDE: Final = 720.0
_LEFT: Final = 126.0
_ROW: Final = 112.0
_PAD: Final = 12.0
_BAR: Final = 10.0
_COUNT: Final = 21.0
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Band:
    """A part of a score's range, by name: `high`, and where it begins and ends: `50 to 100`."""

    label: str
    span: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The accounts of one band of value and one of growth, by the places of the bands."""

    value: int
    growth: int
    accounts: int
    revenue: Decimal
    cost: Decimal

    @property
    def margin(self) -> Decimal:
        """What is left of the revenue after the cost to serve."""
        return self.revenue - self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A portfolio by two scores, each cut into bands from the lowest to the highest.

    Attributes:
        value, growth: The labels of the two scores, and the bands of each.
        unplaced: How many accounts are in no cell, because too little is known of them.
        as_of: The day, as it is to be shown.
    """

    value: str
    growth: str
    value_bands: tuple[Band, ...]
    growth_bands: tuple[Band, ...]
    cells: tuple[Cell, ...]
    currency: str
    as_of: str
    unplaced: int = 0


def matrix(drawn: Matrix, *, wide: float = WIDE, name: str = "matrix") -> str:
    """Return the picture: growth upwards, value to the right."""
    cells = [cell for cell in drawn.cells if cell.accounts]
    if not cells:
        title = f"{drawn.value} and {drawn.growth.lower()}"
        words = f"No account can be placed yet as of {drawn.as_of}."
        if drawn.unplaced:
            words += f" Of {count(drawn.unplaced)} too little is known."
        return to_text(empty(title, words, wide=wide, name=name))
    finding = _finding(drawn, cells)
    marks, top = heading(finding, _under(drawn, cells), wide=wide)
    top += 14.0
    column = (wide - _LEFT) / len(drawn.value_bands)
    define, hatched = hatching(f"{name}-less", LOSS)
    marks.append(define)
    largest = max((cell.revenue for cell in cells), default=_ZERO)
    by_place = {(cell.value, cell.growth): cell for cell in cells}
    rows = len(drawn.growth_bands)
    for growth, band in enumerate(drawn.growth_bands):
        y = top + (rows - 1 - growth) * _ROW
        marks += _side(drawn.growth, band, y=y)
        for value in range(len(drawn.value_bands)):
            cell = by_place.get((value, growth))
            marks += _cell(
                cell, drawn, x=_LEFT + value * column, y=y, wide=column, hatched=hatched,
                largest=largest,
            )  # fmt: skip
    bottom = top + rows * _ROW
    for value, band in enumerate(drawn.value_bands):
        middle = _LEFT + (value + 0.5) * column
        marks += _below(drawn.value, band, x=middle, y=bottom, room=column - 8.0)
    marks += _legend(y=bottom + 56.0, hatched=hatched, wide=wide)
    told_as = _told(drawn, cells)
    picture = draw(marks, wide=wide, high=bottom + 66.0, title=finding, told_as=told_as, name=name)
    return to_text(picture)


def _finding(drawn: Matrix, cells: Sequence[Cell]) -> str:
    total = sum((cell.revenue for cell in cells), _ZERO)
    main = max(cells, key=lambda cell: (cell.revenue, cell.accounts))
    where = _where(drawn, main)
    if total <= 0:
        return f"{count(main.accounts)} of {_accounts(cells)} have {where}"
    return f"{percent(main.revenue, total)} of revenue comes from {where}"


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def _where(drawn: Matrix, cell: Cell) -> str:
    value, growth = drawn.value_bands[cell.value], drawn.growth_bands[cell.growth]
    return (
        f"{value.label.lower()} {drawn.value.lower()}, "
        f"{growth.label.lower()} {drawn.growth.lower()}"
    )


def _accounts(cells: Sequence[Cell]) -> str:
    return accounts(sum(cell.accounts for cell in cells))


def _under(drawn: Matrix, cells: Sequence[Cell]) -> str:
    revenue = sum((cell.revenue for cell in cells), _ZERO)
    margin = sum((cell.margin for cell in cells), _ZERO)
    said = [
        drawn.as_of,
        _accounts(cells),
        f"revenue {money(revenue, drawn.currency)}",
        f"margin {percent(margin, revenue)}",
    ]
    if drawn.unplaced:
        said.append(f"{count(drawn.unplaced)} not placed: too little is known")
    return " · ".join(said)


def _side(name: str, band: Band, *, y: float) -> Iterator[Node]:
    room, middle = _LEFT - _PAD, y + _ROW / 2
    words = (
        shortened(_capital(band.label), room, BODY, is_bold=True),
        shortened(name, room, SMALL),
        band.span,
    )
    yield label(words[0], x=room, y=middle - 8.0, anchor="end", weight=600)
    yield label(words[1], x=room, y=middle + 8.0, size=SMALL, anchor="end", fill=MUTED)
    yield label(
        shortened(words[2], room, SMALL), x=room, y=middle + 22.0, size=SMALL, anchor="end",
        fill=MUTED,
    )  # fmt: skip


def _below(name: str, band: Band, *, x: float, y: float, room: float) -> Iterator[Node]:
    yield label(
        shortened(_capital(band.label), room, BODY, is_bold=True),
        x=x,
        y=y + 18.0,
        anchor="middle",
        weight=600,
    )
    under = f"{name} {band.span}".rstrip()
    yield label(
        shortened(under, room, SMALL), x=x, y=y + 33.0, size=SMALL, anchor="middle", fill=MUTED
    )


def _cell(
    cell: Cell | None,
    drawn: Matrix,
    *,
    x: float,
    y: float,
    wide: float,
    hatched: str,
    largest: Decimal,
) -> Iterator[Node]:
    frame = element(
        "rect",
        x=x + 2,
        y=y + 2,
        width=wide - 4,
        height=_ROW - 4,
        rx=5,
        fill=WHITE if cell is None else PALE,
        stroke=GRID,
    )
    if cell is None:
        yield frame
        yield label("none", x=x + _PAD, y=y + 30.0, size=SMALL, fill=MUTED)
        return
    margin = percent(cell.margin, cell.revenue)
    exact = (
        f"{_where(drawn, cell)}: {_accounts([cell])}, "
        f"revenue {exact_money(cell.revenue, drawn.currency)}, "
        f"margin {exact_money(cell.margin, drawn.currency)}"
    )
    yield told(frame, exact[0].upper() + exact[1:])
    left, room = x + _PAD, wide - 2 * _PAD
    yield label(count(cell.accounts), x=left, y=y + 32.0, size=_COUNT, weight=600)
    yield label(shortened(money(cell.revenue, drawn.currency), room, BODY), x=left, y=y + 54.0)
    is_loss = cell.margin < 0
    words = (
        f"margin {margin}" if cell.revenue > 0 else f"margin {money(cell.margin, drawn.currency)}"
    )
    yield label(
        shortened(words, room, BODY), x=left, y=y + 71.0, fill=LOSS if is_loss else None,
        weight=600 if is_loss else None,
    )  # fmt: skip
    yield from _bars(cell, x=left, y=y + 84.0, room=room, largest=largest, hatched=hatched)


def _bars(
    cell: Cell, *, x: float, y: float, room: float, largest: Decimal, hatched: str
) -> Iterator[Node]:
    """Draw revenue as a bar, and in it what is left of it, or past nothing what is lost."""
    if largest <= 0 or cell.revenue <= 0:
        return
    whole = max(float(cell.revenue / largest) * room, 1.5)
    share = max(min(float(cell.margin / cell.revenue), 1.0), -1.0)
    yield element("rect", x=x, y=y, width=whole, height=_BAR, fill=WHITE, stroke=GAIN)
    fill, stroke = (GAIN, GAIN) if share >= 0 else (hatched, LOSS)
    if share:
        yield element(
            "rect", x=x, y=y, width=whole * abs(share), height=_BAR, fill=fill, stroke=stroke
        )


def _legend(*, y: float, hatched: str, wide: float) -> Iterator[Node]:
    entries = (
        ("bar: revenue", WHITE, GAIN),
        ("what is left after the cost to serve", GAIN, GAIN),
        ("what is lost", hatched, LOSS),
    )
    x = _LEFT
    step = (wide - _LEFT) / len(entries)
    for place, (words, fill, stroke) in enumerate(entries):
        left = x + step * (0.0, 0.72, 2.1)[place]
        yield element("rect", x=left, y=y - 9, width=16, height=_BAR, fill=fill, stroke=stroke)
        yield label(words, x=left + 22, y=y, size=SMALL, fill=MUTED)


def _told(drawn: Matrix, cells: Sequence[Cell]) -> str:
    said = [f"{_finding(drawn, cells)}. {_under(drawn, cells)}."]
    said += [
        f"{_where(drawn, cell).capitalize()}: {_accounts([cell])},"
        f" revenue {money(cell.revenue, drawn.currency)},"
        f" margin {money(cell.margin, drawn.currency)}."
        for cell in sorted(cells, key=lambda cell: -cell.revenue)
    ]
    return plain_sentences(said)


def plain_sentences(sentences: Sequence[str]) -> str:
    """Return sentences as one text."""
    return " ".join(plain(sentence) for sentence in sentences)
