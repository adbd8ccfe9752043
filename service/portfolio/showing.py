"""Rows as the wire shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from service.accounts import amount_text
from service.portfolio.reading import Terms, terms_of
from service.portfolio.summing import EXACT
from service.rulesets import Editor, Running
from service.storage import to_text
from service.web import rfc3339

__all__ = ["statement_shown", "terms_shown", "tried_shown"]


def statement_shown(row: Row[Any]) -> dict[str, Any]:
    """Return a statement and, once it is done, what it adds up to."""
    totals = None
    if row.state == "done":
        totals = {
            "accounts": row.accounts,
            "revenue": amount_text(row.revenue),
            "cost": amount_text(row.cost),
            "margin": amount_text(EXACT.subtract(row.revenue, row.cost)),
        }
    return {
        "id": to_text("st", row.id),
        "rule_set": row.rule_set,
        "version": row.version,
        "digest": row.digest,
        "at": rfc3339(row.at),
        "state": row.state,
        "rescoring": to_text("rsc", row.rescoring_id),
        "terms": terms_shown(terms_of(row)),
        "slices": sorted(row.slices),
        "totals": totals,
        "failure": row.failure,
        "taken_by": row.taken_by,
        "created_at": rfc3339(row.created_at),
        "started_at": _instant(row.started_at),
        "finished_at": _instant(row.finished_at),
    }


def tried_shown(
    running: Running, terms: Terms, slices: Sequence[str], *, editor: Editor
) -> dict[str, Any]:
    """Return a statement that nobody takes."""
    return {
        "id": None,
        "rule_set": running.slug,
        "version": running.version,
        "digest": running.digest,
        "at": rfc3339(editor.at),
        "state": "tried",
        "rescoring": None,
        "terms": terms_shown(terms),
        "slices": sorted(slices),
        "totals": None,
        "failure": None,
        "taken_by": editor.person,
        "created_at": rfc3339(editor.at),
        "started_at": None,
        "finished_at": None,
    }


def terms_shown(terms: Terms) -> dict[str, Any]:
    """Return the terms of a statement."""
    return {
        "revenue": terms.revenue_metric,
        "cost": terms.cost_metric,
        "value": terms.value_score,
        "growth": terms.growth_score,
        "value_from": terms.value_from,
        "growth_from": terms.growth_from,
        "window": terms.window,
        "since": _instant(terms.since),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
