"""Movements as the wire shows them."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Row

from service.accounts import amount_text
from service.portfolio.attributing import SCORES, Together, Why, added
from service.portfolio.movements import Moves, Place
from service.portfolio.summing import EXACT, Sums
from service.portfolio.view_showing import sums_shown
from service.rules.compare import Cause

__all__ = ["ByGroups", "moved_shown", "movements_shown"]


ByGroups = Mapping[tuple[str | None, str | None], Together]


def movements_shown(moves: Moves, causes: ByGroups | None) -> dict[str, Any]:
    """Return the flows between groups and between cells with their *causes*, and who came and left.

    *causes* are None until they are worked out.
    """
    cells: dict[tuple[Place, Place], Sums] = {}
    for flow in moves.flows:
        if flow.before is not None and flow.after is not None:
            ends = (flow.before._replace(outcome=None), flow.after._replace(outcome=None))
            cells[ends] = cells.get(ends, Sums()) + flow.sums
    return {
        "moved": sums_shown(moves.moved),
        "groups": [
            {
                "before": before,
                "after": after,
                **sums_shown(sums),
                "why": _flow_shown((causes or {}).get((before, after)), is_move=before != after),
            }
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
        "why": None if causes is None else _together_shown(added(list(causes.values()))),
    }


def _flow_shown(together: Together | None, *, is_move: bool) -> dict[str, Any] | None:
    if together is None or not is_move:
        return None
    return {"unknown": together.unknown, **_causes(together.groups)}


def _together_shown(together: Together) -> dict[str, Any]:
    """Return what the causes did to some accounts."""
    return {
        "accounts": together.accounts,
        "unknown": together.unknown,
        "groups": _causes(together.groups),
        **{score: _causes(shares) for score, shares in together.scores.items()},
    }


def moved_shown(row: Row[Any], why: Why) -> dict[str, Any]:
    """Return one account that moved, and why."""
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
        if why.group is None
        else {
            "group": _causes(why.group),
            **{
                score: _causes(why.scores[score]) if score in why.scores else None
                for score in SCORES
            },
        },
        "unknown": why.unknown,
    }


def _causes(shares: Mapping[Cause, Fraction]) -> dict[str, float]:
    return {cause: float(share) for cause, share in shares.items()}


def _by_group(groups: Mapping[str | None, Sums]) -> list[dict[str, Any]]:
    return [{"outcome": outcome, **sums_shown(sums)} for outcome, sums in _largest(groups.items())]


def _largest(flows: Iterable[tuple[Any, Sums]]) -> Sequence[tuple[Any, Sums]]:
    return sorted(flows, key=lambda each: (-each[1].accounts, str(each[0])))
