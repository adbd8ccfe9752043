"""The alignment as answers show it."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from service.accounts import amount_text
from service.portfolio.alignment_store import Period
from service.portfolio.deals import Group
from service.portfolio.inheriting import Book, Origin
from service.portfolio.marketing_alignment import Leads, Marketing
from service.portfolio.reading import Statement
from service.portfolio.sales_alignment import Sales
from service.portfolio.service_alignment import Feature, Product, Served, Support
from service.portfolio.slicing import Slice
from service.portfolio.telling_apart import Finding
from service.portfolio.view_showing import slice_shown
from service.storage import to_text
from service.web import rfc3339

__all__ = ["MOST", "marketing_shown", "product_shown", "sales_shown", "support_shown"]

MOST: Final = 500
"""How many groups under one name, or features, are shown at most."""
_INHERITED: Final[tuple[Origin, ...]] = ("taken_over", "regrouped")
_ORIGINS: Final[tuple[Origin, ...]] = (*_INHERITED, "won", "unknown")


def sales_shown(sales: Sales, statement: Statement, period: Period) -> dict[str, Any]:
    """Return what became of deals."""
    return _head(statement) | {
        "period": _period(period),
        "total": _deals(sales.every),
        "unjoined": sales.unjoined,
        "by": [
            {"by": name, "groups": [_deals(one) | {"value": one.value} for one in groups[:MOST]]}
            for name, groups in sales.groups.items()
        ],
        "findings": _findings(sales.findings),
        "transition": list(sales.transition),
        "owners": [_book(book) for book in sales.books[:MOST]],
    }


def marketing_shown(
    marketing: Marketing, period: Period, slices: Sequence[Slice]
) -> dict[str, Any]:
    """Return leads by source and campaign."""
    return {
        "period": _period(period),
        "slices": [slice_shown(one) for one in slices],
        "tests": sum(one.p is not None for one in marketing.findings),
        "leads": [_leads(one) for one in marketing.leads],
        "total": _deals(marketing.every),
        "findings": _findings(marketing.findings),
    }


def support_shown(support: Support, statement: Statement) -> dict[str, Any]:
    """Return hours and cost."""
    return _head(statement) | {
        "total": _served(support.every),
        "outcomes": [_served_group(one) for one in support.outcomes],
        "fit": [_served_group(one) for one in support.fit],
    }


def product_shown(product: Product, statement: Statement, period: Period) -> dict[str, Any]:
    """Return the features that are asked for."""
    share = product.outside
    return _head(statement) | {
        "period": _period(period),
        "requests": product.requests,
        "requests_inside": product.requests_inside,
        "requests_outside": product.requests_outside,
        "outside": None if share is None else {"low": share[0], "high": share[1]},
        "features": [_feature(one) for one in product.features[:MOST]],
        "left_out": max(0, len(product.features) - MOST),
    }


def _head(statement: Statement) -> dict[str, Any]:
    return {
        "statement": to_text("st", statement.id),
        "rule_set": statement.rule_set,
        "at": rfc3339(statement.at),
    }


def _period(period: Period) -> dict[str, Any]:
    since = None if period.since is None else rfc3339(period.since)
    return {"since": since, "until": rfc3339(period.until)}


def _deals(group: Group) -> dict[str, Any]:
    return {
        "deals": group.deals,
        "wins": asdict(group.wins),
        "churn": asdict(group.churn),
        "days": asdict(group.days),
        "amounts": asdict(group.amounts),
        "won_amount": amount_text(group.won_amount),
    }


def _findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "by": one.name,
            "rule_set": one.of,
            "measure": one.measure,
            "verdict": one.verdict,
            "words": one.words,
            "groups": one.groups,
            "tested": one.tested,
            "p": one.p,
            "q": one.q,
            "effect": one.effect,
        }
        for one in findings
    ]


def _book(book: Book) -> dict[str, Any]:
    return {
        "owner": book.owner,
        "accounts": book.accounts,
        "revenue": amount_text(book.revenue),
        "in_transition": _carried(book.of(*_ORIGINS)),
        "inherited": _carried(book.of(*_INHERITED)),
        **{origin: _carried(book.of(origin)) for origin in _ORIGINS},
    }


def _carried(found: tuple[int, Decimal]) -> dict[str, Any]:
    return {"accounts": found[0], "revenue": amount_text(found[1])}


def _leads(one: Leads) -> dict[str, Any]:
    verdicts = ("qualify", "review", "disqualify", "undecided")
    return {
        "rule_set": one.rule_set,
        "by": one.name,
        "value": one.value,
        "leads": sum(one.verdicts.values()),
        **{verdict: one.verdicts.get(verdict, 0) for verdict in verdicts},
        "qualifying": asdict(one.qualifying),
        "deals": None if one.deals is None else _deals(one.deals),
    }


def _served(served: Served) -> dict[str, Any]:
    return {
        "accounts": served.accounts,
        "measured": served.measured,
        "hours": amount_text(served.hours),
        "support_cost": amount_text(served.support_cost),
        "cost": amount_text(served.cost),
        "revenue": amount_text(served.revenue),
    }


def _served_group(served: Served) -> dict[str, Any]:
    return _served(served) | {"value": served.value, "verdict": served.verdict}


def _feature(one: Feature) -> dict[str, Any]:
    return {
        "feature": one.feature,
        "need": one.need,
        "requests": one.requests,
        "custom_hours": amount_text(one.custom_hours),
        "accounts": one.accounts,
        "inside": one.inside,
        "outside": one.outside,
        "open": one.accounts - one.inside - one.outside,
    }
