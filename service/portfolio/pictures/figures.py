"""Numbers as people read them: thousands apart, a real minus, money with its currency."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

__all__ = ["DASH", "MINUS", "accounts", "compact", "count", "exact_money", "money", "percent"]
__all__ += ["points", "signed"]

MINUS: Final = "\u2212"
_GAP: Final = "\u00a0"
"""A space at which no line breaks."""
_STEPS: Final = ((Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
DASH: Final = "\u2013"
_CENT: Final = Decimal("0.01")
_DIGITS: Final = 3
_SMALL: Final = 100
_WHOLE_BELOW: Final = 10_000


def count(number: int) -> str:
    """Return a count: `12,345`."""
    return _with_minus(f"{number:,}")


def accounts(number: int) -> str:
    """Return how many accounts: `1 account`, `12,345 accounts`."""
    return f"{count(number)} {'account' if number == 1 else 'accounts'}"


def points(number: float) -> str:
    """Return a score or its points, as exactly as they are kept: `65`, `0.9756`, minus 40."""
    return _with_minus(f"{number:,.6f}".rstrip("0").rstrip("."))


def signed(number: float) -> str:
    """Return points with their sign, also where they add."""
    return f"+{points(number)}" if number > 0 else points(number)


def exact_money(amount: Decimal, currency: str) -> str:
    """Return an amount to the cent: `EUR 1,234.50`; more places where it has more."""
    cents = amount.quantize(_CENT, rounding=ROUND_HALF_EVEN)
    whole = f"{cents:,.2f}" if cents == amount else f"{amount.normalize():,f}"
    return f"{currency}{_GAP}{_with_minus(whole)}"


def money(amount: Decimal, currency: str) -> str:
    """Return an amount as a board reads it, in three digits: `EUR 1.23 M`, `EUR 4,321`."""
    return f"{currency}{_GAP}{compact(amount)}"


def compact(amount: Decimal) -> str:
    """Return an amount without its currency: `1.23 M`, `45.6 k`, `4,321`."""
    for step, word in _STEPS:
        # 999,960 is 1 M, not 1,000 k.
        if abs(amount) >= _WHOLE_BELOW and _three_digits(abs(amount)) >= step:
            shown = _three_digits(amount) / step
            return f"{_with_minus(_short(shown))}{_GAP}{word}"
    is_small = abs(amount) < _SMALL and amount != amount.to_integral()
    places = _CENT if is_small else Decimal(1)
    return _with_minus(f"{amount.quantize(places, rounding=ROUND_HALF_EVEN):,f}")


def percent(part: Decimal, whole: Decimal) -> str:
    """Return a share in whole percents, with one place below ten; a dash of nothing."""
    if whole == 0:
        return DASH
    share = 100 * part / whole
    places = Decimal(1) if abs(share) >= 10 or share == share.to_integral() else Decimal("0.1")
    return f"{_with_minus(_short(share.quantize(places, rounding=ROUND_HALF_EVEN)))}{_GAP}%"


def _three_digits(amount: Decimal) -> Decimal:
    if amount == 0:
        return amount
    places = max(amount.adjusted() - _DIGITS + 1, 0)
    return amount.quantize(Decimal(1).scaleb(places), rounding=ROUND_HALF_EVEN)


def _short(number: Decimal) -> str:
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_minus(text: str) -> str:
    """Return *text* with a real minus; what is nothing has none."""
    if text.startswith("-"):
        return text[1:] if set(text[1:]) <= set("0.,") else f"{MINUS}{text[1:]}"
    return text
