"""What became of deals with an account: won once, renewed each year, and offers it declined."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, Literal

from service.cli.demo_portfolio.dates import YEAR_DAYS
from service.cli.demo_portfolio.ledger import Ledger, cents
from service.cli.demo_portfolio.parts import Part

__all__ = ["Deal", "deal"]

_FORMER: Final = "Marek Holubek"
"""Who won what others took over later."""
_DECLINED: Final = {"bad_fit": 0.8, "challenging": 0.6, "over_served": 0.4, "bad_conduct": 0.5}
_LEFT: Final = 4
"""Of those who do not fit, every so many have left by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One outcome, as the CRM tells it."""

    result: Literal["won", "lost", "churned", "renewed"]
    at: datetime
    opened_at: datetime | None
    amount: Decimal | None
    owner: str
    product: str
    event_id: str


def deal(ledger: Ledger, part: Part, facts: Mapping[str, Any]) -> tuple[Deal, ...]:
    """Return what became of deals with the account of *part*, the oldest first."""
    rng = ledger.rng
    deals: list[Deal] = []
    a_year = _a_year(ledger)

    def add(
        result: Literal["won", "lost", "churned", "renewed"],
        age_days: float,
        *,
        took_days: float | None = None,
        amount: float | None = None,
    ) -> None:
        at = ledger.now - timedelta(days=age_days)
        at = at.replace(hour=11, minute=5 * int(rng.random() * 12), second=0, microsecond=0)
        if at > ledger.now:
            return
        deals.append(
            Deal(
                result=result,
                at=at,
                opened_at=None if took_days is None else at - timedelta(days=took_days),
                amount=None if amount is None else cents(amount),
                owner=_owner_then(facts, at),
                product=facts["product"],
                event_id=f"{ledger.key}/{result}-{len(deals) + 1}",
            )
        )

    tenure = (ledger.now.date() - ledger.since).days
    if tenure < 2 * YEAR_DAYS and part.story != "no_beginning":
        add("won", tenure, took_days=_cycle(part, rng), amount=a_year)
    for years in range(1, tenure // YEAR_DAYS + 1):
        age = tenure - years * YEAR_DAYS
        if age < 2 * YEAR_DAYS:
            add("renewed", age, amount=a_year)
    if rng.random() < _DECLINED.get(part.group, 0.12) and tenure > 150:
        add("lost", 20 + 120 * rng.random(), took_days=_cycle(part, rng), amount=a_year * 0.3)
    if part.group in {"strong_partner", "promising"} and part.number % 2 and tenure > 150:
        add("won", 20 + 120 * rng.random(), took_days=_cycle(part, rng), amount=a_year * 0.4)
    if part.group == "bad_fit" and part.number % _LEFT == 1:
        add("churned", 6 + 20 * rng.random(), amount=a_year)
    return tuple(sorted(deals, key=lambda one: one.at))


def _a_year(ledger: Ledger) -> float:
    """Return what the account pays in a year, by its last invoice."""
    amounts = [
        amount
        for one in ledger.happenings
        if one.kind == "revenue" and isinstance(amount := one.quantities["amount"], Decimal)
    ]
    return 12 * float(amounts[-1]) if amounts else 6_000.0


def _cycle(part: Part, rng: Random) -> float:
    """Return how many days a deal takes: those who fit decide sooner."""
    return (70 if part.group in _DECLINED else 24) * (0.6 + 0.9 * rng.random())


def _owner_then(facts: Mapping[str, Any], at: datetime) -> str:
    owner: str = facts["owner"]
    return owner if at.date().isoformat() >= facts["owner_since"] else _FORMER
