"""An attribution for the wire: shares by cause, and the move in words."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sqlalchemy import Row

from service.rules.compare import CAUSES, Attribution, Cause

__all__ = ["part_shown", "summary_of"]


def part_shown(attribution: Attribution, cause: Cause) -> dict[str, Any]:
    """Return what one cause did to the verdict, the outcome and each score."""
    return {
        "verdict": _share(attribution.verdict[cause]),
        "outcome": _share(attribution.outcome[cause]),
        "scores": {name: _share(shares[cause]) for name, shares in attribution.scores.items()},
    }


def summary_of(before: Row[Any], after: Row[Any], attribution: Attribution) -> str:
    """Return the move in words, with what each cause did to it."""
    moves = [
        _move("the verdict", before.verdict, after.verdict, attribution.verdict),
        _move("the outcome", before.outcome, after.outcome, attribution.outcome),
        *(
            _move(f"`{name}`", before.scores[name]["value"], after.scores[name]["value"], shares)
            for name, shares in attribution.scores.items()
        ),
    ]
    told = "; ".join(move for move in moves if move)
    return f"{told[0].upper()}{told[1:]}." if told else "Nothing moved."


def _share(fraction: Fraction) -> dict[str, Any]:
    """Return a share exactly, and as the number nearest to it."""
    return {"exact": str(fraction), "value": float(fraction)}


def _move(what: str, old: object, new: object, shares: Mapping[Cause, Fraction]) -> str:
    if old == new:
        return ""
    said = ", ".join(f"{cause} {shares[cause]}" for cause in CAUSES if shares[cause])
    return f"{what} went from {old} to {new} ({said})"
