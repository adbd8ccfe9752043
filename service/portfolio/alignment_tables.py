"""The alignment as tables: the rows of their CSV, headings first."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from service.web import Cell

__all__ = ["Line", "book_lines", "deal_lines", "feature_lines", "finding_lines", "lead_lines"]
__all__ += ["served_lines"]

Line = Sequence[Cell]

_RATE: Final = ("yes", "known", "rate", "low", "high")
_MIDDLE: Final = ("count", "lower_quartile", "median", "upper_quartile", "low", "high")
_DEALS: Final = (
    "deals",
    *(f"wins_{name}" for name in _RATE),
    *(f"churn_{name}" for name in _RATE),
    *(f"days_{name}" for name in _MIDDLE),
    *(f"amounts_{name}" for name in _MIDDLE),
    "won_amount",
)
_FINDING: Final = (
    "by", "rule_set", "measure", "verdict", "groups", "tested", "p", "q", "effect", "words",
)  # fmt: skip
_CARRIED: Final = ("in_transition", "inherited", "taken_over", "regrouped", "won", "unknown")
_LEADS: Final = (
    "rule_set", "by", "value", "leads", "qualify", "review", "disqualify", "undecided",
)  # fmt: skip
_SERVED: Final = ("accounts", "measured", "hours", "support_cost", "cost", "revenue")
_FEATURE: Final = (
    "feature", "need", "requests", "custom_hours", "accounts", "inside", "outside", "open",
)  # fmt: skip
_NUMBERS: Final = frozenset(
    {"won_amount", "hours", "support_cost", "cost", "revenue", "custom_hours"}
)


def deal_lines(shown: Mapping[str, Any]) -> Iterator[Line]:
    """Yield a line for each group under each name, and one for all deals."""
    yield ("by", "value", *_DEALS)
    yield (None, None, *_deal_cells(shown["total"]))
    for part in shown["by"]:
        for group in part["groups"]:
            yield (part["by"], group["value"], *_deal_cells(group))


def finding_lines(shown: Mapping[str, Any]) -> Iterator[Line]:
    """Yield a line for each finding."""
    yield _FINDING
    for one in shown["findings"]:
        yield _cells(one, _FINDING)


def book_lines(shown: Mapping[str, Any]) -> Iterator[Line]:
    """Yield a line for each owner."""
    each = [f"{name}_{part}" for name in _CARRIED for part in ("accounts", "revenue")]
    yield ("owner", "accounts", "revenue", *each)
    for book in shown["owners"]:
        carried = [
            cell for name in _CARRIED for cell in _cells(book[name], ("accounts", "revenue"))
        ]
        yield (*_cells(book, ("owner", "accounts", "revenue")), *carried)


def lead_lines(shown: Mapping[str, Any]) -> Iterator[Line]:
    """Yield a line for each source and campaign of each rule set."""
    yield (*_LEADS, *(f"qualifying_{name}" for name in _RATE), *_DEALS)
    nothing = [None] * len(_DEALS)
    for one in shown["leads"]:
        deals = nothing if one["deals"] is None else _deal_cells(one["deals"])
        yield (*_cells(one, _LEADS), *_cells(one["qualifying"], _RATE), *deals)


def served_lines(shown: Mapping[str, Any]) -> Iterator[Line]:
    """Yield a line for all, one for each outcome and one for each band of fit."""
    yield ("by", "value", "verdict", *_SERVED)
    yield (None, None, None, *_cells(shown["total"], _SERVED))
    for by, groups in (("outcome", shown["outcomes"]), ("fit", shown["fit"])):
        for one in groups:
            yield (by, *_cells(one, ("value", "verdict")), *_cells(one, _SERVED))


def feature_lines(shown: Mapping[str, Any]) -> Iterator[Line]:
    """Yield a line for each feature."""
    yield _FEATURE
    for one in shown["features"]:
        yield _cells(one, _FEATURE)


def _deal_cells(deals: Mapping[str, Any]) -> list[Cell]:
    return [
        *_cells(deals, ("deals",)),
        *_cells(deals["wins"], _RATE),
        *_cells(deals["churn"], _RATE),
        *_cells(deals["days"], _MIDDLE),
        *_cells(deals["amounts"], _MIDDLE),
        *_cells(deals, ("won_amount",)),
    ]


def _cells(shown: Mapping[str, Any], names: Sequence[str]) -> list[Cell]:
    """Return members as cells; amounts, which JSON has as texts, as the numbers they are."""
    return [Decimal(shown[name]) if name in _NUMBERS else shown[name] for name in names]
