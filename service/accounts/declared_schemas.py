"""Kinds of events and sources on the wire."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from service.accounts.amounts import InexactNumber, as_json_number, read_number
from service.accounts.kinds import AMOUNT, Kind, Quantity, Value
from service.accounts.schemas import check_name
from service.web import Sent, Shown

__all__ = [
    "KindSent",
    "KindShown",
    "KindsShown",
    "SourceSent",
    "SourceShown",
    "SourcesShown",
    "kind_of",
    "kind_shown",
]


def _number(value: object) -> Decimal:
    try:
        return read_number(value)
    except InexactNumber as wrong:
        raise PydanticCustomError("number", str(wrong)) from None


_Name = Annotated[str, AfterValidator(check_name)]
_Number = Annotated[object, AfterValidator(_number), WithJsonSchema({"type": "number"})]
_DEFAULT: Final = [{"type": kind} for kind in ("string", "number", "boolean", "null")]
_Default = Annotated[object, WithJsonSchema({"anyOf": _DEFAULT})]
_QUANTITIES: Final = {"hours": {"type": "number", "required": True, "min": 0}}


class QuantitySent(Sent):
    """One thing that is told of events of a kind."""

    type: Literal["money", "number", "text", "flag", "choice"] = Field(
        description="Money is the quantity `amount`, and no other."
    )
    required: bool = Field(default=False, description="An event without it is parked.")
    default: _Default = Field(
        default=None, description="Stands for it where it is left out; not together with required."
    )
    choices: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default_factory=list, max_length=100, description="Of a choice, and of no other type."
    )
    min: _Number | None = None
    max: _Number | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> "QuantitySent":
        is_number = self.type in {"money", "number"}
        if (self.type == "choice") != bool(self.choices):
            raise _wrong("a choice has `choices`, and nothing else; add them, or leave them out")
        if not is_number and (self.min is not None or self.max is not None):
            raise _wrong("`min` and `max` are for numbers and money; leave them out")
        if self.required and self.default is not None:
            raise _wrong("what has a default is not required; leave one of them out")
        if self.default is not None and not self._is_a_value(self.default):
            raise _wrong("the default is not of the quantity's type; correct it")
        return self

    def _is_a_value(self, value: object) -> bool:
        match self.type:
            case "flag":
                return isinstance(value, bool)
            case "text":
                return isinstance(value, str) and bool(value.strip())
            case "choice":
                return value in self.choices
            case "money" | "number":
                return isinstance(value, int | Decimal) and not isinstance(value, bool)


class KindSent(Sent):
    """A kind of event."""

    title: str = Field(min_length=1, max_length=200, examples=["A visit on their site"])
    quantities: dict[_Name, QuantitySent] = Field(
        default_factory=dict, max_length=64, examples=[_QUANTITIES]
    )

    @model_validator(mode="after")
    def _has_one_money(self) -> "KindSent":
        for name, quantity in self.quantities.items():
            if (name == AMOUNT) != (quantity.type == "money"):
                raise _wrong("`amount` is money, and no other quantity is; change type or name")
        return self


class QuantityShown(Shown):
    """One thing that is told of events of a kind."""

    type: str
    required: bool
    default: _Default
    choices: list[str]
    min: float | None
    max: float | None


class KindShown(Shown):
    """A kind of event, as it is declared now."""

    kind: str
    title: str
    is_built_in: bool = Field(description="One of ours, widened or not.")
    quantities: dict[str, QuantityShown]


class KindsShown(Shown):
    """Every kind there is, by name."""

    data: list[KindShown]


class SourceSent(Sent):
    """What is known of a source."""

    rank: int = Field(
        default=0,
        ge=-1_000,
        le=1_000,
        description=(
            "The word of a source with a higher rank stands against a newer one of a lower; "
            "among equals the newest stands."
        ),
    )
    reports: list[_Name] | None = Field(
        default=None,
        max_length=200,
        description=(
            "Kinds of which it tells every event: that there is none means that there was none. "
            "Of other kinds nothing is known. Null where nobody said."
        ),
        examples=[["support_case", "escalation"]],
    )


class SourceShown(Shown):
    """What is known of a source."""

    name: str
    rank: int
    reports: list[str] | None


class SourcesShown(Shown):
    """Every source of which something was said, by name."""

    data: list[SourceShown]


def kind_of(name: str, sent: KindSent) -> Kind:
    """Return the kind that was sent."""
    quantities = {one: _quantity(quantity) for one, quantity in sent.quantities.items()}
    return Kind(name=name, title=sent.title, quantities=quantities)


def kind_shown(kind: Kind) -> dict[str, Any]:
    """Return a kind as answers show it."""
    return {
        "kind": kind.name,
        "title": kind.title,
        "is_built_in": kind.is_ours,
        "quantities": {
            name: {
                "type": one.type,
                "required": one.required,
                "default": _plain(one.default),
                "choices": list(one.choices),
                "min": _plain(one.min),
                "max": _plain(one.max),
            }
            for name, one in kind.quantities.items()
        },
    }


def _quantity(sent: QuantitySent) -> Quantity:
    default: Any = sent.default
    is_number = sent.type in {"money", "number"} and default is not None
    return Quantity(
        type=sent.type,
        required=sent.required,
        default=Decimal(default) if is_number else default,
        choices=tuple(sent.choices),
        min=sent.min if isinstance(sent.min, Decimal) else None,
        max=sent.max if isinstance(sent.max, Decimal) else None,
    )


def _plain(value: Value | None) -> Any:  # noqa: ANN401 - a JSON value
    return as_json_number(value) if isinstance(value, Decimal) else value


def _wrong(words: str) -> PydanticCustomError:
    return PydanticCustomError("declaration", words)
