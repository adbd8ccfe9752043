"""Who would be better off elsewhere, as the wire and a table show it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from service.accounts import amount_text
from service.portfolio.better_off import BetterOff, Criteria, Part
from service.portfolio.ranging import Ranged
from service.portfolio.summing import share
from service.portfolio.view_tables import Line, amount

__all__ = ["better_off_lines", "better_off_shown", "count_range", "money_range"]

MOST_PARTS: Final = 200


def better_off_shown(found: BetterOff, criteria: Criteria, *, by: str | None) -> dict[str, Any]:
    """Return who would be better off elsewhere, and by which criteria."""
    return {
        **_part_shown(found.together),
        "must_have": None if criteria.must_have is None else criteria.must_have.rule,
        "must_haves_unmet": _part_shown(found.must_haves),
        "sent": _part_shown(found.sent),
        "transitions": [
            {
                "outcome": outcome.id,
                "label": outcome.label,
                "verdict": outcome.verdict,
                "action": outcome.action,
                "accounts": accounts,
                "revenue": amount_text(revenue),
            }
            for outcome, accounts, revenue in found.by_outcome
        ],
        "in_grace": found.in_grace,
        "by": by,
        "parts": [
            {"value": name, **_part_shown(part)} for name, part in found.parts[:MOST_PARTS]
        ] if by is not None else [],
    }  # fmt: skip


def better_off_lines(found: BetterOff, *, by: str | None) -> Iterator[Line]:
    """Yield a line a cause, or a line a part where it was taken apart *by* a name."""
    ends = ("low", "value", "high")
    headings = [f"{what}_{end}" for what in ("accounts", "revenue") for end in ends]
    yield (by or "cause", "of_accounts", "of_revenue", *headings)
    causes: list[tuple[str | None, Part]] = [
        ("must_haves_unmet", found.must_haves),
        ("sent", found.sent),
        ("together", found.together),
    ]
    for name, part in causes if by is None else found.parts:
        numbers = [int(getattr(part.accounts, end)) for end in ends]
        money = [amount(getattr(part.revenue, end)) for end in ends]
        yield (name, part.of_accounts, amount(part.of_revenue), *numbers, *money)


def count_range(ranged: Ranged) -> dict[str, int]:
    """Return a range of numbers."""
    return {"low": int(ranged.low), "value": int(ranged.value), "high": int(ranged.high)}


def money_range(ranged: Ranged) -> dict[str, str]:
    """Return a range of amounts."""
    return {end: amount_text(getattr(ranged, end)) for end in ("low", "value", "high")}


def _part_shown(part: Part) -> dict[str, Any]:
    return {
        "of_accounts": part.of_accounts,
        "of_revenue": amount_text(part.of_revenue),
        "accounts": count_range(part.accounts),
        "share": _shares(part.accounts, Decimal(part.of_accounts)),
        "revenue": money_range(part.revenue),
        "revenue_share": _shares(part.revenue, part.of_revenue),
    }


def _shares(ranged: Ranged, whole: Decimal) -> dict[str, float | None] | None:
    if whole <= 0:
        return None
    return {end: share(getattr(ranged, end), whole) for end in ("low", "value", "high")}
