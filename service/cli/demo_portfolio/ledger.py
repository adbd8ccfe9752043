"""One account's events while they are made up: each with its source and an id of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from random import Random
from typing import Final

from service.cli.demo_portfolio.dates import in_office_hours

__all__ = ["OWN_KIND", "SOURCES", "Happening", "Ledger", "cents", "quarters"]

OWN_KIND: Final = "process_exception"
"""The one kind that the rules measure and that is not built in."""

SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "billing": ("revenue", "discount", "refund", "late_payment", "renewal"),
    "controlling": ("cost",),
    "helpdesk": ("support_case", "escalation", "abuse"),
    "projects": ("custom_work", OWN_KIND),
    "crm": ("meeting", "goal_change", "advice_followed", "feature_request", "churn"),
    "academy": ("training",),
    "surveys": ("nps",),
}
"""Who tells of what: of these kinds each tells every event."""

_SAID_BY: Final = {kind: source for source, kinds in SOURCES.items() for kind in kinds}
_CENT: Final = Decimal("0.01")
_QUARTER: Final = Decimal("0.25")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event, as its source tells it."""

    kind: str
    at: datetime
    quantities: Mapping[str, object]
    source: str
    event_id: str


@dataclass(slots=True)
class Ledger:
    """The events of the account of *key* that lie between its beginning and *now*."""

    key: str
    since: date
    now: datetime
    rng: Random
    happenings: list[Happening] = field(default_factory=list)

    @property
    def age_days(self) -> int:
        """How long the account has been with us, at the most two years."""
        return min((self.now.date() - self.since).days, 2 * 365)

    def note(self, kind: str, at: datetime, /, **quantities: object) -> None:
        """Add an event, unless it lies outside of the account's time."""
        if not datetime.combine(self.since, time(), tzinfo=UTC) <= at <= self.now:
            return
        source = _SAID_BY[kind]
        number = len(self.happenings) + 1
        self.happenings.append(
            Happening(
                kind=kind,
                at=at,
                quantities=quantities,
                source=source,
                event_id=f"{self.key}/{kind.replace('_', '-')}-{number:04}",
            )
        )

    def note_ago(self, kind: str, age_days: float, /, **quantities: object) -> None:
        """Add an event of a working day about *age_days* ago."""
        at = in_office_hours(self.now, age_days=age_days, rng=self.rng)
        self.note(kind, at, **quantities)

    def total(self, kind: str, name: str, *, since: datetime) -> Decimal:
        """Return the sum of a quantity over the events of a kind after *since*."""
        return sum(
            (
                value
                for one in self.happenings
                if one.kind == kind and one.at > since
                if isinstance(value := one.quantities[name], Decimal)
            ),
            Decimal(0),
        )


def cents(amount: float) -> Decimal:
    """Return *amount* as an invoice states it."""
    return Decimal(amount).quantize(_CENT)


def quarters(hours: float) -> Decimal:
    """Return *hours* as somebody notes them: in quarters, one at least."""
    return max(_QUARTER, Decimal(round(4 * hours)) * _QUARTER)
