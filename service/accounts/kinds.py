"""Kinds of events: which quantities each has, of what type, needed or with a default.

`BUILT_IN` is the one table of ours. An organisation declares kinds of its own beside it
and may widen ours; an event of a kind that nobody declared is parked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

__all__ = ["AMOUNT", "BUILT_IN", "Kind", "Quantity", "QuantityType", "Value", "narrowings"]

AMOUNT: Final = "amount"
"""The one quantity that is money: in the deployment's currency, with a column of its own."""

QuantityType = Literal["money", "number", "text", "flag", "choice"]
Value = bool | str | int | Decimal
"""What a quantity can be. Numbers are exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One thing that is told of an event.

    Where it is left out, *default* stands for it; without one it is simply not known, or
    the event is parked if *required*. `min` and `max` bound numbers and money.
    """

    type: QuantityType
    required: bool = False
    default: Value | None = None
    choices: tuple[str, ...] = ()
    min: Decimal | None = None
    max: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of event."""

    name: str
    title: str
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    is_ours: bool = False


_ZERO: Final = Decimal(0)
_TEXT: Final = Quantity(type="text")
_HOURS: Final = Quantity(type="number", required=True, min=_ZERO)
_MONEY: Final = Quantity(type="money")
# May be negative: billing systems write credit notes as invoices below zero.
_DUE: Final = Quantity(type="money", required=True)
# May not: a refund below zero is one whose sign was meant otherwise.
_GIVEN: Final = Quantity(type="money", required=True, min=_ZERO)
_FLAG: Final = Quantity(type="flag", required=True)
_EXCUSED: Final = Quantity(type="flag", default=False)


def _kind(name: str, title: str, /, **quantities: Quantity) -> Kind:
    return Kind(name=name, title=title, quantities=quantities, is_ours=True)


BUILT_IN: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        _kind("revenue", "Money they owe us", amount=_DUE),
        _kind("cost", "Money we spent on them", amount=_DUE, driver=_TEXT),
        _kind(
            "support_case", "A case for support", hours=_HOURS, severity=_TEXT, cause=_TEXT
        ),
        _kind("custom_work", "Work for them alone", hours=_HOURS, feature=_TEXT),
        _kind("feature_request", "They asked for a feature",
              feature=Quantity(type="text", required=True)),
        _kind("meeting", "A meeting that was agreed", held=_FLAG, excused=_EXCUSED),
        _kind("goal_change", "They changed what they want", goal=_TEXT),
        _kind("escalation", "They went over somebody's head", severity=_TEXT, cause=_TEXT),
        _kind("abuse", "They were abusive to one of us", severity=Quantity(
            type="choice", required=True, choices=("rude", "harassment", "threat"))),
        _kind("discount", "Money off the list price", amount=_GIVEN),
        _kind("refund", "Money paid back", amount=_GIVEN, cause=_TEXT),
        _kind("late_payment", "They paid late",
              days=Quantity(type="number", required=True, min=_ZERO), amount=_MONEY),
        _kind("training", "A training that was offered", attended=_FLAG),
        _kind("advice_followed", "They followed our advice, or did not", followed=_FLAG),
        _kind("nps", "How likely they are to recommend us",
              score=Quantity(type="number", required=True, min=_ZERO, max=Decimal(10))),
        _kind("renewal", "They renewed", amount=_MONEY),
        _kind("churn", "They left", cause=_TEXT, amount=_MONEY),
    )
}  # fmt: skip


def narrowings(old: Kind, new: Kind) -> Mapping[str, str]:
    """Return what *new* would take away from *old*, by quantity; events of the past have it.

    A quantity keeps its type for ever and its choices may only grow. What is required,
    bounds and defaults count for events to come, and may change.
    """
    taken: dict[str, str] = {}
    for name, quantity in old.quantities.items():
        kept = new.quantities.get(name)
        if kept is None:
            taken[name] = f"events have the quantity `{name}`; declare it as well"
        elif kept.type != quantity.type:
            taken[name] = f"`{name}` is a {quantity.type} in events already; keep its type"
        elif not set(quantity.choices) <= set(kept.choices):
            taken[name] = f"`{name}` has choices that are gone here; keep them"
    return taken
