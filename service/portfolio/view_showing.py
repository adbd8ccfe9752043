"""Views as the wire shows them."""

from collections.abc import Sequence
from typing import Any

from service.accounts import amount_text
from service.portfolio.concentration import Concentration
from service.portfolio.matrix import Matrix
from service.portfolio.reading import Statement
from service.portfolio.showing import terms_shown
from service.portfolio.slicing import Slice
from service.portfolio.summary import Group
from service.portfolio.summing import Sums, share, total
from service.portfolio.viewing import Looking, Segment
from service.portfolio.whale_curve import Ranked, WhaleCurve
from service.storage import to_text
from service.web import rfc3339

__all__ = ["concentration_shown", "matrix_shown", "segments_shown", "stated_shown"]
__all__ += ["summary_shown", "sums_shown", "view_shown", "whale_curve_shown"]


def view_shown(looking: Looking) -> dict[str, Any]:
    """Return what every view says of what it is of."""
    return {
        "statement": stated_shown(looking.statement),
        "slices": [slice_shown(one) for one in looking.slices],
    }


def stated_shown(statement: Statement) -> dict[str, Any]:
    """Return a statement in short."""
    return {
        "id": to_text("st", statement.id),
        "rule_set": statement.rule_set,
        "version": statement.version,
        "at": rfc3339(statement.at),
        "terms": terms_shown(statement.terms),
    }


def slice_shown(one: Slice) -> str:
    """Return a slice as it is asked for."""
    return f"{one.name}:{one.value}"


def sums_shown(sums: Sums) -> dict[str, Any]:
    """Return the sums of some accounts."""
    return {
        "accounts": sums.accounts,
        "certain": sums.certain,
        "measured": sums.measured,
        "revenue": amount_text(sums.revenue),
        "cost": amount_text(sums.cost),
        "margin": amount_text(sums.margin),
    }


def matrix_shown(matrix: Matrix) -> dict[str, Any]:
    """Return the nine cells, and what they add up to."""
    return {
        "cells": [
            {"value": cell.value, "growth": cell.growth, **sums_shown(cell.sums)}
            for cell in matrix.cells
        ],
        "between": sums_shown(matrix.between),
        "unplaced": sums_shown(matrix.unplaced),
        "total": sums_shown(matrix.all),
    }


def summary_shown(groups: Sequence[Group]) -> dict[str, Any]:
    """Return the groups with what to do about each."""
    together = total(group.sums for group in groups)
    return {
        "groups": [
            {
                "outcome": group.outcome,
                "label": group.label,
                "verdict": group.verdict,
                "action": group.action,
                "in_grace": group.in_grace,
                **sums_shown(group.sums),
                "revenue_share": share(group.sums.revenue, together.revenue),
            }
            for group in groups
        ],
        "total": sums_shown(together),
    }


def segments_shown(segments: Sequence[Segment], rest: Sums, *, by: str) -> dict[str, Any]:
    """Return segments, each by outcome, and what all add up to."""
    return {
        "by": by,
        "segments": [
            {
                "value": segment.value,
                **sums_shown(segment.sums),
                "outcomes": [
                    {"outcome": outcome, **sums_shown(sums)} for outcome, sums in segment.outcomes
                ],
            }
            for segment in segments
        ],
        "rest": sums_shown(rest),
        "total": sums_shown(total([rest, *(segment.sums for segment in segments)])),
    }


def whale_curve_shown(curve: WhaleCurve) -> dict[str, Any]:
    """Return the curve, its peak and its ends."""
    return {
        "accounts": curve.accounts,
        "measured": curve.measured,
        "makers": curve.makers,
        "takers": curve.takers,
        "takers_share": curve.takers_share,
        "peak": amount_text(curve.peak),
        "taken": amount_text(curve.taken),
        "taken_share": curve.taken_share,
        "end": amount_text(curve.end),
        "points": [
            {"accounts": place, "margin": amount_text(margin)} for place, margin in curve.points
        ],
        "most": [_ranked_shown(one) for one in curve.most],
        "least": [_ranked_shown(one) for one in curve.least],
    }


def _ranked_shown(one: Ranked) -> dict[str, Any]:
    return {
        "account": one.key,
        "name": one.name,
        "outcome": one.outcome,
        "revenue": amount_text(one.revenue),
        "cost": amount_text(one.cost),
        "margin": amount_text(one.margin),
    }


def concentration_shown(accounts: int, burdens: Sequence[Concentration]) -> dict[str, Any]:
    """Return how few cause how much of each burden."""
    return {
        "accounts": accounts,
        "burdens": [
            {
                "burden": one.burden,
                "total": amount_text(one.of),
                "tops": [
                    {
                        "percent": top.percent,
                        "accounts": top.accounts,
                        "amount": amount_text(top.amount),
                        "share": top.burden_share,
                        "revenue": amount_text(top.revenue),
                        "margin": amount_text(top.margin),
                        "margin_share": top.margin_share,
                    }
                    for top in one.tops
                ],
            }
            for one in burdens
        ],
    }
