"""What an event of the ledger can say: kinds, their quantities, and how a value is read.

Kinds are open. Those listed here are known by name, so that a misspelt quantity of theirs
is noticed; of any other kind a rule set says itself what it reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final, Literal, assert_never

from service.rules.ranges import LARGEST_EXACT

QuantityType = Literal["number", "text", "flag", "choice"]
Quantity = Decimal | str | bool
"""A number exactly, as the ledger keeps it; a text or choice; a flag."""

_LARGEST: Final = Decimal(int(LARGEST_EXACT))
_SIX_PLACES: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Declared:
    """One quantity of a kind of event: its type, and the members of a choice, lowest first."""

    type: QuantityType
    choices: tuple[str, ...] = ()

    def read(self, raw: object) -> Quantity | None:
        """Return what *raw* says, or None where it is not of this type: then it is not said.

        A number is rounded to six places, as every fact is; one past 2^53 is not said.
        """
        match self.type:
            case "number":
                return _number(raw)
            case "text":
                return raw if isinstance(raw, str) and raw else None
            case "flag":
                return raw if isinstance(raw, bool) else None
            case "choice":
                return raw if isinstance(raw, str) and raw in self.choices else None
            case unknown:
                assert_never(unknown)


NUMBER: Final = Declared("number")
TEXT: Final = Declared("text")
FLAG: Final = Declared("flag")

KINDS: Final[Mapping[str, Mapping[str, Declared]]] = MappingProxyType(
    {
        "revenue": {"amount": NUMBER},
        "cost": {"amount": NUMBER, "driver": TEXT},
        "support_case": {"hours": NUMBER, "severity": TEXT, "cause": TEXT},
        "custom_work": {"hours": NUMBER, "feature": TEXT},
        "feature_request": {"feature": TEXT},
        "meeting": {"held": FLAG, "excused": FLAG},
        "goal_change": {"goal": TEXT},
        "escalation": {"severity": TEXT, "cause": TEXT},
        "abuse": {"severity": Declared("choice", ("rude", "harassment", "threat"))},
        "discount": {"amount": NUMBER},
        "refund": {"amount": NUMBER, "cause": TEXT},
        "late_payment": {"days": NUMBER, "amount": NUMBER},
        "training": {"attended": FLAG},
        "advice_followed": {"followed": FLAG},
        "nps": {"score": NUMBER},
        "renewal": {"amount": NUMBER},
        "churn": {"cause": TEXT, "amount": NUMBER},
    }
)
"""The kinds that are known by name, and what an event of each says."""


def _number(raw: object) -> Decimal | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return None
    # A float is read as it is written: 0.1 is a tenth, not the double beside it.
    number = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    if not number.is_finite() or abs(number) > _LARGEST:
        return None
    return number.quantize(_SIX_PLACES, rounding=ROUND_HALF_UP)
