"""Hold what a backtest found to a flip budget. Unknown is not no.

A decision that could not be made again, because it turns on an attribute never stored,
may flip; a subject without revenue may be worth any. Only what is certain to be within
the budget is.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from service.rulesets.evidence import Evidence
from service.rulesets.policy import FlipBudget

__all__ = ["over_budget", "share_of"]


def share_of(evidence: Evidence | Row[Any]) -> float | None:
    """Return the share of flips among the decisions made again; None where there are none."""
    return evidence.flips / evidence.replayed if evidence.replayed else None


def over_budget(evidence: Evidence | Row[Any], budget: FlipBudget) -> str | None:
    """Return in words why *evidence* is not certainly within *budget*; None where it is."""
    if budget.share is not None:
        why = _share_over(evidence, budget.share)
        if why is not None:
            return why
    return None if budget.revenue is None else _revenue_over(evidence, budget.revenue)


def _share_over(evidence: Evidence | Row[Any], share: float) -> str | None:
    judged = evidence.replayed + evidence.unseen
    above = f"above this rule set's flip budget of {_percent(Decimal(str(share)))}"
    if evidence.total and not evidence.replayed and share < 1:
        return f"none of {evidence.total:,} decisions could be made again, which counts as {above}"
    # Exactly, in decimals: 29 of 100 is not above 0.29.
    most = Decimal(str(share)) * judged
    if evidence.flips > most:
        part = _percent(Decimal(evidence.flips) / judged)
        return f"{evidence.flips:,} of {judged:,} decisions ({part}) would flip, {above}"
    if evidence.flips + evidence.unseen > most:
        part = _percent(Decimal(evidence.flips + evidence.unseen) / judged)
        return (
            f"{evidence.flips:,} of {judged:,} decisions would flip and {evidence.unseen:,} could "
            f"not be made again ({part} in all), {above}"
        )
    return None


def _revenue_over(evidence: Evidence | Row[Any], revenue: float) -> str | None:
    unit = f" {evidence.revenue_unit}" if evidence.revenue_unit else ""
    budget = f"this rule set's flip budget of {revenue:,.10g}{unit}"
    if evidence.revenue is not None and evidence.revenue > revenue:
        return f"subjects worth {evidence.revenue:,.10g}{unit} would flip, above {budget}"
    if not evidence.flips and not evidence.unseen:
        return None
    if evidence.revenue is None or evidence.unseen or evidence.revenue_unknown:
        return f"the revenue of some subjects that may flip is not known, with {budget}"
    return None


def _percent(share: Decimal) -> str:
    """Return a share as a percentage of three digits, as `3.7 %`."""
    return f"{float(share * 100):.3g} %"
