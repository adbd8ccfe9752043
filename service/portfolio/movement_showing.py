"""Movements as the wire shows them."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Row

from service.accounts import amount_text
from service.portfolio.attributing import Together, Why
from service.portfolio.movements import Moves, Place
from service.portfolio.summing import EXACT, Sums
from service.portfolio.view_showing import sums_shown
from service.rules.compare import Cause

__all__ = ["moved_shown", "movements_shown", "together_shown"]


def movements_shown(moves: Moves) -> dict[str, Any]:
    """Return the flows between groups and between cells, and who came and left."""
    cells: dict[tuple[Place, Place], Sums] = {}
    for flow in moves.flows:
        if flow.before is not None and flow.after is not None:
            ends = (flow.before._replace(outcome=None), flow.after._replace(outcome=None))
            cells[ends] = cells.get(ends, Sums()) + flow.sums
    return {
        "moved": sums_shown(moves.moved),
        "groups": [
            {"before": before, "after": after, **sums_shown(sums)}
            for (before, after), sums in _largest(moves.between_groups().items())
        ],
        "cells": [
            {
                "value_before": before.value,
                "growth_before": before.growth,
                "value_after": after.value,
                "growth_after": after.growth,
                **sums_shown(sums),
            }
            for (before, after), sums in _largest(cells.items())
        ],
        "came": _by_group(moves.came()),
        "left": _by_group(moves.left()),
    }


def together_shown(together: Together, *, value: str, growth: str) -> dict[str, Any]:
    """Return what the causes did to some accounts."""
    return {
        "accounts": together.accounts,
        "unknown": together.unknown,
        "groups": _causes(together.groups),
        "value": _causes(together.scores[value]),
        "growth": _causes(together.scores[growth]),
    }


def moved_shown(row: Row[Any], why: Why, *, value: str, growth: str) -> dict[str, Any]:
    """Return one account that moved, and why."""
    found = why.attribution
    return {
        "account": row.key,
        "name": row.name,
        **{
            when: {name: getattr(row, f"{name}_{when}") for name in ("outcome", "value", "growth")}
            for when in ("before", "after")
        },
        "revenue": amount_text(row.revenue),
        "margin": amount_text(EXACT.subtract(row.revenue, row.cost)),
        "why": None
        if found is None
        else {
            "group": _causes(found.outcome),
            "value": _causes(found.scores[value]) if value in found.scores else None,
            "growth": _causes(found.scores[growth]) if growth in found.scores else None,
        },
        "unknown": why.unknown,
    }


def _causes(shares: Mapping[Cause, Fraction]) -> dict[str, float]:
    return {cause: float(share) for cause, share in shares.items()}


def _by_group(groups: Mapping[str | None, Sums]) -> list[dict[str, Any]]:
    return [{"outcome": outcome, **sums_shown(sums)} for outcome, sums in _largest(groups.items())]


def _largest(flows: Iterable[tuple[Any, Sums]]) -> Sequence[tuple[Any, Sums]]:
    return sorted(flows, key=lambda each: (-each[1].accounts, str(each[0])))
